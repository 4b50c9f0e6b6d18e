"""An account's data as it truly is; how it is sent is another matter (wire.py)."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FIRST = ("Anneliese", "Björn", "Chidi", "Dolores", "Ewa", "Fergus", "Guadalupe", "Hồng", "Imani", "João", "Кира", "Li")
LAST = ("O'Brien", "Núñez", "Katz", "von der Heide", "Okafor", "Smith & Sons", "Yılmaz", "Brandt", "", "李")
TEXTS = (
    "See you at nine",
    "It's 5 < 7 & 8 > 2, isn't it?",
    "Line one\nline two\n\nline four",
    "Grüße aus Köln 🎉🎉",
    'He said "no" & left',
    "ok",
    "STOP",
    "Your code is 0042.",
    "https://example.org/?a=1&b=2#top",
    "I <3 this place",
    "https://shop.example/?id=7&copy=2&lt=3&reg=1",
    "👍🏽",
    "A long one: " + "all work and no play makes Jack a dull boy. " * 12,
)
OUTCOMES = ("delivered",) * 6 + ("sent", "queued", "failed", "undelivered", "sending", "enroute", "created")
SIZES = {  # contacts, conversations, messages of one thread at most
    "small": (7, 5, 6),
    "middle": (34, 30, 12),
    "large": (73, 68, 45),
    "closed": (14, 12, 8),
    "wide": (150, 140, 2),
    "empty": (0, 0, 0),
}


def moment() -> datetime:
    """Now, in the vendor's resolution."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Account:
    """All that the vendor holds; rows are dictionaries of true values, times are aware datetimes."""

    organization: dict
    user: dict
    members: list[dict]
    teams: list[dict]
    numbers: list[dict]
    tags: list[dict]
    contacts: dict[int, dict] = field(default_factory=dict)
    conversations: dict[int, dict] = field(default_factory=dict)
    messages: dict[int, dict] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def next(self, kind: str) -> int:
        self.last[kind] += 1 + self.last[kind] % 3
        return self.last[kind]

    def add_contact(self, number: str, at: datetime | None = None, **values) -> dict:
        at = at or moment()
        row = {
            "id": self.next("contact"), "number": number, "first_name": "", "last_name": "", "email": None,
            "owner_id": None, "color": None, "is_blocked": False, "opt_out": False, "opt_out_at": None,
            "opt_in_at": None, "tags": [], "notes": [], "created_at": at, "updated_at": at,
        } | values  # fmt: skip
        self.contacts[row["id"]] = row
        return row

    def add_conversation(self, contact: dict, inbox: int, at: datetime | None = None, **values) -> dict:
        row = {
            "id": self.next("conversation"), "contact_id": contact["id"], "inbox_id": inbox, "owner_id": None,
            "started_at": at or moment(), "closed_at": None, "last_message_at": None, "unread": 0, "outbound": False,
        } | values  # fmt: skip
        self.conversations[row["id"]] = row
        return row

    def add_message(self, conversation: dict, body: str, status: str, at: datetime | None = None, **values) -> dict:
        at = at or moment()
        row = {
            "id": self.next("message"), "conversation_id": conversation["id"],
            "contact_id": conversation["contact_id"], "body": body, "status": status, "at": at, "type": "sms",
            "source": "conversation", "user_id": None, "media": [], "automated": False, "failed_reason": None,
            "record": None,
        } | values  # fmt: skip
        self.messages[row["id"]] = row
        conversation["last_message_at"] = max(at, conversation["last_message_at"] or at)
        if status == "received":
            conversation |= {"unread": conversation["unread"] + 1, "closed_at": None, "outbound": False}
        return row

    def thread(self, conversation: int) -> list[dict]:
        """Its messages, oldest first."""
        found = (row for row in self.messages.values() if row["conversation_id"] == conversation)
        return sorted(found, key=lambda row: (row["at"], row["id"]))

    def textable(self, contact: dict) -> bool:
        return not (contact["opt_out"] or contact["is_blocked"])

    def line(self, inbox: int) -> dict | None:
        return next((row for row in self.numbers if row["team"] == inbox), None)


