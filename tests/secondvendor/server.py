"""A second stand-in for Salesmsg, written from salesmsg-api.md alone and by none of the hands of the sandbox.

`python -m tests.secondvendor.server SEED` serves one until it is interrupted; tests use `running(seed)`.
"""

import base64
import contextlib
import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .choices import Choices, choose
from .data import Account, make, moment
from .wire import Wire

OPEN_FILTERS = ("open", "closed", "unread", "assigned", "unassigned", "outbound", "optout", "nocalls")
BAD_NUMBER = "+13055559999"
EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Refused(Exception):
    """An error answer."""

    def __init__(self, code: int, message: Any, **more: Any) -> None:
        super().__init__(message)
        self.status, self.body = code, {"message": message, **more}


class Limit:
    """Section 3: so many calls a period; one too many blocks everything for a period."""

    def __init__(self, choices: Choices, limit: int, period: float) -> None:
        self.choices, self.limit, self.period = choices, limit, period
        self.times: list[float] = []
        self.blocked_until = 0.0
        self.refused = 0

    def admits(self) -> bool:
        now = time.time()
        self.times.append(now)
        if now < self.blocked_until:
            self.refused += 1
            if self.choices.prolong:
                self.blocked_until = now + self.period
            return False
        since = now - self.period if self.choices.window == "sliding" else now - now % self.period
        if sum(one > since for one in self.times) > self.limit:
            self.refused += 1
            self.blocked_until = now + self.period
            return False
        return True

    def most(self) -> int:
        """The most calls in any sliding period."""
        times = sorted(self.times)
        first = most = 0
        for last, at in enumerate(times):
            while times[first] <= at - self.period:
                first += 1
            most = max(most, last - first + 1)
        return most


