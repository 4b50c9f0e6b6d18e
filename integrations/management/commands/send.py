"""send --account ID --to PHONE TEXT: queues a text as the inbox does."""

import sys
import time
import uuid

from django.core.management.base import BaseCommand, CommandError

from integrations.models import Account, Message
from integrations.outbox import compose, deliver

WAITING = {Message.State.QUEUED, Message.State.SENDING}
SENT = {Message.State.SENT, Message.State.DELIVERED}


class Command(BaseCommand):
    help = (
        "Queue a text to a phone number, as the inbox does, and print the message's id. With --wait the command "
        "helps to deliver it and ends with 0 sent, 1 failed, 2 not known yet."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--account", type=int, required=True, metavar="ID")
        parser.add_argument("--to", required=True, metavar="PHONE", help="such as +13055550142")
        parser.add_argument("--wait", type=float, default=0, metavar="SECONDS")
        parser.add_argument("text")

    def handle(self, *, account: int, to: str, wait: float, text: str, **options) -> None:
        found = Account.objects.filter(pk=account).first()
        if found is None:
            raise CommandError(f"There is no account {account}. `status --json` lists them.")
        try:
            message = compose.queue_to_phone(None, found, to, text, uuid.uuid4())
        except compose.CannotSend as problem:
            raise CommandError(problem.reason) from None
        self.stdout.write(str(message.pk))
        if wait > 0:
            sys.exit(self._outcome(message, wait))

    def _outcome(self, message: Message, wait: float) -> int:
        until = time.monotonic() + wait
        while time.monotonic() < until:
            # The claim is conditional: whether the worker or this command delivers it, it leaves once.
            deliver.deliver_message(message.pk, patience=max(0.0, until - time.monotonic()))
            message.refresh_from_db()
            if message.state in SENT:
                return 0
            if message.state not in WAITING:
                break
            time.sleep(0.1)
        if message.state in {Message.State.FAILED, Message.State.CANCELLED}:
            self.stderr.write(message.failure or "The text was not sent.")
            return 1
        self.stderr.write(f"Not known yet: {message.get_state_display().lower()}. {message.failure}".strip())
        return 2
