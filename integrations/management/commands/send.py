"""send --account ID --to PHONE TEXT: queue a text, as the inbox does."""

import sys
import time
import uuid

from django.core.management.base import BaseCommand, CommandError

from integrations.models import Account, Message
from integrations.outbox import compose, deliver, safeguards

WAITING = {Message.State.QUEUED, Message.State.SENDING}
SENT = {Message.State.SENT, Message.State.DELIVERED}


class Command(BaseCommand):
    help = (
        "Queue a text to a phone number, as the inbox does, and print the message's ID. With --wait, the command "
        "also tries to send it and exits with 0 (sent), 1 (failed) or 2 (not known yet)."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--account", type=int, required=True, metavar="ID")
        parser.add_argument("--to", required=True, metavar="PHONE", help="such as +13055550142")
        parser.add_argument("--wait", type=float, default=0, metavar="SECONDS")
        parser.add_argument(
            "--accept", action="append", default=[], metavar="SAFEGUARD", choices=safeguards.askable_names(),
            help="send the text although this safeguard asks for confirmation: %(choices)s",
        )  # fmt: skip
        parser.add_argument("text")

    def handle(self, *, account: int, to: str, wait: float, text: str, accept: list[str], **options) -> None:
        sender = Account.objects.filter(pk=account).first()
        if sender is None:
            raise CommandError(f"There is no account {account}. `status --json` lists them.")
        try:
            message = compose.queue_to_phone(None, sender, to, text, uuid.uuid4(), accepted=accept)
        except safeguards.NeedsConfirmation as asked:
            flags = " ".join(f"--accept {name}" for name in asked.questions)
            raise CommandError(f"{asked.reason} To send it anyway, add {flags}.") from None
        except safeguards.CannotSend as problem:
            raise CommandError(problem.reason) from None
        self.stdout.write(str(message.pk))
        if wait > 0:
            sys.exit(self._outcome(message, wait))

    def _outcome(self, message: Message, wait: float) -> int:
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            # Claiming is conditional, so the text is sent once even if the worker delivers it at the same time.
            deliver.deliver_message(message.pk, patience=max(0.0, deadline - time.monotonic()))
            message.refresh_from_db()
            if message.state in SENT:
                return 0
            if message.state not in WAITING:
                break
            time.sleep(0.1)
        if message.state in {Message.State.FAILED, Message.State.CANCELLED}:
            self.stderr.write(message.explanation or "The text was not sent.")
            return 1
        self.stderr.write(f"Not known yet: {message.get_state_display().lower()}. {message.explanation}".strip())
        return 2