def make(seed: int, choices) -> Account:
    """The account of a seed."""
    chance = random.Random(f"data {seed}")
    organization = chance.randrange(10_000, 99_999)
    teams = [
        {"id": chance.randrange(300_000, 400_000) + place, "name": name}
        for place, name in enumerate(
            chance.sample(["Sales", "Pick-up & returns", "Ärzte", "Night"], chance.choice([1, 2, 3]))
        )
    ]
    members = [
        {"id": 80_000 + 7 * place, "first_name": first, "last_name": last, "email": f"m{place}@firm.example",
         "role": "admin" if place == 0 else "agent"}
        for place, (first, last) in enumerate([("Rosa", "Diaz"), ("Ken", "Ito"), ("Ada", "Nwosu")])
    ]  # fmt: skip
    numbers = [
        {"id": 410_000 + 3 * place, "number": f"+1646555{place + 100:04}", "country": "US", "team": team["id"]}
        for place, team in enumerate(teams)
    ]
    own = 999_001
    account = Account(
        organization={"id": organization, "name": f"Firm {seed} & Co", "timezone": "America/Chicago"},
        user=members[0] | {"inbox_id": own if choices.foreign_inbox else teams[0]["id"]},
        members=members,
        teams=teams,
        numbers=numbers,
        tags=[
            {"id": 900 + place, "name": word.lower(), "label": word}
            for place, word in enumerate(["VIP", "Lead", "No-show"])
        ],
        last={"contact": 150_000_000 + seed, "conversation": 110_000_000 + seed, "message": 700_000_000 + seed},
    )
    _fill(account, chance, choices, own)
    return account


def _fill(account: Account, chance: random.Random, choices, own: int) -> None:
    people, talks, most = SIZES[choices.size]
    start = moment() - timedelta(days=200)
    for place in range(people):
        at = start + timedelta(minutes=place * 37)
        out = place % 9 == 4
        account.add_contact(
            f"+1305555{1000 + place}" if place % 5 else f"+44770090{1000 + place}",
            at,
            first_name=chance.choice([*FIRST, ""]),
            last_name=chance.choice(LAST),
            email=chance.choice([None, f"p{place}@mail.example"]),
            owner_id=chance.choice([None, *(row["id"] for row in account.members)]),
            tags=chance.sample(account.tags, chance.randrange(3)),
            opt_out=out and choices.opt_out == "flag",
            opt_out_at=at + timedelta(days=1) if out and choices.opt_out == "flag" else None,
            is_blocked=out and choices.opt_out == "blocked",
            updated_at=at + timedelta(days=chance.randrange(60)),
        )
    contacts = list(account.contacts.values())
    for place in range(talks):
        # The last fifth of the conversations are second ones of the same people, in another inbox if there is one.
        person = contacts[place % max(1, talks * 4 // 5)]
        used = {row["inbox_id"] for row in account.conversations.values() if row["contact_id"] == person["id"]}
        free = [row["id"] for row in account.teams if row["id"] not in used]
        if choices.foreign_inbox and place % 4 == 0 and own not in used:
            free = [own]
        if not free:
            continue
        began = start + timedelta(days=61 + place % 100, minutes=place)
        talk = account.add_conversation(
            person, free[0], began, owner_id=chance.choice([None, account.members[1]["id"]])
        )
        number = chance.choice([0, 1, most // 2, most, chance.randrange(most + 1)])
        at = began
        for step in range(number):
            # Often several in one second: only the id shows their order.
            at += timedelta(seconds=chance.choice([0, 1, 3700]))
            _say(account, talk, chance, at, step)
        if talk["unread"] and chance.random() < 0.7:
            talk["unread"] = 0
        thread = account.thread(talk["id"])
        talk["outbound"] = bool(thread) and all(row["status"] not in ("received", "record") for row in thread)
        if choices.size == "closed" or chance.random() < 0.3:
            talk |= {"closed_at": at + timedelta(hours=1), "outbound": False}


def _say(account: Account, talk: dict, chance: random.Random, at: datetime, step: int) -> None:
    kind = chance.random()
    text = chance.choice(TEXTS)
    if kind < 0.45:
        pictures = []
        if chance.random() < 0.15:
            key = account.next("message")
            pictures = [{"id": key, "content_type": "image/png", "source": f"https://media.example.org/{key}.png"}]
        account.add_message(talk, text, "received", at, media=pictures, type="mms" if pictures else "sms")
    elif kind < 0.52:
        account.add_message(talk, "", "record", at, type="call", source="call",
                            record={"id": step + 1, "duration": 61, "status": "completed", "url": ""})  # fmt: skip
    else:
        status = chance.choice(OUTCOMES)
        author = chance.choice([None, *(row["id"] for row in account.members)])
        account.add_message(
            talk, text, status, at, user_id=author, automated=author is None,
            source="conversation" if author else "broadcast",
            failed_reason="30006 Landline or unreachable carrier" if status in ("failed", "undelivered") else None,
        )  # fmt: skip
