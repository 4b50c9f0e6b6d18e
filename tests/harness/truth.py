"""The sandbox's data and the portal's cache in one spelling, to compare them field by field.

Written from salesmsg-api.md (sections 6 and 8), not from our client: a mistake there must show here.
"""

import html
import json
import re

from .portal import Portal
from .sandbox import Sandbox

# Runs in the portal's Django; prints the cache by the vendor's ids.
DUMP = """
from integrations.models import Account, Contact, Conversation, Message, Inbox
def at(moment):
    return moment and moment.strftime("%Y-%m-%d %H:%M:%S")
account = Account.objects.get()
print(json.dumps({
    "contacts": {row.vendor_id: {
        "number": row.phone, "first_name": row.first_name, "last_name": row.last_name, "full_name": row.full_name,
        "email": row.email, "country": row.country, "owner_id": row.owner_vendor_id, "opt_out": row.opted_out,
        "is_blocked": row.blocked, "opt_out_at": at(row.opted_out_at), "created_at": at(row.vendor_created_at),
        "updated_at": at(row.vendor_updated_at), "tags": sorted(row.tags), "gone": bool(row.deleted_at),
    } for row in Contact.objects.filter(account=account)},
    "conversations": {row.vendor_id: {
        "contact_id": row.contact.vendor_id, "inbox_id": row.inbox and row.inbox.vendor_id,
        "owner": row.owner and row.owner.vendor_id, "number": row.line_phone, "started_at": at(row.started_at),
        "closed_at": at(row.closed_at), "last_message_at": at(row.last_message_at), "unread": row.unread_at_vendor,
    } for row in Conversation.objects.filter(account=account).select_related("contact", "inbox", "owner")},
    "messages": {row.vendor_id: {
        "conversation_id": row.conversation.vendor_id, "text": row.text, "inbound": row.inbound, "kind": row.kind,
        "status": row.vendor_status, "user_id": row.author_vendor_id, "created_at": at(row.at),
        "media": [item["url"] for item in row.media], "automated": row.automated,
    } for row in Message.objects.filter(account=account).select_related("conversation")},
    "teams": {row.vendor_id: {"name": row.name} for row in Inbox.objects.filter(account=account)},
}))
"""


def cached(portal: Portal) -> dict[str, dict[str, dict]]:
    """What the portal holds of its only account."""
    return portal.query(DUMP)


def held(sandbox: Sandbox) -> dict[str, dict[str, dict]]:
    """What the sandbox holds."""
    data = sandbox.data()
    return json.loads(
        json.dumps(
            {
                "contacts": {row["id"]: _contact(row) for row in data["contacts"]},
                "conversations": {row["id"]: _conversation(row) for row in data["conversations"]},
                "messages": {row["id"]: _message(row) for row in data["messages"]},
                "teams": {row["id"]: {"name": row["name"]} for row in data["teams"]},
            }
        )
    )


def differences(sandbox: Sandbox, portal: Portal, ignore: tuple[str, ...] = ()) -> list[str]:
    """A line for each field that is not the same here and there; `ignore` names fields."""
    found = []
    truth, cache = held(sandbox), cached(portal)
    for kind, rows in truth.items():
        ours = cache[kind]
        for label, keys in (("not cached", rows.keys() - ours.keys()), ("invented", ours.keys() - rows.keys())):
            found += [f"{kind} {label}: {len(keys)}, such as {min(keys)}"] if keys else []
        for key in rows.keys() & ours.keys():
            for name, value in rows[key].items():
                theirs = ours[key].get(name)
                if name not in ignore and (plain(theirs) if name == "text" else theirs) != value:
                    found.append(f"{kind} {key} {name}: {value!r} is cached as {theirs!r}")
    return found


def _contact(row: dict) -> dict:
    return {
        **{name: row[name] or "" for name in ("number", "first_name", "last_name", "full_name", "email", "country")},
        **{name: row[name] for name in ("owner_id", "opt_out", "is_blocked", "opt_out_at", "created_at", "updated_at")},
        "tags": sorted(tag["label"] for tag in row["tags"]),
        "gone": False,
    }


def _conversation(row: dict) -> dict:
    return {
        **{name: row[name] for name in ("contact_id", "inbox_id", "started_at", "closed_at", "last_message_at")},
        "owner": row["owner"] and row["owner"]["id"],
        "number": row["number"]["number"],
        "unread": row["unread"],
    }


def _message(row: dict) -> dict:
    call = row["type"] == "call" or row["source"] == "call"
    return {
        "conversation_id": row["conversation_id"],
        "text": plain(row["body_raw"] or row["body"] or ""),
        "inbound": "inbound" in row["icon"] or "missed" in row["icon"] if call and row["icon"] else _received(row),
        "kind": "call" if call else row["type"],
        "status": row["status"],
        "user_id": row["user_id"],
        "created_at": row["created_at"],
        "media": [media["source"] for media in row["media"]],
        "automated": row["automated"],
    }


def _received(row: dict) -> bool:
    return row["status"] == "received"


def plain(text: str) -> str:
    """Entities decoded, words in angle brackets left out: whether `body_raw` may carry markup is not documented."""
    return html.unescape(re.sub(r"</?\w[^<>]*>", "", re.sub(r"<br\s*/?>", "\n", text)))
