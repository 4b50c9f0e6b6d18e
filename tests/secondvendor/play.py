"""What happens at the vendor while the portal does not ask."""

from datetime import timedelta

from .data import moment
from .server import Vendor


def change(vendor: Vendor) -> None:
    """News of every kind that salesmsg-api.md lets a client find out."""
    account, now = vendor.account, moment()
    with vendor.lock:
        stranger = account.add_contact("+13055559901", first_name="Nova", last_name="Stranger", email="n@mail.example")
        talk = account.add_conversation(stranger, account.teams[0]["id"])
        account.add_message(talk, "Hello, I'm new here", "received")
        account.add_contact("+13055559902", first_name="Never", last_name="Texted")
        seen = [row for row in account.conversations.values() if row["id"] not in (vendor.locked, talk["id"])]
        if not seen:
            return
        for place, row in enumerate(seen[:3]):
            for step in range(1 + place * 30):
                account.add_message(row, f"News {place}.{step}", "received", now - timedelta(seconds=60 - step // 4))
        closed = seen[len(seen) // 2]
        closed |= {"closed_at": now, "outbound": False}
        account.add_message(seen[-1], "From the vendor's own screen", "delivered", user_id=account.user["id"])
        seen[-1]["unread"] = 0
        person = account.contacts[seen[-1]["contact_id"]]
        person |= {"first_name": "Renamed", "opt_out": not person["is_blocked"], "updated_at": now}
        person["opt_out_at"] = now if person["opt_out"] else None
