"""A day of one conversation at Salesmsg, a thousand times over: each world is a contact with a conversation of its
own, and the same things happen in all of them. What differs is when and in which order the portal hears of them.
"""

import json
import random
from functools import lru_cache
from types import SimpleNamespace

from integrations import crypto
from integrations.models import Account, Contact, Conversation, Message, WebhookEvent
from integrations.salesmsg.errors import NotFound
from integrations.salesmsg.pages import Page
from integrations.salesmsg.records import Contact as ContactRecord
from integrations.salesmsg.records import Conversation as ConversationRecord
from integrations.salesmsg.records import Message as MessageRecord

DAY = "2026-04-10"
LAST = 8  # versions 1 to 8: what is so after each change
TEXT, PICTURE, OURS, STOP = 1, 2, 3, 4  # messages of the day, beside 0 from before
WORLD = 1000  # ids between two worlds: contact 1, conversation 2, messages 10 and more


def contact_id(world: int) -> int:
    return WORLD * (world + 1000) + 1


def conversation_id(world: int) -> int:
    return WORLD * (world + 1000) + 2


def message_id(world: int, number: int) -> int:
    return WORLD * (world + 1000) + 10 + number


# -- what Salesmsg has at each version ------------------------------------------------------------------------


def contact_wire(world: int, version: int) -> dict:
    """Edited by the 3rd and the 6th change; the 8th is a STOP."""
    edits = sum(version >= change for change in (3, 6, 8))
    return {
        "id": contact_id(world), "first_name": f"Ana {edits}", "full_name": f"Ana {edits} Gomez", "tags": [],
        "number": f"+1305{world + 2_000_000:07d}", "opt_out": version >= 8, "email": None, "custom_fields": [],
        "opt_out_at": f"{DAY} 09:00:50" if version >= 8 else None, "created_at": "2026-04-01 08:00:00",
        "updated_at": ["2026-04-01 08:00:00", f"{DAY} 09:00:10", f"{DAY} 09:00:40", f"{DAY} 09:00:50"][edits],
    }  # fmt: skip


def message_wires(world: int, version: int) -> list[dict]:
    """The thread, oldest first. A text and a picture share a second, and the picture is busy before it is done."""
    found = [_message(world, 0, "2026-04-02 10:00:00", body="From before")]
    if version >= 1:
        found.append(_message(world, TEXT, f"{DAY} 09:00:00", body="Hello"))
    if version >= 2:
        done = version >= 4
        media = [{"id": world + 1, "source": "https://media.example.com/1.jpg"}] if done else []
        busy = {"type": "mms", "mms_status": "done" if done else "busy", "media": media}
        found.append(_message(world, PICTURE, f"{DAY} 09:00:00", body="", **busy))
    if version >= 5:
        at, gone = f"{DAY} 09:00:30", version >= 7
        times = {"sent_at": at if gone else None, "delivered_at": at if gone else None, "received_at": None}
        status = "delivered" if gone else "queued"
        found.append(_message(world, OURS, at, body="From their app", status=status, user_id=60031, **times))
    if version >= 8:
        found.append(_message(world, STOP, f"{DAY} 09:00:50", body="STOP"))
    return found


def _message(world: int, number: int, at: str, **fields) -> dict:
    return {
        "id": message_id(world, number), "conversation_id": conversation_id(world), "contact_id": contact_id(world),
        "status": "received", "type": "sms", "mms_status": "", "media": [], "created_at": at, "received_at": at,
        "user_id": None, "source": "conversation", "automated": False, "sent_at": None, "delivered_at": None,
        "failed_at": None, "failed_reason": None,
    } | fields  # fmt: skip


def conversation_wire(world: int, version: int) -> dict:
    told = contact_wire(world, version)
    last = message_wires(world, version)[-1]
    unread = sum(one["status"] == "received" for one in message_wires(world, version)) - 1
    return {
        "id": conversation_id(world), "contact_id": told["id"], "inbox_id": 7, "unread": unread, "closed_at": None,
        "contact": {key: told[key] for key in ("id", "full_name", "number")}, "started_at": "2026-04-02 10:00:00",
        "last_message_at": last["created_at"],
        "last_message": {key: last[key] for key in ("id", "body", "status", "created_at")},
    }  # fmt: skip


