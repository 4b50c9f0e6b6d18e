"""Which text leaves next: one task per account, however many wait.

A pump takes a place in the budget first, then claims the next due text, then hands it over: a text that waits stays
`queued`, and waiting costs no worker. Refused by the budget, it comes back when a place returns, once per account.
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
from ..gateway import BudgetWait, NotConnected
from ..models import Budget, BudgetCall, Message
from ..salesmsg.errors import SalesmsgError
from . import bulk_queue, deliver
from .compose import SEND, SEND_BULK

SLICE = 0.2  # seconds of one task, before others have their turn
WAIT_IN_PLACE = 0.1  # seconds; a longer wait for budget goes back into the queue and holds no worker
GRACE = timedelta(seconds=2)  # the nudge's own time to arrive


@dataclass(frozen=True)
class Dispatcher:
    """One kind of texts: its lane, its task, where its next waking is noted, whether something is due and what is next
    (asked once a place is held)."""

    lane: str
    task: str
    wake: str
    has_work: Callable[[int], bool]
    following: Callable[[int], int | None]
    urgent: bool = False

    def run(self, account_id: int) -> int:
        """The task: sends what is due, for a moment. Returns how many texts were handed over."""
        until = time.monotonic() + SLICE
        sent = 0
        while self.has_work(account_id):
            if time.monotonic() > until:
                jobs.enqueue(self.task, account_id, urgent=self.urgent)
                return sent
            session = gateway.open_session(account_id, self.lane, patience=WAIT_IN_PLACE)
            try:
                hand_over = self._ready(session)
                message_id = self.following(account_id)
                if message_id is None:
                    return sent
                sent += hand_over(message_id) not in {"", Message.State.QUEUED}
            except BudgetWait as wait:
                self._wake(account_id, wait.until)
                return sent
            finally:
                session.release()
        return sent

    def _ready(self, session: gateway.ApiSession) -> Callable[[int], str]:
        """What to do with the next text: send it, the door holding its place, or tell it why not. Raises BudgetWait."""
        try:
            session.reserve()
        except (NotConnected, Unsealable) as problem:
            return partial(deliver.fail_message, reason=str(problem))
        except SalesmsgError as trouble:
            return partial(deliver.postpone_message, error=trouble)
        return partial(deliver.send_message, session=session)

    def wake_accounts(self, account_ids: set[int]) -> int:
        """The sweep's part: accounts that have something due and whose pump is not expected to wake by itself."""
        now = timezone.now()
        expected = Budget.objects.filter(account_id__in=account_ids, **{f"{self.wake}__gt": now - GRACE})
        left = account_ids - set(expected.values_list("account_id", flat=True))
        for account_id in left:
            jobs.enqueue(self.task, account_id, urgent=self.urgent)
        return len(left)

    def _wake(self, account_id: int, at: datetime) -> None:
        """Comes back at that time, unless another run of this pump will sooner."""
        now = timezone.now()
        unplanned = Q(**{self.wake: None}) | Q(**{f"{self.wake}__lte": now}) | Q(**{f"{self.wake}__gt": at})
        if Budget.objects.filter(unplanned, account_id=account_id).update(**{self.wake: at}):
            jobs.enqueue(self.task, account_id, delay=max(0.02, (at - now).total_seconds()), urgent=self.urgent)


def _interactive_waits(account_id: int) -> bool:
    return deliver.ready_messages(account_id).exists()


def _next_interactive(account_id: int) -> int | None:
    return deliver.ready_messages(account_id).values_list("pk", flat=True).first()


INTERACTIVE = Dispatcher(
    BudgetCall.Lane.INTERACTIVE, SEND, "interactive_wake_at", _interactive_waits, _next_interactive, urgent=True
)
BULK = Dispatcher(BudgetCall.Lane.BULK, SEND_BULK, "bulk_wake_at", bulk_queue.has_work, bulk_queue.next_message)


def wake_due() -> int:
    """The sweep's part: texts that are due and were not nudged."""
    due = Message.objects.filter(deliver.waiting_messages(), due_at__lt=timezone.now() - GRACE, bulk=None)
    people = INTERACTIVE.wake_accounts(set(due.order_by().values_list("account_id", flat=True).distinct()))
    return people + BULK.wake_accounts(bulk_queue.settle_bulks())
