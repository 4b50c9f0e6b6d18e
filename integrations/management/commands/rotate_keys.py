"""rotate_keys: seals every stored secret again under the first key."""

from django.core.management.base import BaseCommand, CommandError

from integrations import tokens


class Command(BaseCommand):
    help = (
        "Seal every stored token and webhook secret again under the first key of FIELD_ENCRYPTION_KEYS. "
        "Put the new key first, restart, run this, then remove the old key."
    )

    def handle(self, **options) -> None:
        rows, lost = tokens.rotate_keys()
        self.stdout.write(f"{rows} stored secrets are sealed under the first key.")
        if lost:
            raise CommandError(
                f"FIELD_ENCRYPTION_KEYS lacks the key of: {', '.join(lost)}. Put the old key back beside the new one "
                "and run this again; or connect those accounts again and renew their webhook addresses."
            )
