"""Ask for a sync, a look at one thread, or how far the newest sync has come. Makes no call itself."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from .. import budget, jobs
from ..models import Account, Budget, Conversation, SyncRun, SyncStream, ThreadSync
from .plan import LABELS, streams_of

STEP = "integrations.tasks.sync_step"
THREAD = "integrations.tasks.refresh_thread"
FRESH = timedelta(seconds=4)  # a thread somebody looks at is not read again within


@dataclass(frozen=True)
class StreamProgress:
    label: str
    seen: int
    total: int | None
    done: bool


@dataclass(frozen=True)
class Progress:
    """How far a run is. fraction: 0..1, None while nothing can be said; eta_seconds: likewise."""

    run: SyncRun
    streams: list[StreamProgress]
    fraction: float | None
    eta_seconds: int | None

    @property
    def running(self) -> bool:
        return self.run.state == SyncRun.State.RUNNING


def full(account: Account, user=None) -> SyncRun:
    """Reads everything again. A run for changes gives way; a full one that runs already is returned."""
    return _begin(account, SyncRun.Kind.FULL, user)


def changes(account: Account, user=None, *, contacts: bool = True, thorough: bool = False) -> SyncRun:
    """Reads what changed since the last look. Any run that is under way is returned instead.

    thorough: reads the lists of conversations to their end, since closing and assigning move nothing to the front.
    """
    leave_out = () if contacts else ("contacts",)
    return _begin(account, SyncRun.Kind.CHANGES, user, leave_out, {"thorough": True} if thorough else {})


def stop(account: Account) -> bool:
    """Ends the running sync where it stands; what it has read stays. False if none runs."""
    return bool(
        SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING).update(
            state=SyncRun.State.STOPPED, finished_at=timezone.now(), step=F("step") + 1, lease_until=None
        )
    )


def watch(conversation: Conversation) -> None:
    """Somebody looks at this thread: have it read again soon, unless it is fresh or asked for already."""
    now = timezone.now()
    if conversation.vendor_id is None:
        return
    ThreadSync.objects.get_or_create(conversation=conversation)
    stale = Q(read_at=None) | Q(read_at__lt=now - FRESH)
    unasked = Q(wanted_at=None) | Q(wanted_at__lt=now - FRESH)
    wanted = {"wanted_at": now, "due_at": now, "following": False}
    if ThreadSync.objects.filter(stale, unasked, conversation=conversation).update(**wanted):
        jobs.enqueue(THREAD, conversation.pk, keep=False)


def look_again(conversation_id: int, delay: float = 0.0, *, following: bool = False) -> None:
    """Has a thread read `delay` seconds from now, or sooner if that is planned already.

    following: only to see whether our texts were delivered, which must not take much of the budget: the sweep asks.
    """
    at = timezone.now() + timedelta(seconds=delay)
    thread, _ = ThreadSync.objects.get_or_create(conversation_id=conversation_id)
    later = ThreadSync.objects.filter(pk=thread.pk).filter(Q(due_at=None) | Q(due_at__gt=at))
    if later.update(due_at=at, following=following) and not following:
        jobs.enqueue(THREAD, conversation_id, delay=delay, keep=False)


def look_again_all(account_id: int, conversation_ids: list[int]) -> None:
    """As `look_again`, now, for many of an account at once. What finds no place in the budget is left to the sweep."""
    if not conversation_ids:
        return
    now = timezone.now()
    with transaction.atomic():
        here = ThreadSync.objects.filter(conversation__in=conversation_ids)
        missing = set(conversation_ids) - set(here.values_list("conversation_id", flat=True))
        ThreadSync.objects.bulk_create([ThreadSync(conversation_id=pk) for pk in missing], ignore_conflicts=True)
        later = here.filter(Q(due_at=None) | Q(due_at__gt=now)).select_for_update(no_key=True)
        # In one order: two who ask for the same threads must not wait for each other.
        ids = list(later.order_by("conversation_id").values_list("conversation_id", flat=True))
        ThreadSync.objects.filter(conversation__in=ids).update(due_at=now, following=False)
        used, limit, blocked = Budget.for_account(Account(pk=account_id)).used_now()
        # One at least: a lane that was refused is remembered, and given a place.
        jobs.enqueue_each(THREAD, ids[: 1 if blocked else max(1, limit - used)])


def progress(account: Account) -> Progress | None:
    """The newest run of the account, None before the first."""
    run = SyncRun.objects.filter(account=account).prefetch_related("streams").order_by("-pk").first()
    return progress_of(run) if run else None


def progress_of(run: SyncRun) -> Progress:
    """Fractions count messages by threads read, contacts by the vendor's total, the rest as a few steps."""
    shown, expected, done_calls = [], 0.0, 0.0
    for stream in run.streams.all():
        seen, total = stream.seen, stream.total
        if stream.name == "messages":
            threads = run.threads.aggregate(all=Count("pk"), read=Count("pk", filter=Q(pending=False)))
            seen, total = threads["read"], threads["all"] or None
        shown.append(StreamProgress(LABELS[stream.name], seen, total, stream.done))
        weight, part = _weight(stream, seen, total)
        expected += weight
        done_calls += weight if stream.done else weight * part
    known = any(stream.name == "contacts" and (stream.total or stream.done) for stream in run.streams.all())
    fraction = min(1.0, done_calls / expected) if expected and known else None
    if run.state == SyncRun.State.DONE:
        fraction = 1.0
    eta = None
    spent = ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
    if run.state == SyncRun.State.RUNNING and fraction and spent > 3:
        eta = round(max(spent * (1 - fraction) / fraction, budget.seconds_for(run.account_id, expected - done_calls)))
    return Progress(run, shown, fraction, eta)


def _weight(stream: SyncStream, seen: int, total: int | None) -> tuple[float, float]:
    """(calls this stream will take, about; how much of them is done)."""
    part = min(1.0, seen / total) if total else 0.0
    if stream.name == "contacts":
        return max(1.0, (total or 10) / 10), part
    if stream.name == "messages":
        contacts = stream.run.streams.filter(name="contacts").values_list("total", flat=True).first()
        return max(1.0, float(total or contacts or 10)), part
    return 1.0, 0.0


def _begin(account: Account, kind: str, user, leave_out: tuple[str, ...] = (), cursor: dict | None = None) -> SyncRun:
    running = SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING)
    wanted = {name for name in streams_of(kind) if name not in leave_out}
    for _ in range(3):
        run = running.first()
        if run is not None and (run.kind == SyncRun.Kind.FULL or wanted <= _walked(run, kind)):
            return run
        try:
            with transaction.atomic():
                if run is not None:
                    stop(account)
                run = SyncRun.objects.create(account=account, kind=kind, requested_by=user)
                SyncStream.objects.bulk_create(
                    SyncStream(run=run, name=name, position=place, cursor=cursor or {})
                    for place, name in enumerate(streams_of(kind))
                    if name in wanted
                )
                jobs.enqueue(STEP, run.pk, run.step)
            return run
        except IntegrityError:
            continue  # somebody else began one at the same moment
    return running.get()


def _walked(run: SyncRun, kind: str) -> set[str]:
    """The lists of a run of this kind; a look at conversations alone cannot stand in for one at contacts too."""
    return set(run.streams.values_list("name", flat=True)) if run.kind == kind else set()
