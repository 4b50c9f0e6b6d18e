"""sandbox: run the Salesmsg sandbox. Passes all options to the sandbox's own command line."""

import sys

from django.core.management.base import BaseCommand

from integrations.sandbox import cli


class Command(BaseCommand):
    help = cli.DESCRIPTION
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser):
        cli.add_arguments(parser)

    def handle(self, *args, **options):
        if status := cli.run(cli.options_from(options)):
            sys.exit(status)
