"""A vendor in the test's own process, for what the sandbox is too honest to do.

It holds plain wire records (salesmsg-api.md, section 6). `bend` maps "METHOD /path" (ids as {id}) to a function that
gets the query and returns the answer instead: JSON, or (status, JSON), or None for the honest answer.
"""

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from integrations.salesmsg.records import Message

TEAM = {"id": 239001, "name": "Front desk", "number": {"id": 258001, "number": "+13055550100"}}
TOKEN = "token-of-the-bent-vendor"


def stamp(second: int) -> str:
    """A time of the vendor's, `second` seconds into a day long ago."""
    return f"2026-01-{1 + second // 86400:02d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


class Vendor:
    """`contacts`, `conversations` and `threads` ({conversation id: [message]}) are what it has; change them freely."""

    def __init__(self) -> None:
        self.contacts: list[dict] = []
        self.conversations: list[dict] = []
        self.threads: dict[int, list[dict]] = {}
        self.bend: dict[str, object] = {}
        self.calls: Counter[str] = Counter()
        self.paginated, self.meta, self.oldest_first = True, True, False
        self.cap = 100
        self.list_sort = ""  # the order that /contacts/list gives whatever is asked; "" for what is asked
        self.list_allowed = True

    # -- what it has ----------------------------------------------------------------------------------------

    def contact(self, number: int, **fields) -> dict:
        """Adds a contact; `number` is id and place in time."""
        record = {
            "id": 1000 + number, "first_name": f"Ana{number}", "last_name": "Gomez", "full_name": f"Ana{number} Gomez",
            "email": None, "number": f"+1305555{number:04d}", "opt_out": False, "is_blocked": False, "tags": [],
            "custom_fields": [], "notes": [], "created_at": stamp(number), "updated_at": stamp(number),
        } | fields  # fmt: skip
        self.contacts.append(record)
        return record

    def conversation(self, contact: dict, **fields) -> dict:
        """Adds a conversation without messages."""
        record = {
            "id": 500_000 + contact["id"], "contact_id": contact["id"], "inbox_id": TEAM["id"], "owner": None,
            "contact": {"id": contact["id"], "full_name": contact["full_name"], "number": contact["number"]},
            "number": TEAM["number"], "unread": 0, "started_at": contact["created_at"], "closed_at": None,
            "last_message_at": None, "last_message": None,
        } | fields  # fmt: skip
        self.conversations.append(record)
        self.threads[record["id"]] = []
        return record

    def message(self, conversation: dict, number: int, text: str = "", *, second: int | None = None, **fields) -> dict:
        """Adds an inbound text; `number` is id and, unless `second` says otherwise, place in time."""
        at = stamp(number if second is None else second)
        record = {
            "id": 600_000 + number, "conversation_id": conversation["id"], "contact_id": conversation["contact_id"],
            "status": "received", "type": "sms", "mms_status": "", "body": text or f"Text {number}",
            "body_raw": text or f"Text {number}", "received_at": at, "created_at": at, "user_id": None,
            "source": "conversation", "media": [], "automated": False, "sent_at": None, "delivered_at": None,
            "failed_at": None, "failed_reason": None, "record": None,
        } | fields  # fmt: skip
        self.threads[conversation["id"]].append(record)
        last = max(self.threads[conversation["id"]], key=_order)
        conversation["last_message_at"] = last["created_at"]
        conversation["last_message"] = {key: last[key] for key in ("id", "body", "status", "created_at")}
        return record

    def people(self, count: int, messages: int = 0) -> list[dict]:
        """So many contacts, each with a conversation of so many messages; the conversations."""
        threads = [self.conversation(self.contact(number)) for number in range(1, count + 1)]
        for place, thread in enumerate(threads):
            for turn in range(messages):
                self.message(thread, 10_000 + turn * count + place)
        return threads

    # -- what it answers ------------------------------------------------------------------------------------

    def __enter__(self) -> "Vendor":
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}") if length else {}
                parts = urlsplit(self.path)
                query = {key: values[-1] for key, values in parse_qs(parts.query).items()} | body
                status, answer = vendor._answer(self.command, parts.path.split("/v2.2", 1)[-1], query)
                raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *arguments) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, query: dict) -> tuple[int, object]:
        numbers = [int(found) for found in re.findall(r"/(\d+)(?=/|$)", path)]
        name = f"{method} " + re.sub(r"/\d+(?=/|$)", "/{id}", path)
        self.calls[name] += 1
        if name in self.bend:
            bent = self.bend[name](query | {"ids": numbers})
            if bent is not None:
                return bent if isinstance(bent, tuple) else (200, bent)
        found = self._honest(name, numbers, query)
        return (404, {"message": "Not found"}) if found is None else (200, found)

    def _honest(self, name: str, ids: list[int], query: dict):
        match name:
            case "GET /user":
                return {"id": 60031, "full_name": "Sam Ortiz", "organization_id": 45001}
            case "GET /organization/current":
                return {"id": 45001, "name": "Example Dental", "timezone": "America/New_York"}
            case "GET /organization/members":
                return [{"id": 60031, "full_name": "Sam Ortiz", "email": "sam@example.com"}]
            case "GET /teams":
                return [TEAM]
            case "GET /numbers":
                return {"data": [TEAM["number"]] if query["page"] == "1" else []}
            case "GET /tags":
                return self.page([], query["page"], query["length"])
            case "GET /contacts":
                return self.page(sorted(self.contacts, key=_born, reverse=True), query["page"], 10)
            case "POST /contacts/list":
                if not self.list_allowed:
                    return None
                order = self.list_sort or query["sortBy"]
                falling = bool(self.list_sort) or query["sortOrder"] == "desc"
                found = sorted(self.contacts, key=lambda c: (c[order], c["id"]), reverse=falling)
                return self.page(found, query["page"], query["length"])
            case "GET /contacts/{id}":
                return next((c for c in self.contacts if c["id"] == ids[0]), None)
            case "GET /contacts/search":
                return {"results": [c for c in self.contacts if query["term"] in c["number"]]}
            case "GET /contacts/{id}/conversations":
                return [c for c in self.conversations if c["contact_id"] == ids[0]]
            case "GET /conversations":
                return self.listed(query)
            case "GET /conversations/{id}":
                return next((c for c in self.conversations if c["id"] == ids[0]), None)
            case "GET /messages/{id}/paginated":
                if not self.paginated or ids[0] not in self.threads:
                    return None
                found = sorted(self.threads[ids[0]], key=_order, reverse=not self.oldest_first)
                answer = self.page(found, query["page"], min(self.cap, int(query["per_page"])))
                return answer if self.meta else answer["data"]
            case "GET /messages/{id}":
                if ids[0] not in self.threads:
                    return None
                found = sorted(self.threads[ids[0]], key=_order, reverse=True)
                if before := query.get("before_id"):
                    found = [m for m in found if m["id"] < int(before)]
                return found[: min(self.cap, int(query["limit"]))]
        return None

    def listed(self, query: dict) -> list[dict]:
        """GET /conversations, newest last message first."""
        closed = {"open": False, "closed": True}.get(query["filter"])
        found = [c for c in self.conversations if bool(c["closed_at"]) is closed]
        found.sort(key=lambda c: (c["last_message_at"] or c["started_at"], c["id"]), reverse=True)
        start = int(query["offset"])
        return found[start : start + min(self.cap, int(query["limit"]))]

    def page(self, rows: list, number, size) -> dict:
        """`{data, meta}`."""
        number, size = int(number), int(size)
        last = max(1, -(-len(rows) // size))
        meta = {"current_page": number, "last_page": last, "per_page": size, "total": len(rows)}
        return {"data": rows[(number - 1) * size : number * size], "meta": meta}


def _born(record: dict) -> tuple:
    return (record["created_at"], record["id"])


_order = _born


def thread_of(vendor: Vendor, conversation: dict) -> list[tuple[int, str]]:
    """A thread as it must be shown, oldest first: (id, text)."""
    return [(m["id"], Message.parse(m).text) for m in sorted(vendor.threads[conversation["id"]], key=_order)]
