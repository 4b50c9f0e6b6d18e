"""What sync knows about each list of an account: its age, length, cost, and when to check it again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from ..failures import NO_REASON, Reason
from ..models import Account, ListSync, SyncRun, SyncStream
from ..models.reason import REASON_COLUMNS
from . import polling_interval
from .checkpoints import ListCursor
from .plan import CHECK, HOUSE

TO_THE_END = {SyncRun.Kind.FULL, SyncRun.Kind.CHECK}
RETRY_AFTER = timedelta(minutes=5)
# Without `calls`, which other tasks count up at the same time.
_FIELDS = (
    *("looked_at", "walked_at", "found_at", "read_to", "rows", "repaired"),
    *("due_at", "pause", "error_at", *REASON_COLUMNS),
)
SOON, CLAIMED = timedelta(seconds=5), timedelta(minutes=2)


def get_list(account_id: int, name: str) -> ListSync:
    return ListSync.objects.get_or_create(account_id=account_id, name=name)[0]


def add_calls(account_id: int, name: str, calls: int) -> None:
    """Counts requests that were made for a list."""
    if calls and not ListSync.objects.filter(account=account_id, name=name).update(calls=F("calls") + calls):
        get_list(account_id, name)
        ListSync.objects.filter(account=account_id, name=name).update(calls=F("calls") + calls)


def record_end(run: SyncRun, stream: SyncStream) -> None:
    """Records the end of a stream: what is known of its list now, and when it is due again."""
    now = timezone.now()
    known = get_list(run.account_id, stream.name)
    cursor = ListCursor.from_json(stream.cursor)
    if cursor.skipped:
        known.error_at = now
        known.set_reason(Reason.from_json(cursor.skipped))
        known.due_at = now + timedelta(seconds=polling_interval.CHECK_AT_LEAST)
        known.save(update_fields=[*REASON_COLUMNS, "error_at", "due_at"])
        return
    known.looked_at, known.error_at = stream.began_at or now, None
    known.set_reason(NO_REASON)
    if cursor.newest:
        known.read_to = datetime.fromisoformat(cursor.newest)
    if run.kind in TO_THE_END or cursor.whole_list:
        known.walked_at, known.rows = now, stream.seen if stream.total is None else stream.total
    elif stream.total is not None and stream.name != "messages":
        known.rows = stream.total
    if run.kind == SyncRun.Kind.CHECK:
        known.repaired = stream.changed
    if stream.changed:
        known.found_at = now
    if stream.name in polling_interval.PACES:
        calls = 0 if run.kind in TO_THE_END else stream.calls
        known.pause = polling_interval.next_pause(
            run.account, stream.name, known.pause, found=bool(stream.changed), calls=calls, now=now
        )
        known.due_at = now + timedelta(seconds=known.pause)
    known.save(update_fields=_FIELDS)


def read_to(account_id: int, name: str) -> datetime | None:
    """Salesmsg's time up to which everything in this list is known."""
    return ListSync.objects.filter(account=account_id, name=name).values_list("read_to", flat=True).first()


def reached(account_id: int, name: str, moments: Sequence[datetime | None]) -> bool:
    """Whether a page, newest first, reaches what was known before. Rows of the same second may be on later pages."""
    if not moments:
        return False
    return ListSync.objects.filter(account=account_id, name=name, read_to__gt=moments[-1]).exists()


def record_comparison(run: SyncRun) -> None:
    """Records that everything was read, and plans the next comparison."""
    now = timezone.now()
    known = get_list(run.account_id, CHECK)
    if run.kind == SyncRun.Kind.CHECK:
        known.repaired = sum(stream.changed for stream in run.streams.all() if stream.name not in HOUSE)
        known.calls += run.requests
        known.error_at = None
        known.set_reason(NO_REASON)
        if run.changed:
            known.found_at = now
    listed = sum(stream.calls for stream in run.streams.all() if stream.name != "messages")
    known.looked_at, known.walked_at = run.started_at, now
    known.pause = polling_interval.check_pause(listed)
    known.due_at = now + timedelta(seconds=known.pause)
    known.save()


def record_failure(run: SyncRun, name: str, why: Reason) -> None:
    """Records that a run failed at this list; all lists of the run wait for RETRY_AFTER."""
    now = timezone.now()
    names = [CHECK] if run.kind == SyncRun.Kind.CHECK else list(run.streams.values_list("name", flat=True))
    ListSync.objects.filter(account=run.account_id, name__in=names).update(due_at=now + RETRY_AFTER)
    if name:
        get_list(run.account_id, name)
        ListSync.objects.filter(account=run.account_id, name=name).update(error_at=now, **why.columns())


def due_now(account: Account) -> list[str]:
    """The lists that a check should read now, including those due within SOON."""
    due = ListSync.objects.filter(account=account, name__in=polling_interval.PACES, due_at__lte=timezone.now() + SOON)
    return list(due.values_list("name", flat=True))


def claim_lists(account: Account, names: list[str]) -> bool:
    """Postpones the due times of lists that a check will read; False if another process did. The end of the check
    sets them again."""
    now = timezone.now()
    due = ListSync.objects.filter(account=account, name__in=names, due_at__lte=now + SOON)
    return bool(due.update(due_at=now + CLAIMED)) if names else False
