"""rotate_keys: seals every stored secret again under the first key."""

from django.core.management.base import BaseCommand, CommandError

from integrations import tokens
from integrations.crypto import Unsealable


class Command(BaseCommand):
    help = (
        "Seal every stored token and webhook secret again under the first key of FIELD_ENCRYPTION_KEYS. "
        "Put the new key first, restart, run this, then remove the old key."
    )

    def handle(self, **options) -> None:
        try:
            rows = tokens.rotate_keys()
        except Unsealable as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{rows} stored secrets are sealed under the first key.")
