"""Webhook events (section 7): unsigned, retried until the response is 2xx, optionally out of order."""

import heapq
import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from . import phones
from .journal import Journal
from .model import Contact, Message
from .options import Switches
from .records import Records

RETRIES = (1.0, 5.0, 30.0)
HOLD = 0.7  # delay in seconds of every second event while shuffling, so that later events arrive first
TIMEOUT = 10
EMPTY_TIMES = ("received_at", "send_at", "queued_at", "sent_at", "delivered_at", "failed_at")
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the receiver is local, so no proxy is used
KEYS = (
    *("id", "body", "icon", "type", "source", "status", "send_at", "sent_at", "user_id", "automated", "failed_at"),
    *("queued_at", "source_id", "contact_id", "created_at", "mms_status", "received_at", "delivered_at"),
    *("failed_reason", "conversation_id", "stop_on_response", "media"),
)


class Webhooks:
    def __init__(self, records: Records, switches: Switches, journal: Journal):
        self.records = records
        self.switches = switches
        self.journal = journal
        self._queue: list[tuple[float, int, str, bytes, int]] = []
        self._turn = itertools.count()
        self._events = itertools.count()
        self._wake = threading.Condition()

    def start(self) -> None:
        threading.Thread(target=self._run, name="webhooks", daemon=True).start()

    # -- events ---------------------------------------------------------------------------------------------

    def tell(self, event: str, message: Message | None = None, contact: Contact | None = None) -> None:
        """Queue the events of a change. Sends nothing, because the caller holds the store's lock."""
        if not self.switches.webhook:
            return
        for name, data in self._events_of(event, message, contact):
            self._enqueue(json.dumps({"event": name, "data": data}, ensure_ascii=False).encode())

    def _events_of(self, event: str, message: Message | None, contact: Contact | None) -> Iterator[tuple[str, dict]]:
        match event:
            case "contact.created" | "contact.updated":
                yield event, {"contact": self._contact_update(contact)}
            case "message.received" | "message.sent":
                yield event, self._message(message)
            case "message.delivered" | "message.failed" if self.switches.delivery_events:
                yield event, self._message(message)
            case "call":
                yield "call.inbound_started", self._call(message, status="ringing", duration=0)
                yield "call.inbound_ended", self._call(message, status="completed")
                if message.call.is_voicemail:
                    yield "call.recording_available", self._call(message, status="completed")

    def _contact_update(self, contact: Contact) -> dict:
        return {
            "id": contact.id,
            "full_name": contact.full_name,
            "number": contact.number,
            "formatted_number": phones.formatted(contact.number),
            "opt_out": contact.opt_out,
        }

    def _wire(self, message: Message) -> dict:
        """Message record of a webhook: "" and 0 instead of null, no plain body (sections 6.3 and 7)."""
        record = self.records.message(message)
        for key in EMPTY_TIMES:
            record[key] = record[key] or ""
        record["user_id"] = record["user_id"] or 0
        return {key: record[key] for key in KEYS if key != "media" or record["media"]}

    def _message(self, message: Message) -> dict:
        world = self.records.world
        contact = world.contacts[message.contact_id]
        team = world.teams[world.conversations[message.conversation_id].team_id]
        user = world.users.get(message.user_id or 0)
        return {
            "message": self._wire(message),
            "contact": {
                "id": contact.id,
                "owner_id": contact.owner_id,
                "full_name": contact.full_name,
                "number": contact.number,
                "formatted_number": phones.formatted(contact.number),
            },
            "number": {"formatted_number": phones.formatted(team.number.number)},
            "inbox": {"name": team.name},
            "user": {"id": user.id, "full_name": user.full_name} if user else None,
        }

    def _call(self, message: Message, status: str, duration: int | None = None) -> dict:
        call = message.call
        return {
            "sid": call.sid,
            "url": "",
            "status": status,
            "duration": call.duration if duration is None else duration,
            "is_voicemail": call.is_voicemail,
            "message": self._wire(message),
        }

    # -- delivery -------------------------------------------------------------------------------------------

    def _enqueue(self, body: bytes) -> None:
        hold = HOLD if self.switches.webhook_shuffle and next(self._events) % 2 == 0 else 0.0
        for copy in range(1 + self.switches.webhook_repeat):
            self._put(hold + 0.05 * copy, self.switches.webhook, body, 0)

    def _put(self, seconds: float, address: str, body: bytes, attempt: int) -> None:
        with self._wake:
            heapq.heappush(self._queue, (time.monotonic() + seconds, next(self._turn), address, body, attempt))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue or self._queue[0][0] > time.monotonic():
                    self._wake.wait(self._queue[0][0] - time.monotonic() if self._queue else None)
                _, _, address, body, attempt = heapq.heappop(self._queue)
            if _post(address, body):
                self.journal.webhook("sent")
                continue
            self.journal.webhook("failed")
            if attempt < len(RETRIES):
                self._put(RETRIES[attempt], address, body, attempt + 1)


def _post(address: str, body: bytes) -> bool:
    headers = {"Content-Type": "application/json", "User-Agent": "Salesmessage-Webhook"}
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310  checked in options
    try:
        with _direct.open(request, timeout=TIMEOUT) as answer:
            return 200 <= answer.status < 300
    except (OSError, urllib.error.URLError, ValueError):
        return False