class Vendor:
    """The whole behaviour, behind one lock; `answer` is what the handler calls."""

    def __init__(self, seed: int, limit: int = 60, period: float = 60.0, life: float = 3600, **fixed: Any) -> None:
        self.seed, self.choices = seed, choose(seed, **fixed)
        self.account: Account = make(seed, self.choices)
        self.wire = Wire(self.account, self.choices, seed)
        self.limit = Limit(self.choices, limit, period)
        self.life = life
        self.chance = random.Random(f"vendor {seed}")
        self.lock = threading.RLock()
        self.calls: Counter[str] = Counter()
        self.sent: list[dict] = []  # every text that was taken by a POST, refused ones too
        self.renewals = 0
        self.dead: set[str] = set()
        self.trouble: dict[str, str] = {}  # "POST /messages" -> "drop", "500", "html", "504": once, after acting
        self.before: dict[str, list[str]] = {}  # "GET /contacts" -> the same words, before acting
        self.token = self.new_token()
        locked = [row["id"] for row in self.account.conversations.values()]
        self.locked = locked[len(locked) // 2] if locked and self.choices.locked_thread else None

    def new_token(self) -> str:
        self.ends = time.time() + self.life
        claims: dict[str, Any] = {"sub": str(self.account.user["id"]), "jti": f"{self.chance.random()}"}
        if self.choices.token == "jwt_exp":
            claims["exp"] = int(self.ends)
        if self.choices.token == "opaque":
            return f"pat_{self.chance.getrandbits(160):040x}"
        parts = ({"typ": "JWT", "alg": "RS256"}, claims, {"sig": self.chance.random()})
        return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)

    # --- one request ---

    def answer(self, method: str, path: str, query: list[tuple[str, str]], body: dict, bearer: str) -> Any:
        """(status, JSON or None) of a request that was let through."""
        self.check(bearer)
        found = re.fullmatch(r"/pub/v2\.[23](/.*)", path)
        if found is None and not path.startswith("/api/v4/contacts/"):
            raise Refused(self.choices.wrong_path, "Missing Authentication Token")
        short = found[1] if found else path.removeprefix("/api/v4")
        asked = dict(query) | body
        for verb, pattern, function in ROUTES:
            if verb == method and (ids := re.fullmatch(pattern, short)):
                self.calls[f"{verb} {pattern}"] += 1
                return function(self, asked, *map(int, ids.groups()))
        raise Refused(
            405 if any(re.fullmatch(row[1], short) for row in ROUTES) else self.choices.wrong_path, "Nothing here"
        )

    def check(self, bearer: str) -> None:
        if not bearer:
            raise Refused(401, "Unauthorized", auth_required=False)
        if bearer in self.dead:
            raise Refused(
                403, "User is not authorized to access this resource with an explicit deny in an identity-based policy"
            )
        if bearer != self.token or time.time() > self.ends:
            raise {
                "401": Refused(401, "Unauthorized"),
                "403": Refused(403, "Could not decode token: expired", auth_required=True, status=403),
                "deny": Refused(403, "not authorized … explicit deny in an identity-based policy"),
            }[self.choices.dead_token]

    # --- shapes ---

    def single(self, record: dict, status: int = 200) -> tuple[int, Any]:
        return status, {"data": record} if self.choices.single == "data" else record

    def many(self, records: list[dict], shape: str, page: int = 1, size: int = 0, total: int | None = None) -> Any:
        if shape == "bare":
            return 200, records
        if shape == "results":
            return 200, {"results": records}
        told: dict[str, Any] = {"data": records}
        if shape == "meta":
            total = len(records) if total is None else total
            size = size or max(1, len(records))
            meta = {"current_page": page, "last_page": max(1, -(-total // size)), "per_page": size, "total": total}
            if self.choices.meta in ("from_to", "links"):
                first = (page - 1) * size + 1 if records else None
                meta |= {"from": first, "to": first and first + len(records) - 1, "path": "https://x.example/pub"}
            if self.choices.meta == "links":
                told["links"] = {"first": "https://x.example/pub?page=1", "last": None, "prev": None, "next": None}
            told["meta"] = meta
        return 200, told

    def numbered(self, rows: list, page: int, size: int) -> tuple[list, int]:
        """Rows of a numbered page, and the total with its gaps: pages in the middle may be short."""
        if not self.choices.short_pages or len(rows) <= size:
            return rows[(page - 1) * size : page * size], len(rows)
        gapped: list = []
        for place, row in enumerate(rows):
            gapped += [None, row] if place % 7 == 3 else [row]
        return [row for row in gapped[(page - 1) * size : page * size] if row], len(gapped)

    # --- account ---

    def user(self, asked: dict) -> Any:
        return self.single(self.wire.member(self.account.user))

    def organization(self, asked: dict) -> Any:
        if self.choices.organization == "403":
            raise Refused(403, "This action is unauthorized.")
        return self.single(self.wire.organization())

    def members(self, asked: dict) -> Any:
        if self.choices.members == "403":
            raise Refused(403, "Insufficient scope: organizations:read")
        return self.many([self.wire.member(row) for row in self.account.members], self.choices.members)

    def teams(self, asked: dict) -> Any:
        return self.many([self.wire.team(row) for row in self.account.teams], self.choices.teams)

    def team(self, asked: dict, key: int) -> Any:
        return self.single(self.wire.team(self.find_team(key)))

    def team_numbers(self, asked: dict, key: int) -> Any:
        rows = [row for row in self.account.numbers if row["team"] == key]
        return self.many([self.wire.number(row) for row in rows], self.choices.teams)

    def numbers(self, asked: dict) -> Any:
        if self.choices.numbers == "403":
            raise Refused(403, "This action is unauthorized.")
        page, size = whole(asked.get("page"), 1), 10
        rows = self.account.numbers
        told = [self.wire.number(row) for row in rows[(page - 1) * size : page * size]]
        return self.many(told, self.choices.numbers, page, size, len(rows))

    def find_team(self, key: int) -> dict:
        return self.find(self.account.teams, key)

    @staticmethod
    def find(rows: Any, key: int) -> dict:
        found = next((row for row in rows if row["id"] == key), None)
        if found is None:
            raise Refused(404, "Not found.")
        return found

    # --- contacts ---

    def contacts(self, asked: dict) -> Any:
        rows = sorted(self.account.contacts.values(), key=lambda row: row["id"])
        if self.choices.contacts_order == "desc":
            rows.reverse()
        size = min(100, whole(asked.get("length"), 10)) if self.choices.contacts_length else 10
        page = max(1, whole(asked.get("page"), 1))
        shown, total = self.numbered(self.matching(rows, asked.get("search")), page, size)
        return self.many([self.wire.contact(row) for row in shown], self.choices.contacts, page, size, total)

    def contacts_list(self, asked: dict) -> Any:
        if self.choices.contacts_list == "403":
            raise Refused(403, "This action is unauthorized.")
        rows = self.matching(sorted(self.account.contacts.values(), key=lambda row: row["id"]), asked.get("search"))
        key = asked.get("sortBy")
        if self.choices.list_sorted and key in ("created_at", "updated_at", "first_name"):
            rows.sort(key=lambda row: row[key], reverse=asked.get("sortOrder") == "desc")
        size = max(1, min(self.choices.list_cap, whole(asked.get("length"), 15)))
        page = max(1, whole(asked.get("page"), 1))
        shown, total = self.numbered(rows, page, size)
        short = bool(asked.get("useShortResponse"))
        return self.many(
            [self.wire.contact(row, short) for row in shown], self.choices.contacts_list, page, size, total
        )

    def contacts_search(self, asked: dict) -> Any:
        if not asked.get("term"):
            raise Refused(422, "The given data was invalid.", errors={"term": ["required"]})
        rows = self.matching(list(self.account.contacts.values()), asked["term"])[: whole(asked.get("limit"), 50)]
        return self.many([self.wire.contact(row) for row in rows], self.choices.search)

    @staticmethod
    def matching(rows: list[dict], words: str | None) -> list[dict]:
        if not words:
            return rows
        low = words.lower().lstrip("+")
        return [
            row for row in rows
            if any(low in (row[key] or "").lower() for key in ("first_name", "last_name", "email", "number"))
        ]  # fmt: skip

    def contact(self, asked: dict, key: int) -> Any:
        return self.single(self.wire.contact(self.find_contact(key)))

    def find_contact(self, key: int) -> dict:
        return self.find(self.account.contacts.values(), key)

    def by_number(self, number: str) -> dict | None:
        return next((row for row in self.account.contacts.values() if row["number"] == number), None)

    def create_contact(self, asked: dict) -> Any:
        number = phone(asked.get("number"))
        if there := self.by_number(number):
            key = self.wire.id(there["id"])
            told = [key] if self.choices.contact_exists_id == "list" else key
            raise Refused(self.choices.contact_exists, "Contact with this number already exists.", contact_id=told)
        names = {key: asked[key] for key in ("first_name", "last_name", "email") if asked.get(key)}
        row = self.account.add_contact(number, **names)
        return self.single(self.wire.contact(row), self.choices.contact_created)

    def edit_contact(self, asked: dict, key: int) -> Any:
        row = self.find_contact(key)
        row |= {name: asked[name] or "" for name in ("first_name", "last_name", "email", "number") if name in asked}
        row["updated_at"] = moment()
        return self.single(self.wire.contact(row))

    def opt(self, key: int, out: bool) -> Any:
        row = self.find_contact(key)
        row |= {"opt_out": out, "opt_out_at": moment() if out else None, "updated_at": moment()}
        return self.single(self.wire.contact(row))

    def contact_conversations(self, asked: dict, key: int) -> Any:
        self.find_contact(key)
        rows = [row for row in self.account.conversations.values() if row["contact_id"] == key]
        if not rows:
            return (204, None) if self.choices.contact_conversations == "204" else (200, [])
        told = [self.wire.conversation(row) for row in rows]
        if self.choices.contact_conversations == "one" and len(rows) == 1:
            return 200, told[0]
        return self.many(told, "data" if self.choices.contact_conversations == "data" else "bare")

    # --- conversations ---

    def conversations(self, asked: dict) -> Any:
        wanted = asked.get("filter")
        if wanted not in OPEN_FILTERS or not asked.get("limit"):
            raise Refused(422, "The given data was invalid.", errors={"filter": ["The filter field is required."]})
        rows = [row for row in self.account.conversations.values() if self.in_filter(row, wanted)]
        for name in ("inbox_id", "contact_id"):
            if asked.get(name):
                rows = [row for row in rows if row[name] == int(asked[name])]
        if asked.get("query"):
            people = {row["id"] for row in self.matching(list(self.account.contacts.values()), asked["query"])}
            rows = [row for row in rows if row["contact_id"] in people]
        day = lambda row: (row["last_message_at"] or EPOCH).strftime("%Y-%m-%d")  # noqa: E731
        if after := asked.get("after"):
            rows = [
                row for row in rows if day(row) > after[:10] or (self.choices.after_includes and day(row) == after[:10])
            ]
        if before := asked.get("before"):
            rows = [row for row in rows if day(row) <= before[:10]]
        newest = self.choices.conversations_order == "newest"
        rows.sort(key=lambda row: (row["last_message_at"] or EPOCH, row["id"]) if newest else row["id"], reverse=newest)
        size = min(self.choices.conversations_cap, whole(asked["limit"], 25))
        start = whole(asked.get("offset"), 0)
        if self.choices.page_is_read and "page" in asked and "offset" not in asked:
            start = (max(1, whole(asked["page"], 1)) - 1) * size
        short = 2 + start % 3 if self.choices.short_pages and start and self.choices.conversations != "meta" else 0
        told = [self.wire.conversation(row) for row in rows[start : start + max(1, size - short)]]
        return self.many(told, self.choices.conversations, start // size + 1, size, len(rows))

    def in_filter(self, row: dict, wanted: str) -> bool:
        closed, apart = row["closed_at"] is not None, self.choices.outbound_apart and row["outbound"]
        return {
            "open": not closed and not apart,
            "closed": closed,
            "unread": not closed and row["unread"] > 0,
            "assigned": not closed and row["owner_id"] is not None,
            "unassigned": not closed and row["owner_id"] is None,
            "outbound": not closed and row["outbound"],
            "optout": self.account.contacts[row["contact_id"]]["opt_out"],
            "nocalls": not closed,
        }[wanted]

    def conversation(self, asked: dict, key: int) -> Any:
        return self.single(self.wire.conversation(self.find_conversation(key)))

    def find_conversation(self, key: int) -> dict:
        return self.find(self.account.conversations.values(), key)

    def open_conversation(self, asked: dict) -> Any:
        if not asked.get("contact_id"):
            raise Refused(422, "The given data was invalid.", errors={"contact_id": ["required"]})
        person = self.find_contact(whole(asked["contact_id"], 0))
        team = self.find_team(whole(asked["team_id"], 0)) if asked.get("team_id") else self.account.teams[0]
        return self.single(self.wire.conversation(self.talk(person, team["id"])), self.choices.conversation_created)

    def talk(self, person: dict, inbox: int) -> dict:
        for row in self.account.conversations.values():
            if row["contact_id"] == person["id"] and row["inbox_id"] == inbox:
                return row
        return self.account.add_conversation(person, inbox, outbound=True)

    def close(self, asked: dict, key: int) -> Any:
        row = self.find_conversation(key)
        row["closed_at"] = moment()
        return self.single(self.wire.conversation(row))

    def reopen(self, asked: dict, key: int) -> Any:
        row = self.find_conversation(key)
        row["closed_at"] = None
        return self.single(self.wire.conversation(row))

    def reassign(self, asked: dict, key: int) -> Any:
        row = self.find_conversation(key)
        row["owner_id"] = whole(asked.get("user_id"), 0) or None
        return self.single(self.wire.conversation(row))

    # --- messages ---

    def readable(self, key: int) -> list[dict]:
        self.find_conversation(key)
        if key == self.locked:
            raise Refused(self.choices.locked_thread, "You cannot see this conversation.")
        return self.account.thread(key)[::-1]

    def messages(self, asked: dict, key: int) -> Any:
        rows = self.readable(key)
        size = min(self.choices.thread_cap, whole(asked.get("limit"), 20))
        if before := asked.get("before_id") or asked.get("before"):
            # The cursor is a message: what stands behind it in the order that is shown.
            place = next((place for place, row in enumerate(rows) if row["id"] == int(before)), len(rows))
            rows = rows[place + 1 :]
        elif self.choices.page_is_read and "page" in asked:
            rows = rows[(max(1, whole(asked["page"], 1)) - 1) * size :]
        return self.many([self.wire.message(row) for row in rows[:size]], self.choices.thread, 1, size, len(rows))

    def paginated(self, asked: dict, key: int) -> Any:
        if self.choices.paginated == "404":
            raise Refused(404, "Nothing here")
        if not (asked.get("page") and asked.get("per_page")):
            raise Refused(422, "The given data was invalid.", errors={"page": ["The page field is required."]})
        rows = self.readable(key)
        if self.choices.paginated_order == "oldest":
            rows.reverse()
        size = min(self.choices.thread_cap, whole(asked["per_page"], 20))
        page = max(1, whole(asked["page"], 1))
        shown, total = self.numbered(rows, page, size)
        return self.many([self.wire.message(row) for row in shown], self.choices.paginated, page, size, total)

    def send_to_number(self, asked: dict) -> Any:
        number = phone(asked.get("number"))
        team = self.find_team(whole(asked.get("team_id"), 0))
        text = self.text_of(asked)
        person = self.by_number(number) or self.account.add_contact(number)
        return self.take(self.talk(person, team["id"]), text)

    def send(self, asked: dict, key: int) -> Any:
        return self.take(self.find_conversation(key), self.text_of(asked))

    def text_of(self, asked: dict) -> str:
        if not asked.get("message"):
            raise Refused(422, "The given data was invalid.", errors={"message": ["The message field is required."]})
        return asked["message"]

    def take(self, talk: dict, text: str) -> Any:
        person = self.account.contacts[talk["contact_id"]]
        reason = None
        if not self.account.textable(person):
            reason = "21610 Attempt to send to unsubscribed recipient"
        elif person["number"] == BAD_NUMBER or "refuse me" in text:
            reason = "21211 Invalid 'To' phone number"
        self.sent.append({"text": text, "number": person["number"], "conversation": talk["id"], "refused": reason})
        if reason and self.choices.refusal != "failed":
            raise Refused(int(self.choices.refusal), [reason] if self.chance.random() < 0.5 else reason)
        word = "failed" if reason else self.choices.send_word
        row = self.account.add_message(
            talk, text, word.lower(), user_id=self.account.user["id"], failed_reason=reason, source="api"
        )
        talk |= {"closed_at": None, "unread": 0}
        told = self.wire.message(row)
        return self.single(told | {"status": word} if not reason else told, self.choices.send_status)

    # --- tags, tokens ---

    def tags(self, asked: dict) -> Any:
        return self.many([self.wire.tag(row) for row in self.account.tags], self.choices.tags, 1, 15)

    def renew(self, asked: dict) -> Any:
        self.dead.add(self.token)
        self.token = self.new_token()
        self.renewals += 1
        return 200, {"access_token": self.token, "expires_in": int(self.life)}


def whole(value: Any, default: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def phone(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\+[1-9]\d{7,14}", value):
        raise Refused(422, "The given data was invalid.", errors={"number": ["The number is not valid."]})
    return value


ROUTES = [
    ("GET", "/user", Vendor.user),
    ("GET", "/users/me", Vendor.user),
    ("GET", "/organization/current", Vendor.organization),
    ("GET", "/organization/members", Vendor.members),
    ("GET", "/teams", Vendor.teams),
    ("GET", "/teams/all", Vendor.teams),
    ("GET", r"/teams/(\d+)", Vendor.team),
    ("GET", r"/teams/(\d+)/numbers", Vendor.team_numbers),
    ("GET", "/numbers", Vendor.numbers),
    ("GET", "/contacts", Vendor.contacts),
    ("POST", "/contacts/list", Vendor.contacts_list),
    ("GET", "/contacts/search", Vendor.contacts_search),
    ("GET", r"/contacts/(\d+)", Vendor.contact),
    ("POST", "/contacts", Vendor.create_contact),
    ("PUT", r"/contacts/(\d+)", Vendor.edit_contact),
    ("PUT", r"/contacts/opt-out/(\d+)", lambda self, asked, key: self.opt(key, True)),
    ("PUT", r"/contacts/opt-in/(\d+)", lambda self, asked, key: self.opt(key, False)),
    ("GET", r"/contacts/(\d+)/conversations", Vendor.contact_conversations),
    ("GET", "/conversations", Vendor.conversations),
    ("GET", r"/conversations/(\d+)", Vendor.conversation),
    ("POST", "/conversations", Vendor.open_conversation),
    ("PUT", r"/conversations/(\d+)/close", Vendor.close),
    ("PUT", r"/conversations/(\d+)/open", Vendor.reopen),
    ("POST", r"/conversations/(\d+)/reassign", Vendor.reassign),
    ("GET", r"/messages/(\d+)", Vendor.messages),
    ("GET", r"/messages/(\d+)/paginated", Vendor.paginated),
    ("POST", "/messages", Vendor.send_to_number),
    ("POST", r"/messages/(\d+)", Vendor.send),
    ("GET", "/tags", Vendor.tags),
    ("POST", "/oauth/personal-token/refresh", Vendor.renew),
]


class Handler(BaseHTTPRequestHandler):
    """HTTP around one Vendor."""

    protocol_version = "HTTP/1.1"
    vendor: Vendor

    def setup(self) -> None:
        if self.vendor.choices.connection == "idle":
            self.timeout = 0.4
        super().setup()

    def handle_one(self) -> None:
        vendor, parts = self.vendor, urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        short = re.sub(r"^/pub/v2\.\d|^/api/v4", "", parts.path)
        plain = re.sub(r"/\d+", "", short)
        name = f"{self.command} {plain}"
        with vendor.lock:
            if not vendor.limit.admits():
                self.too_many()
                return
            if words := vendor.before.get(name):
                self.spoil(words.pop(0))
                return
            try:
                status, told = vendor.answer(
                    self.command,
                    parts.path,
                    parse_qsl(parts.query, keep_blank_values=True),
                    self.fields(data),
                    (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip(),
                )
            except Refused as refused:
                status, told = refused.status, refused.body
            trouble = vendor.trouble.pop(name, None)
        if trouble:
            self.spoil(trouble)
            return
        self.reply(status, None if told is None else json.dumps(told, indent=1 if vendor.choices.pretty else None))

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def fields(self, data: bytes) -> dict:
        """A body's fields: JSON without media, or a form."""
        if not data:
            return {}
        if "json" in (self.headers.get("Content-Type") or ""):
            found = json.loads(data)
            return {key: value for key, value in found.items() if key != "media_url"} if isinstance(found, dict) else {}
        return dict(parse_qsl(data.decode()))

    def too_many(self) -> None:
        choices = self.vendor.choices
        kind, text = {
            "json": ("application/json", '{"message":"Too Many Requests"}'),
            "laravel": ("application/json", '{"message":"Too Many Attempts."}'),
            "html": ("text/html", "<!DOCTYPE html><title>429</title>"),
            "empty": ("text/plain", ""),
        }[choices.body_429]
        more = {"Retry-After": str(max(1, round(self.vendor.limit.period)))} if choices.retry_after else {}
        self.reply(429, text, kind, more)

    def spoil(self, how: str) -> None:
        """Ends a request badly."""
        if how == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, kind, text = {
            "500": (500, "application/json", '{"message":"Server Error"}'),
            "502": (502, "text/html", "<html>Bad Gateway</html>"),
            "504": (504, "application/json", '{"message":"Endpoint request timed out"}'),
            "html": (200, "text/html; charset=UTF-8", "<!DOCTYPE html><html>Sign in</html>"),
            "cut": (200, "application/json", '{"id": 12, "sta'),
        }[how]
        self.reply(status, text, kind)

    def reply(self, status: int, text: str | None, kind: str = "", more: dict | None = None) -> None:
        choices = self.vendor.choices
        data = (text or "").encode()
        self.send_response(status)
        if text is not None:
            self.send_header("Content-Type", kind or choices.content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        if choices.rate_headers:
            left = max(0, self.vendor.limit.limit - len(self.vendor.limit.times))
            self.send_header("x-ratelimit-remaining-minute", str(left))
        if choices.connection == "close":
            self.send_header("Connection", "close")
            self.close_connection = True
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    def log_message(self, *words: Any) -> None:
        """Silent."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, address: Any) -> None:
        """A client that went away is no news; anything else is a fault of this server."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


@contextlib.contextmanager
def running(seed: int, port: int = 0, **settings: Any) -> Iterator[Vendor]:
    """A vendor on a port of its own; its address is in `url`."""
    vendor = Vendor(seed, **settings)
    server = Server(("127.0.0.1", port), type("Bound", (Handler,), {"vendor": vendor}))
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def later(vendor: Vendor, minutes: float) -> None:
    """Lets the token age."""
    vendor.ends -= timedelta(minutes=minutes).total_seconds()


if __name__ == "__main__":
    with running(int(sys.argv[1]) if len(sys.argv) > 1 else 1, port=8950) as served:
        print(served.url, served.token, served.choices.unusual(), sep="\n", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
