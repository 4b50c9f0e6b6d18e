"""How the account's data is sent: sections 4, 6 and 8 of salesmsg-api.md, by the choices of a seed."""

import html
import random
from datetime import datetime
from typing import Any

from .choices import Choices
from .data import Account

MISSING = object()


class Wire:
    """Turns true rows into what is sent."""

    def __init__(self, account: Account, choices: Choices, seed: int) -> None:
        self.account, self.choices = account, choices
        self.seed, self.chance = seed, random.Random()

    # --- small things ---

    def same_again(self, kind: str, row: dict) -> None:
        """A record has the same format each time."""
        self.chance.seed(f"{kind} {row['id']} {self.seed}")

    def id(self, value: int | None) -> Any:
        if value is None:
            return self.nothing("id")
        return str(value) if self.choices.ids == "str" else value

    def nothing(self, kind: str = "text") -> Any:
        """One of the words for “none”."""
        style = self.choices.empty
        if style == "mixed":
            style = self.chance.choice(["null", "empty", "zero", "missing"])
        if style == "zero":
            return 0 if kind == "id" else ""
        return {"null": None, "empty": "", "missing": MISSING}[style]

    def text(self, value: str | None) -> Any:
        return value or self.nothing()

    def time(self, value: datetime | None) -> Any:
        if value is None:
            return self.nothing()
        style = self.choices.times
        if style == "mixed":
            style = self.chance.choice(["zoneless", "zoneless_t", "iso", "micro", "offset"])
        day, clock = value.strftime("%Y-%m-%d"), value.strftime("%H:%M:%S")
        return {
            "zoneless": f"{day} {clock}",
            "zoneless_t": f"{day}T{clock}",
            "iso": f"{day}T{clock}Z",
            "micro": f"{day}T{clock}.000000Z",
            "offset": f"{day}T{clock}+00:00",
        }[style]

    def word(self, status: str) -> str:
        return {"lower": status, "upper": status.upper(), "title": status.title()}[self.choices.status_case]

    def record(self, **values: Any) -> dict:
        found = {key: value for key, value in values.items() if value is not MISSING}
        if self.choices.extra_keys:
            found |= {"x_internal": {"shard": [1, {"a": None}]}, "deleted_at": None, "_links": []}
        return found

    # --- records ---

    def contact(self, row: dict, short: bool = False) -> dict:
        self.same_again("contact", row)
        full = f"{row['first_name']} {row['last_name']}".strip()
        small = {
            "id": self.id(row["id"]),
            "first_name": self.text(row["first_name"]),
            "last_name": self.text(row["last_name"]),
            "full_name": self.text(full),
            "number": row["number"],
            "formatted_number": f"({row['number'][2:5]}) {row['number'][5:]}",
            "opt_out": row["opt_out"],
        }
        if short:
            return self.record(**small)
        return self.record(
            **small,
            email=self.text(row["email"]),
            owner_id=self.id(row["owner_id"]),
            color=self.text(row["color"]),
            photo_url=self.nothing(),
            country="US" if row["number"].startswith("+1") else "GB",
            is_blocked=row["is_blocked"],
            opt_out_at=self.time(row["opt_out_at"]),
            opt_in_at=self.time(row["opt_in_at"]),
            created_at=self.time(row["created_at"]),
            updated_at=self.time(row["updated_at"]),
            tags=MISSING if self.choices.tag_style == "absent" else [self.tag(tag) for tag in row["tags"]],
            notes=row["notes"] or self.nothing(),
            custom_fields=[],
            integration=[],
        )

    def tag(self, row: dict) -> dict:
        names = {"both": ("name", "label"), "label": ("label",), "name": ("name",), "absent": ("name", "label")}
        return {"id": self.id(row["id"])} | {key: row[key] for key in names[self.choices.tag_style]}

    def team(self, row: dict) -> dict:
        line = self.account.line(row["id"])
        return self.record(
            id=self.id(row["id"]),
            name=row["name"],
            number=self.number(line) if line and self.choices.extra_keys else MISSING,
        )

    def number(self, row: dict) -> dict:
        self.same_again("number", row)
        owner = {"id": self.id(row["team"])} if self.choices.numberable else self.nothing()
        return self.record(
            id=self.id(row["id"]), number=row["number"], country=row["country"], mms="1", numberable=owner
        )

    def member(self, row: dict) -> dict:
        self.same_again("member", row)
        return self.record(
            id=self.id(row["id"]),
            email=row["email"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            full_name=f"{row['first_name']} {row['last_name']}",
            role=row["role"],
            inbox_id=self.id(row.get("inbox_id")),
            organization_id=self.id(self.account.organization["id"]),
            unread=self.nothing("id"),
        )

    def organization(self) -> dict:
        row = self.account.organization
        return self.record(id=self.id(row["id"]), name=row["name"], timezone=row["timezone"], account_credits=5)

    def conversation(self, row: dict) -> dict:
        self.same_again("conversation", row)
        choices = self.choices
        person = self.account.contacts[row["contact_id"]]
        nested = {
            "small": lambda: self.contact(person, short=True),
            "whole": lambda: self.contact(person),
            "id": lambda: {"id": self.id(person["id"])},
        }[choices.contact_nested]
        owner = next((one for one in self.account.members if one["id"] == row["owner_id"]), None)
        told_owner: Any = self.nothing()
        if owner:
            told_owner = {"id": self.id(owner["id"])} if choices.owner == "id" else self.member(owner)
        line = self.account.line(row["inbox_id"])
        thread = self.account.thread(row["id"])
        unread = {choices.unread: row["unread"] or self.nothing("id")} if choices.unread != "none" else {}
        return self.record(
            id=self.id(row["id"]),
            contact_id=self.id(person["id"]) if choices.contact_in in ("id", "both") else MISSING,
            contact=nested() if choices.contact_in in ("contact", "both") else MISSING,
            participants=[nested()] if choices.contact_in in ("participants", "both") else self.nothing(),
            name=self.text(person["first_name"]) if choices.conversation_name == "given" else self.nothing(),
            inbox_id=self.id(row["inbox_id"]) if choices.inbox in ("inbox_id", "both") else MISSING,
            team_id=self.id(row["inbox_id"]) if choices.inbox in ("team_id", "both") else MISSING,
            owner=told_owner,
            number=self.number(line) if line else self.nothing(),
            started_at=self.time(row["started_at"]),
            closed_at=self.time(row["closed_at"]),
            last_message_at=self.time(row["last_message_at"]),
            last_message=self.message(thread[-1]) if thread and choices.last_message == "given" else self.nothing(),
            **{key: value for key, value in unread.items() if value is not MISSING},
        )

    def message(self, row: dict) -> dict:
        self.same_again("message", row)
        choices = self.choices
        inbound, at = row["status"] == "received", self.time(row["at"])
        call, waiting = row["type"] == "call", row["status"] in ("queued", "created", "sending")
        told = html.escape(row["body"]).replace("&#x27;", "&#039;").replace("\n", "<br>")
        body, raw = {
            "both": (told, row["body"]),
            "html": (told, MISSING),
            "raw_empty": (told, ""),
            "plain": (row["body"], row["body"]),
        }[choices.bodies]
        failed = row["status"] in ("failed", "undelivered")
        return self.record(
            id=self.id(row["id"]),
            conversation_id=self.id(row["conversation_id"]),
            contact_id=self.id(row["contact_id"]),
            automated=row["automated"],
            status=self.word(row["status"]),
            type=row["type"],
            mms_status="done" if row["media"] else self.nothing(),
            body=body,
            body_raw=raw,
            icon="icon_inbound_call" if call else self.nothing(),
            received_at=at if inbound or call else self.nothing(),
            queued_at=at if waiting else self.nothing(),
            sent_at=at if not (inbound or call or waiting) else self.nothing(),
            delivered_at=at if row["status"] == "delivered" else self.nothing(),
            failed_at=at if failed else self.nothing(),
            failed_reason=row["failed_reason"] or self.nothing(),
            created_at=at if choices.created_at == "given" else MISSING,
            record=row["record"] or self.nothing(),
            user_id=self.id(row["user_id"]) if row["user_id"] else self.nobody(),
            source=row["source"],
            source_id=self.nothing("id"),
            media=[medium | {"id": self.id(medium["id"])} for medium in row["media"]],
            pending_mentions=[],
        )

    def nobody(self) -> Any:
        return 0 if self.choices.received_user == "zero" else self.nothing("id")