@lru_cache(maxsize=100_000)
def contact(world: int, version: int) -> ContactRecord:
    return ContactRecord.parse(contact_wire(world, version))


@lru_cache(maxsize=100_000)
def conversation(world: int, version: int) -> ConversationRecord:
    return ConversationRecord.parse(conversation_wire(world, version))


@lru_cache(maxsize=100_000)
def thread(world: int, version: int) -> list[MessageRecord]:
    return [MessageRecord.parse(wire) for wire in message_wires(world, version)]


# -- what it sends by itself ----------------------------------------------------------------------------------


def event(account: Account, world: int, change: int, chance: random.Random) -> WebhookEvent:
    """The event of a change; what its body says beside the ids is wrong now and then."""
    number = {1: TEXT, 2: PICTURE, 4: PICTURE, 5: OURS, 7: OURS, 8: STOP}.get(change)
    told = {"id": contact_id(world), "full_name": "FORGED", "opt_out": chance.random() < 0.5}
    if number is None:
        name, data = "contact.updated", {"contact": told}
    else:
        name = {5: "message.sent", 7: "message.delivered"}.get(change, "message.received")
        text = "STOP" if change == 8 else chance.choice(["", "FORGED"])
        status = chance.choice(["received", "failed", "sent"])
        message = {"id": message_id(world, number), "contact_id": contact_id(world), "body": text, "status": status}
        data = {"message": message | {"conversation_id": conversation_id(world)}, "contact": told}
    body = json.dumps({"event": name, "data": data, "at": chance.random()})
    return WebhookEvent(account=account, name=name, body=body, digest=crypto.digest(body))


class Vendor:
    """What stands behind the door: worlds at their present versions."""

    def __init__(self) -> None:
        self.version: dict[int, int] = {}
        self.calls = 0

    def contact(self, id: int) -> ContactRecord:
        return contact(*self._now(id))

    def conversation(self, id: int) -> ConversationRecord:
        return conversation(*self._now(id))

    def messages(self, id: int, page: int = 1, per_page: int = 100) -> Page:
        items = thread(*self._now(id))[::-1]
        return Page(items if page == 1 else [], len(items), 1, page, len(items))

    def _now(self, id: int) -> tuple[int, int]:
        self.calls += 1
        world = id // WORLD - 1000
        if world not in self.version:
            raise NotFound(endpoint="GET")
        return world, self.version[world]

    def session(self, *_, **__) -> SimpleNamespace:
        """In the place of `gateway.open_session`."""
        return SimpleNamespace(client=self, calls=0)


# -- what the portal makes of it ------------------------------------------------------------------------------

# Our keys grow in order of arrival, so the newest news is another message where that order is another one.
OURS_ALONE = {"id", "account_id", "created_at", "version", "thread_sync", "rank", "news_pk"}


def state_of_all(account: Account) -> dict[int, list]:
    """Every field that the vendor owns, by world, without our primary keys and times of receipt; ids are those of
    world 0, so that all worlds can be compared."""
    keys = dict(Conversation.objects.values_list("pk", "vendor_id"))
    people = dict(Contact.objects.values_list("pk", "vendor_id"))
    found: dict[int, list] = {}
    for model in (Contact, Conversation, Message):
        for row in model.objects.filter(account=account).order_by("vendor_id").values():
            world = row["vendor_id"] // WORLD - 1000
            if "conversation_id" in row:
                row["conversation_id"] = keys[row["conversation_id"]]
            if "contact_id" in row:
                row["contact_id"] = people[row["contact_id"]]
            told = {name: value for name, value in row.items() if name not in OURS_ALONE}
            found.setdefault(world, []).append(_as_world_0(json.dumps(told, default=str, sort_keys=True), world))
    return found


def _as_world_0(text: str, world: int) -> str:
    text = text.replace(f"+1305{world + 2_000_000:07d}", "PHONE").replace(f'"id": {world + 1},', '"id": MEDIA,')
    for own in [contact_id(world), conversation_id(world), *(message_id(world, number) for number in range(5))]:
        text = text.replace(str(own), f"#{own % WORLD}")
    return text
