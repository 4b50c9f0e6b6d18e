"""probe --account ID [--json]: check assumptions about undocumented API behavior for one account."""

import json

from django.core.management.base import BaseCommand, CommandError

from integrations import gateway
from integrations.crypto import Unsealable
from integrations.failures import Reason
from integrations.gateway import BudgetWait, NotConnected
from integrations.models import Account, BudgetCall
from integrations.salesmsg.errors import SalesmsgError
from integrations.sync import probe


class Command(BaseCommand):
    help = (
        f"Check which assumptions about undocumented Salesmsg behavior hold for an account. Read-only, uses at most "
        f"{probe.MOST_CALLS} calls of the budget. The report contains no personal data and can be shared."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--account", type=int, required=True, metavar="ID")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--patience",
            type=float,
            default=90,
            metavar="SECONDS",
            help="how long to wait for the budget (default: 90)",
        )

    def handle(self, *, account: int, json: bool, patience: float, **options) -> None:
        target = Account.objects.filter(pk=account).first()
        if target is None:
            raise CommandError(f"There is no account {account}. `status --json` lists them.")
        session = gateway.open_session(target.pk, BudgetCall.Lane.EVENT, patience=patience)
        try:
            run = probe.Probe(target, session)
            report = run.run()
            run.keep()
        except (NotConnected, Unsealable) as problem:
            raise CommandError(Reason.from_error(problem).text) from None
        except BudgetWait:
            raise CommandError("The rate budget is used up. Try again in a minute.") from None
        except SalesmsgError as error:
            raise CommandError(error.text) from None
        if json:
            self.stdout.write(_dump(report.as_json()))
            return
        width = max(len(fact.question) for fact in report.facts)
        for fact in report.facts:
            mark = {probe.AS_ASSUMED: " ", probe.OTHERWISE: "!", probe.NOT_SEEN: "?"}[fact.verdict]
            line = f"{mark} {fact.section:4} {fact.question:{width}}  {fact.seen}"
            self.stdout.write(line if fact.verdict != probe.OTHERWISE else f"{line}  (assumed: {fact.assumed})")
        counts = report.as_json()["counts"]
        self.stdout.write(
            f"{report.calls} calls: {counts[probe.AS_ASSUMED]} as assumed, {counts[probe.OTHERWISE]} different (!), "
            f"{counts[probe.NOT_SEEN]} not seen (?). Sync supports both and uses this result. {report.stopped}".rstrip()
        )


def _dump(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
