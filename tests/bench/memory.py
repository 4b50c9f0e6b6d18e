"""A worker's steps in one process, and how much memory it holds: the program behind bench_memory.

`python -m tests.bench.memory TOKEN THREADS` connects the seeded account of DATABASE_URL's database, walks it as the
worker does (tasks are called here instead of being fetched from the queue), and prints [phase, steps, resident, peak]
after each phase, in MB.
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.utils import timezone  # noqa: E402

from integrations.crypto import seal  # noqa: E402
from integrations.models import Account, Contact, Credential, SyncRun, SyncSeen, SyncStream  # noqa: E402
from integrations.sync import request, runner, sweep  # noqa: E402

runner.TASK_SECONDS = 0.0  # a page is a task, so that phases end where they end
UNMET = 30  # contacts that the full sync does not see: each is verified


def memory() -> tuple[float, float]:
    """(resident, most since the last call), MB."""
    found = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    Path("/proc/self/clear_refs").write_text("5")
    return tuple(int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def connect(token: str) -> Account:
    account = Account.objects.get()
    now = timezone.now()
    Credential.objects.create(
        account=account, kind=Credential.Kind.PAT, access_token=seal(token), refresh_token=seal(token),
        expires_at=now + timedelta(days=1), renew_at=now + timedelta(hours=20),
    )  # fmt: skip
    Account.objects.update(state=Account.State.CONNECTED, synced_at=now)
    return account


def meet_most(run: SyncRun, account: Account) -> None:
    """As if the full sync had seen all contacts that the vendor does not have, but for a few."""
    stream = run.streams.get(name="contacts")
    ids = Contact.objects.filter(account=account, vendor_id__gt=UNMET).values_list("vendor_id", flat=True)
    batch: list[SyncSeen] = []
    for vendor_id in ids.iterator(chunk_size=5000):
        batch.append(SyncSeen(stream=stream, vendor_id=vendor_id))
        if len(batch) == 5000:
            SyncSeen.objects.bulk_create(batch, ignore_conflicts=True)
            batch = []
    SyncSeen.objects.bulk_create(batch, ignore_conflicts=True)


def walked(run: SyncRun, until: Callable[[SyncStream | None], bool], most: int = 100_000) -> int:
    """Steps of the run until its present stream says enough; how many."""
    done = 0
    while done < most:
        run.refresh_from_db()
        stream = run.streams.filter(done=False).first()
        if run.state != SyncRun.State.RUNNING or until(stream):
            break
        SyncRun.objects.filter(pk=run.pk).update(due_at=timezone.now())  # no user waits here
        done += runner.run_steps(run.pk, run.step)
    return done


def main(token: str, threads: str) -> None:
    account = connect(token)
    found = []

    def told(phase: str, steps: int) -> None:
        found.append([phase, steps, *memory()])

    sweep.wake_due_work()
    told("at its start", 0)
    run = request.start_full(account)
    meet_most(run, account)
    told("(the bench's own preparation)", 0)
    told("lists of the house", walked(run, lambda stream: stream is not None and stream.name == "contacts"))
    told("the first pages of contacts", walked(run, lambda stream: stream is None or stream.name != "contacts", 5))
    told("all contacts", walked(run, lambda stream: stream is None or stream.name != "contacts"))
    told("deleted contacts", walked(run, lambda stream: stream is None or stream.name != "deleted"))
    told("conversations", walked(run, lambda stream: stream is None or stream.name == "messages"))
    told("the plan of threads", walked(run, lambda stream: stream is None or "planned" in stream.cursor))
    told("threads", walked(run, lambda stream: False, int(threads)))
    request.stop_sync(account)
    run = request.start_changes(account)
    told("a look for changes", walked(run, lambda stream: False, int(threads)))
    request.stop_sync(account)
    for _ in range(20):
        sweep.wake_due_work()
    sweep.prune_sync()
    told("sweeps and pruning", 21)
    print(json.dumps({"phases": found, "error": run.reason.text}))


if __name__ == "__main__":
    main(*sys.argv[1:])
