"""status [--json]: show accounts, row counts, the outbox and the rate budget."""

import json
from datetime import datetime

from django.core.management.base import BaseCommand
from django.db.models import Count

from integrations.models import Account, Message
from integrations.outbox import forecast

OUTBOX = ("queued", "sending", "sent", "failed", "unknown")
DETAILS = ("scheduled", "held", "cancelled")  # the first two are included in "queued"


class Command(BaseCommand):
    help = "Show every account's state, row counts, waiting texts with their send times, and rate budget."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **options) -> None:
        accounts = [_status(account) for account in Account.objects.order_by("pk")]
        if json:
            self.stdout.write(_dump({"accounts": accounts}))
            return
        if not accounts:
            self.stdout.write("No account is connected yet. Open /accounts/ in the browser, or use `connect`.")
        for row in accounts:
            self.stdout.write("\n".join(_lines(row)))


def _status(account: Account) -> dict:
    calls = forecast.recent_calls(account)
    waiting = forecast.waiting_texts(account)
    own = Message.objects.filter(account=account, client_uuid__isnull=False)
    states = dict(own.order_by().values_list("state").annotate(Count("pk")))
    # For the outbox, delivered texts count as sent.
    states["sent"] = states.get("sent", 0) + states.get("delivered", 0)
    states["scheduled"] = waiting.scheduled
    states["held"] = own.filter(state=Message.State.QUEUED, due_at=None).count()
    return {
        "id": account.pk,
        "label": account.label,
        "state": account.state,
        "contacts": account.contacts.filter(vendor_id__isnull=False, deleted_at=None).count(),
        "conversations": account.conversations.filter(vendor_id__isnull=False).count(),
        "messages": account.messages.filter(vendor_id__isnull=False).count(),
        "outbox": {name: states.get(name, 0) for name in OUTBOX + DETAILS},
        "budget": {"limit": calls.limit, "used": calls.used, "blocked_until": _time(calls.blocked_until)},
        "lanes": calls.lanes,
        "waiting": {
            "count": waiting.count + sum(one.left for one in waiting.bulks),
            "next_at": _time(waiting.next_at),
            "last_at": _time(waiting.last_at),
        },
        "needs_person": [need.message.pk for need in forecast.needs_person(account)],
        "blocks": [{"at": _time(block.at), "until": _time(block.until)} for block in calls.blocks],
        "last_sync": _time(account.synced_at),
    }


def _lines(row: dict) -> list[str]:
    budget, outbox, waiting = row["budget"], row["outbox"], row["waiting"]
    lines = [
        f"{row['id']}  {row['label']}: {row['state']}",
        f"   cached: {row['contacts']} contacts, {row['conversations']} conversations, {row['messages']} messages; "
        f"last complete sync: {row['last_sync'] or 'never'}",
        "   outbox: "
        + ", ".join([f"{outbox[name]} {name}" for name in OUTBOX] + [f"{outbox[x]} {x}" for x in DETAILS if outbox[x]]),
    ]
    if waiting["count"]:
        when = (
            f"the last is sent at about {waiting['last_at']}" if waiting["last_at"] else "the account is not connected"
        )
        lines.append(f"   waiting: {waiting['count']}, {when}")
    if row["needs_person"]:
        keys = row["needs_person"]
        lines.append(f"   needs a person: message {', '.join(map(str, keys[:10]))}{' and more' * (len(keys) > 10)}")
    blocked = f", blocked until {budget['blocked_until']}" if budget["blocked_until"] else ""
    lanes = ", ".join(f"{number} {lane}" for lane, number in row["lanes"].items() if number)
    lanes = f" ({lanes})" if lanes else ""
    lines.append(f"   budget: {budget['used']} of {budget['limit']} calls used{lanes}{blocked}")
    if row["blocks"]:
        lines.append(
            f"   blocks in the last minutes: {len(row['blocks'])}, the last until {row['blocks'][-1]['until']}"
        )
    return lines


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _dump(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
