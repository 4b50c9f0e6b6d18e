"""generate_key: print a new key for FIELD_ENCRYPTION_KEYS."""

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Print a new Fernet key for FIELD_ENCRYPTION_KEYS."
    requires_system_checks = []

    def handle(self, **options) -> None:
        self.stdout.write(Fernet.generate_key().decode())
