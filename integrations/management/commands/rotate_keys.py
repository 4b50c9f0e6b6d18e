"""rotate_keys: re-encrypt every stored secret with the first key."""

from django.core.management.base import BaseCommand, CommandError

from integrations import tokens


class Command(BaseCommand):
    help = (
        "Re-encrypt every stored token and webhook secret with the first key of FIELD_ENCRYPTION_KEYS. "
        "Add the new key first in the list, restart, run this command, then remove the old key."
    )

    def handle(self, **options) -> None:
        rows, lost = tokens.rotate_keys()
        self.stdout.write(f"{rows} stored secrets are encrypted with the first key.")
        if lost:
            raise CommandError(
                f"FIELD_ENCRYPTION_KEYS lacks the key of: {', '.join(lost)}. Add the old key again after the new one "
                "and run this command again. Or reconnect those accounts and create new webhook addresses."
            )
