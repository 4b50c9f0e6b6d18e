"""Sends due texts, with one task per account regardless of queue length.

A dispatcher reserves a call in the budget, claims the next due text and sends it. A waiting text stays `queued` and
occupies no worker. When the budget is used up, the dispatcher reschedules itself once per account for the time when the
next call is available.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q
from django.utils import timezone

from .. import gateway, jobs
from ..crypto import Unsealable
from ..failures import Reason
from ..gateway import BudgetWait, NotConnected
from ..models import Budget, BudgetCall, Message
from ..salesmsg.errors import SalesmsgError
from . import bulk_queue, deliver
from .compose import SEND, SEND_BULK

SLICE = 0.2  # seconds that one task runs before other tasks get their turn
WAIT_IN_PLACE = 0.1  # seconds; for a longer budget wait, the task is rescheduled and frees its worker
GRACE = timedelta(seconds=2)  # time for an enqueued task to start


@dataclass(frozen=True)
class Dispatcher:
    """Dispatcher for one kind of texts.

    lane: its budget lane. task: the name of its task. wake: the Budget field with the time of its next scheduled run.
    has_work: whether a text is due. following: the id of the next text, called once a call is reserved.
    """

    lane: str
    task: str
    wake: str
    has_work: Callable[[int], bool]
    following: Callable[[int], int | None]
    urgent: bool = False

    def run(self, account_id: int) -> int:
        """Task: sends due texts for `SLICE` seconds. Returns how many texts it tried to send."""
        deadline = time.monotonic() + SLICE
        sent = 0
        while self.has_work(account_id):
            if time.monotonic() > deadline:
                jobs.enqueue(self.task, account_id, urgent=self.urgent)
                return sent
            session = gateway.open_session(account_id, self.lane, patience=WAIT_IN_PLACE)
            try:
                deliver_next = self._reserve(session)
                message_id = self.following(account_id)
                if message_id is None:
                    return sent
                sent += deliver_next(message_id) not in {"", Message.State.QUEUED}
            except BudgetWait as wait:
                self._wake(account_id, wait.until)
                return sent
            finally:
                session.release()
        return sent

    def _reserve(self, session: gateway.ApiSession) -> Callable[[int], str]:
        """Reserves a call. Returns the function for the next text: send, fail or postpone. Raises BudgetWait."""
        try:
            session.reserve()
        except (NotConnected, Unsealable) as error:
            return partial(deliver.fail_message, reason=Reason.from_error(error))
        except SalesmsgError as error:
            return partial(deliver.postpone_message, error=error)
        return partial(deliver.send_message, session=session)

    def wake_accounts(self, account_ids: set[int]) -> int:
        """Sweep: enqueues the task for the accounts that have no run scheduled. Returns how many."""
        now = timezone.now()
        scheduled = Budget.objects.filter(account_id__in=account_ids, **{f"{self.wake}__gt": now - GRACE})
        missed = account_ids - set(scheduled.values_list("account_id", flat=True))
        for account_id in missed:
            jobs.enqueue(self.task, account_id, urgent=self.urgent)
        return len(missed)

    def _wake(self, account_id: int, at: datetime) -> None:
        """Schedules the next run for `at`, unless an earlier one is scheduled."""
        now = timezone.now()
        unplanned = Q(**{self.wake: None}) | Q(**{f"{self.wake}__lte": now}) | Q(**{f"{self.wake}__gt": at})
        if Budget.objects.filter(unplanned, account_id=account_id).update(**{self.wake: at}):
            jobs.enqueue(self.task, account_id, delay=max(0.02, (at - now).total_seconds()), urgent=self.urgent)


def _has_interactive(account_id: int) -> bool:
    return deliver.ready_messages(account_id).exists()


def _next_interactive(account_id: int) -> int | None:
    return deliver.ready_messages(account_id).values_list("pk", flat=True).first()


INTERACTIVE = Dispatcher(
    BudgetCall.Lane.INTERACTIVE, SEND, "interactive_wake_at", _has_interactive, _next_interactive, urgent=True
)
BULK = Dispatcher(BudgetCall.Lane.BULK, SEND_BULK, "bulk_wake_at", bulk_queue.has_work, bulk_queue.next_message)


def wake_due() -> int:
    """Sweep: enqueues tasks for due texts that no task has picked up. Returns how many tasks."""
    due = Message.objects.filter(deliver.waiting_messages(), due_at__lt=timezone.now() - GRACE, bulk=None)
    interactive = INTERACTIVE.wake_accounts(set(due.order_by().values_list("account_id", flat=True).distinct()))
    return interactive + BULK.wake_accounts(bulk_queue.settle_bulks())
