"""sync [--account ID] [--full] [--check] [--json]: run a sync in the foreground."""

import json
import sys
import time
from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from integrations import gateway
from integrations.models import Account, BudgetCall, SyncRun
from integrations.sync import request, runner

FOREVER = 86_400.0


class Command(BaseCommand):
    help = (
        "Sync with Salesmsg and wait until it is done. The first sync reads everything, later ones only changes "
        "unless --full is given. Running workers take part. Ctrl-C ends the command; the worker continues the sync."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--account", type=int, metavar="ID", help="only this account (default: all connected accounts)"
        )
        parser.add_argument("--full", action="store_true", help="run a full sync")
        parser.add_argument(
            "--check", action="store_true", help="compare all data with Salesmsg and correct differences"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, account: int | None, full: bool, check: bool, json: bool, **options) -> None:
        accounts = self._accounts(account)
        started = time.monotonic()
        total = {"requests": 0, "contacts": 0, "conversations": 0, "messages": 0, "changed": 0}
        failures, notes, rows = [], [], []
        for one in accounts:
            run = self._run(one, _wanted(one, full=full, check=check), quiet=json)
            row = {
                "account": one.pk,
                "state": run.state,
                "requests": run.requests,
                "contacts": one.contacts.filter(vendor_id__isnull=False, deleted_at=None).count(),
                "conversations": one.conversations.filter(vendor_id__isnull=False).count(),
                "messages": one.messages.filter(vendor_id__isnull=False).count(),
                "changed": run.changed,
            }
            rows.append(row)
            for name in total:
                total[name] += row[name]
            notes += [note.text for note in run.note_reasons]
            if run.state != SyncRun.State.DONE:
                failures.append(f"{one.label}: {run.reason or 'the sync was stopped.'}")
        result = {**total, "seconds": round(time.monotonic() - started, 2), "notes": notes, "accounts": rows}
        if json:
            self.stdout.write(_dump(result))
        else:
            self.stdout.write(
                "{contacts} contacts, {conversations} conversations and {messages} messages are cached; {changed} rows "
                "changed, {requests} requests, {seconds} s.".format(**result)
            )
            for note in notes:
                self.stderr.write(f"Note: {note}")
        if failures:
            raise CommandError("\n".join(failures))

    def _accounts(self, pk: int | None) -> list[Account]:
        if pk is None:
            found = list(Account.objects.reachable().filter(sync_paused_at=None).order_by("pk"))
            if not found:
                if Account.objects.reachable().exists():
                    raise CommandError("The sync of every account is paused. Resume it on the sync page first.")
                raise CommandError("No account is connected. Connect one first: `connect LABEL --token TOKEN`.")
            return found
        one = Account.objects.filter(pk=pk).first()
        if one is None:
            raise CommandError(f"There is no account {pk}. `status --json` lists them.")
        if one.state != Account.State.CONNECTED:
            raise CommandError(f"{one.label}: {one.get_state_display().lower()}. {one.reason}".strip())
        if one.sync_paused_at:
            raise CommandError(f"{one.label}: the sync is paused. Resume it on the sync page first.")
        return [one]

    def _run(self, account: Account, start: Callable[[Account], SyncRun], *, quiet: bool) -> SyncRun:
        run = start(account)
        bar = tqdm(
            total=100,
            desc=account.label,
            unit="%",
            file=sys.stderr,
            disable=quiet or not sys.stderr.isatty(),
            bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed} {postfix}",
        )
        with bar:
            session = gateway.open_session(
                account.pk,
                BudgetCall.Lane.SYNC,
                patience=FOREVER,
                waiting=lambda seconds: self._show(bar, run, seconds),
            )
            while True:
                claimed = runner.claim_step(run.pk)
                if claimed is None:
                    time.sleep(0.1)
                else:
                    runner.advance_run(claimed, session)
                run.refresh_from_db()
                if run.state != SyncRun.State.RUNNING:
                    return run
                self._show(bar, run)

    def _show(self, bar: tqdm, run: SyncRun, waiting: float = 0.0) -> None:
        if bar.disable:
            return
        progress = request.progress_of(run)
        bar.n = round((progress.fraction or 0.0) * 100)
        remaining = [
            f"{stream.label} {stream.seen}/{stream.total or '?'}" for stream in progress.streams if not stream.done
        ]
        eta = f"about {progress.eta_seconds} s left" if progress.eta_seconds else ""
        pause = f"limit reached, {waiting:.0f} s" if waiting > 1 else ""
        bar.set_postfix_str(", ".join(filter(None, [*remaining[:1], eta, pause])))


def _wanted(account: Account, *, full: bool, check: bool) -> Callable[[Account], SyncRun]:
    if full or account.synced_at is None:
        return request.start_full
    return request.start_comparison if check else request.start_changes


def _dump(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False)
