"""connect LABEL --token TOKEN: connects an account by personal access token."""

import sys

from django.core.management.base import BaseCommand, CommandError

from integrations.accounts import connect


class Command(BaseCommand):
    help = "Connect a Salesmsg account by a personal access token, which is checked first. Prints the account's id."

    def add_arguments(self, parser) -> None:
        parser.add_argument("label", help="how your team calls the account")
        parser.add_argument("--token", required=True, help="a personal access token; “-” reads it from stdin")

    def handle(self, *, label: str, token: str, **options) -> None:
        if token == "-":  # noqa: S105 - the usual word for stdin
            token = sys.stdin.readline()
        try:
            account = connect.connect_by_token(None, label, token)
        except connect.ConnectProblem as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(str(account.pk))
