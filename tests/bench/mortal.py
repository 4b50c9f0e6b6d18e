"""A sync whose process dies by kill -9 at every page: before it is stored, in the middle of storing, right after.

`python -m tests.bench.mortal RUN` in a portal's environment. A parent forks a child for every step; the next child
finds what the dead one left. Prints {"kills", "steps", "state"}.
"""

import json
import os
import signal
import sys
from datetime import timedelta

import django

POINTS = ("before", "within", "after")


def child(run_id: int, point: str | None) -> None:
    """One step of the run; at `point` this process is gone."""
    from integrations import gateway
    from integrations.models import SyncRun
    from integrations.sync import runner

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    if point == "before":
        runner._store = die
    elif point == "within":
        SyncRun.save = die  # the page's rows are written, nothing is committed
    run = runner.claim_step(run_id)
    if run is None:
        os._exit(3)
    runner.advance_run(run, gateway.open_session(run.account_id, "sync", patience=30))
    if point == "after":
        die()
    os._exit(0)


def main(run_id: int) -> None:
    """The program."""
    django.setup()
    from django.db import connections
    from django.utils import timezone

    from integrations.models import SyncRun

    kills, turn, last = 0, 0, -1
    while True:
        run = SyncRun.objects.get(pk=run_id)
        if run.state != SyncRun.State.RUNNING:
            break
        # Time passes: what the dead one had claimed is free again.
        SyncRun.objects.filter(pk=run_id).update(lease_until=None, due_at=timezone.now() - timedelta(seconds=1))
        if run.step != last:
            turn += 1
        point = POINTS[turn % len(POINTS)]
        # Each page dies once; the second try at the same step may live.
        alive = run.step == last
        last = run.step
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            try:
                child(run_id, None if alive else point)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            kills += 1
        elif os.WEXITSTATUS(status) == 1:
            raise SystemExit("A child failed; its fault is above.")
    print(json.dumps({"kills": kills, "steps": run.step, "state": run.state, "error": run.error}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
