"""status [--json]: accounts, what is cached, what waits, and the rate budget."""

import json

from django.core.management.base import BaseCommand
from django.db.models import Count

from integrations.models import Account, Budget, Message

OUTBOX = ("queued", "sending", "sent", "failed", "unknown")


class Command(BaseCommand):
    help = "Tell how every account stands: what is cached, what waits to be sent, and the rate budget."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, json: bool, **options) -> None:
        accounts = [_status(account) for account in Account.objects.order_by("pk")]
        if json:
            self.stdout.write(_dump({"accounts": accounts}))
            return
        if not accounts:
            self.stdout.write("No account is connected yet. Open /accounts/ in the browser, or use `connect`.")
        for row in accounts:
            budget, outbox = row["budget"], row["outbox"]
            self.stdout.write(f"{row['id']}  {row['label']}: {row['state']}")
            self.stdout.write(
                f"   cached: {row['contacts']} contacts, {row['conversations']} conversations, "
                f"{row['messages']} messages; last complete sync: {row['last_sync'] or 'never'}"
            )
            self.stdout.write("   outbox: " + ", ".join(f"{outbox[name]} {name}" for name in OUTBOX))
            blocked = f", blocked until {budget['blocked_until']}" if budget["blocked_until"] else ""
            self.stdout.write(f"   budget: {budget['used']} of {budget['limit']} calls used{blocked}")


def _status(account: Account) -> dict:
    used, limit, blocked = Budget.for_account(account).used_now()
    own = Message.objects.filter(account=account, client_uuid__isnull=False)
    states = dict(own.order_by().values_list("state").annotate(Count("pk")))
    # What Salesmsg reports as delivered was sent, as far as the outbox is concerned.
    states["sent"] = states.get("sent", 0) + states.get("delivered", 0)
    return {
        "id": account.pk,
        "label": account.label,
        "state": account.state,
        "contacts": account.contacts.filter(vendor_id__isnull=False, deleted_at=None).count(),
        "conversations": account.conversations.filter(vendor_id__isnull=False).count(),
        "messages": account.messages.filter(vendor_id__isnull=False).count(),
        "outbox": {name: states.get(name, 0) for name in OUTBOX},
        "budget": {"limit": limit, "used": used, "blocked_until": blocked.isoformat() if blocked else None},
        "last_sync": account.synced_at.isoformat() if account.synced_at else None,
    }


def _dump(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
