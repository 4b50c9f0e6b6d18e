"""Ask for a sync, a look at one thread, or how far the newest sync has come. Makes no call itself."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from .. import budget, jobs
from ..models import Account, Conversation, SyncRun, SyncStream, ThreadSync
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
    """Reads everything again. Other runs give way; a full one that runs already is returned."""
    return _begin(account, SyncRun.Kind.FULL, user, streams_of(SyncRun.Kind.FULL))


def changes(account: Account, user=None) -> SyncRun:
    """Reads what changed since the last look, the long way where the order of a list cannot be trusted."""
    return _begin(account, SyncRun.Kind.CHANGES, user, streams_of(SyncRun.Kind.CHANGES))


def look(account: Account, names: list[str]) -> SyncRun:
    """The quick form of `changes`, for these lists only: what it cannot find is left to the comparison."""
    wanted = tuple(name for name in streams_of(SyncRun.Kind.CHANGES) if name in names or name == "messages")
    return _begin(account, SyncRun.Kind.CHANGES, None, wanted, {"quick": True})


def check(account: Account, user=None) -> SyncRun:
    """Compares everything with Salesmsg in idle budget, and puts right what differs."""
    return _begin(account, SyncRun.Kind.CHECK, user, streams_of(SyncRun.Kind.CHECK))


def stop(account: Account) -> bool:
    """Ends the running sync where it stands; what it has read stays. False if none runs."""
    return _stop(SyncRun.objects.filter(account=account))


def _stop(runs: QuerySet[SyncRun]) -> bool:
    stopped = {"state": SyncRun.State.STOPPED, "finished_at": timezone.now(), "step": F("step") + 1}
    return bool(runs.filter(state=SyncRun.State.RUNNING).update(**stopped, lease_until=None))


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


def fill(conversation: Conversation) -> None:
    """Somebody has come to where the cache of this thread ends: have the rest of its history read before others'."""
    now = timezone.now()
    ThreadSync.objects.get_or_create(conversation=conversation)
    unasked = Q(wanted_at=None) | Q(wanted_at__lt=now - FRESH)
    wanted = {"run": None, "pending": False, "wanted_at": now, "due_at": now, "following": False}
    if ThreadSync.objects.filter(unasked, conversation=conversation, complete=False).update(**wanted):
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


def progress(account: Account) -> Progress | None:
    """The full run that is under way, else the newest run; None before the first."""
    runs = SyncRun.objects.filter(account=account).prefetch_related("streams").order_by("-pk")
    run = runs.filter(kind=SyncRun.Kind.FULL, state=SyncRun.State.RUNNING).first() or runs.first()
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


def _begin(account: Account, kind: str, user, names: tuple[str, ...], cursor: dict | None = None) -> SyncRun:
    """A run of each kind at most; one that does at least what is wanted is returned instead of a new one."""
    for _ in range(3):
        running = {run.kind: run for run in SyncRun.objects.filter(account=account, state=SyncRun.State.RUNNING)}
        whole = running.get(SyncRun.Kind.FULL)
        if whole is not None and (kind != SyncRun.Kind.CHANGES or not _lists_read(whole)):
            return whole
        same = running.get(kind)
        if same is not None and not _wants_more(same, names, cursor or {}):
            return same
        try:
            with transaction.atomic():
                if kind == SyncRun.Kind.FULL:
                    stop(account)
                elif same is not None:
                    _stop(SyncRun.objects.filter(pk=same.pk))
                run = SyncRun.objects.create(account=account, kind=kind, requested_by=user)
                SyncStream.objects.bulk_create(
                    SyncStream(run=run, name=name, position=place, cursor=cursor or {})
                    for place, name in enumerate(names)
                )
                jobs.enqueue(STEP, run.pk, run.step)
            return run
        except IntegrityError:
            continue  # somebody else began one at the same moment
    return SyncRun.objects.get(account=account, kind=kind, state=SyncRun.State.RUNNING)


def _lists_read(run: SyncRun) -> bool:
    """Whether a full run has come to the threads: from then on it does not see what changes in the lists."""
    return not run.streams.exclude(name="messages").filter(done=False).exists()


def _wants_more(run: SyncRun, names: tuple[str, ...], cursor: dict) -> bool:
    """Whether a run does less than what is wanted: other lists, or a quick look where a thorough one is asked for."""
    walked = dict(run.streams.values_list("name", "cursor"))
    if not set(names) <= walked.keys():
        return True
    return not cursor.get("quick") and any(each.get("quick") for each in walked.values())
