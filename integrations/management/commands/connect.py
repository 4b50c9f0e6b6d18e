"""connect LABEL --token TOKEN: connect an account with a personal access token."""

import sys

from django.core.management.base import BaseCommand, CommandError

from integrations.accounts import connect


class Command(BaseCommand):
    help = "Connect a Salesmsg account with a personal access token, which is verified first. Prints the account's ID."

    def add_arguments(self, parser) -> None:
        parser.add_argument("label", help="the account's name in the portal")
        parser.add_argument("--token", required=True, help="a personal access token, or “-” to read it from stdin")

    def handle(self, *, label: str, token: str, **options) -> None:
        if token == "-":  # noqa: S105 - stands for stdin
            token = sys.stdin.readline()
        try:
            account = connect.connect_by_token(None, label, token)
        except connect.ConnectProblem as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(str(account.pk))
