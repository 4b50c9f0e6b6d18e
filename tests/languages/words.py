"""Words from outside: which fields hold them, rows full of them, and where pages show them."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from django.apps import apps
from django.db import models

from integrations.models import AuditEntry, Change, Contact, Member, Message, SavedReply, SyncRun, Tag
from tests import factories

from .catalogue import DOMAINS, entries, path_of
from .rows import Rows
from .threads import Threads

# Every field that can hold words of a person or of Salesmsg.
OUTSIDE = {
    "Account": ("label", "organization_name", "vendor_reason"),
    "Attachment": ("vendor_reason",),
    "Attempt": ("vendor_reason",),
    "AuditEntry": ("params",),
    "Bulk": ("text",),
    "BulkRecipient": ("text", "vendor_reason"),
    "Change": ("values", "base", "theirs", "reason_params", "vendor_reason"),
    "ConsentEntry": ("contact_name", "text", "user_name", "note"),
    "Contact": ("first_name", "last_name", "full_name", "email", "tags", "custom_fields", "notes", "raw"),
    "Conversation": ("latest_text", "raw"),
    "Draft": ("text",),
    "Inbox": ("name", "raw"),
    "InternalNote": ("author_name", "text"),
    "ListSync": ("vendor_reason",),
    "Member": ("full_name", "email", "role", "raw"),
    "Message": ("text", "author_name", "source", "vendor_status", "vendor_reason", "raw"),
    "Number": ("raw",),
    "SavedReply": ("name", "text"),
    "SyncRun": ("notes", "vendor_reason"),
    "Tag": ("label",),
    "WebhookEvent": ("name", "body", "vendor_reason"),
}
_CODES, _SECRET, _PARAMS = "codes of ours", "a secret or a digest", "ids, counts, names of fields and lists"
_COUNTRY = "a country's code"
_ADDRESS, _ZONE, _PHONE, _PLACE = "an address", "the name of a time zone", "a phone number", "where a sync stands"
# The others, each with what it holds instead.
OURS = {
    "Account": {
        "reason_params": _PARAMS, "organization_timezone": _ZONE, "webhook_secret": _SECRET, "webhook_digest": _SECRET,
        "learned": _CODES, "probe_report": "shown by the command `probe` alone, which speaks English",
    },
    "Attachment": {"reason_params": _PARAMS, "url": _ADDRESS, "content_type": "a media type", "file": _ADDRESS},
    "Attempt": {"reason_params": _PARAMS},
    "AuthorizationState": {
        "digest": _SECRET, "session_digest": _SECRET, "code_verifier": _SECRET,
        "label": "becomes the label of the account, and is shown nowhere before",
    },
    "Budget": {"waiting": "lanes and times"},
    "Bulk": {"accepted": _CODES},
    "BulkRecipient": {"reason_params": _PARAMS},
    "ConsentEntry": {"phone": _PHONE},
    "Contact": {"phone": _PHONE, "country": _COUNTRY, "color": "a colour", "photo_url": _ADDRESS},
    "Conversation": {"line_phone": _PHONE, "latest_state": _CODES, "trouble": _CODES},
    "Credential": {"access_token": _SECRET, "refresh_token": _SECRET, "scopes": _CODES},
    "FreshHour": {"counts": "numbers"},
    "Heartbeat": {"name": _CODES},
    "Inbox": {"phone": _PHONE},
    "ListSync": {"reason_params": _PARAMS, "name": _CODES},
    "Message": {
        "reason_params": _PARAMS, "accepted": _CODES, "media": "addresses and media types", "zone": _ZONE,
        "call": "numbers, an address, and a status that is shown nowhere",
    },
    "Number": {"phone": _PHONE, "country": _COUNTRY},
    "SyncRun": {"reason_params": _PARAMS},
    "SyncStream": {"name": _CODES, "cursor": _PLACE},
    "Tag": {"raw": "what Salesmsg sent, shown nowhere"},
    "ThreadSync": {"cursor": _PLACE, "read_to": _PLACE},
    "WebhookEvent": {"reason_params": _PARAMS, "digest": _SECRET},
}  # fmt: skip


def wordy_fields() -> Iterator[tuple[str, str]]:
    """(model, field) of everything that could hold words: no number, time or relation, and no choice."""
    for model in apps.get_app_config("integrations").get_models():
        for one in model._meta.get_fields():
            wordy = isinstance(one, (models.CharField, models.TextField, models.JSONField, models.FileField))
            if wordy and not one.choices:
                yield model.__name__, one.name


def msgids() -> list[str]:
    """Every text that the German catalogues translate, singular and plural, the shortest first."""
    keys = [entry.key for domain in DOMAINS for entry in entries(path_of("de", domain))]
    found = {text for key in keys for text in (key.msgid, key.plural) if text.strip()}
    return sorted(found, key=lambda text: (len(text), text))


# --- Rows full of words ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """One place for a word: in a column of a row, and in JSON at a place of its own."""

    field: str  # "Contact.tags"
    limit: int | None  # characters of the column
    kind: str  # which words fit: see FITS

    def fits(self, word: str) -> bool:
        return (self.limit is None or len(word) <= self.limit) and FITS[self.kind](word)


def _unbroken(word: str) -> bool:
    return word == " ".join(word.split())


# What a place does to every word, whatever it says, keeps some words out of it.
FITS: dict[str, Callable[[str], bool]] = {
    "text": lambda word: True,
    "line": _unbroken,
    "email": lambda word: _unbroken(word) and "@" not in word,  # broken up at it
    "template": lambda word: not re.search(r"[{}]", word),  # braces stand for merge fields
    "key": lambda word: _unbroken(word) and not re.search(r"[_-]", word) and word[:1] == word[:1].upper(),  # humanized
    "label": lambda word: _unbroken(word) and word == word.capitalize(),  # no two labels differ by case alone
    "json": lambda word: not re.search(r"[\"\\\n]", word),  # spelled differently in JSON
}
_KINDS = {
    "Bulk.text": "template", "BulkRecipient.text": "template", "SavedReply.text": "template", "Draft.text": "template",
    "Contact.email": "email", "Member.email": "email", "Contact.tags": "label", "Tag.label": "label",
    "Message.text": "text", "InternalNote.text": "text",
}  # fmt: skip
_ONCE = ("SavedReply.name", "Tag.label", "Contact.tags", "Contact.custom_fields")
_MARK = "§"  # what stands for a word in JSON of the rows


def crowd(rows: Rows, threads: Threads) -> None:
    """More rows, with a value in every column of `OUTSIDE`, so that all words find a place on a few pages."""
    record = {"raw": {"said": "r§"}}
    for name, columns in OUTSIDE.items():
        model = apps.get_model("integrations", name)
        if "vendor_reason" in columns:
            model.objects.update(vendor_reason="v§")
        if "raw" in columns:
            model.objects.update(**record)
    Message.objects.update(source="s§", vendor_status="v§")
    Contact.objects.exclude(pk=threads.first.contact_id).update(last_name="l§")
    Member.objects.update(role="r§")
    SyncRun.objects.update(notes=[{"code": "list_skipped", "params": {"list": "tags"}, "quote": "q§"}] * 5)
    Change.objects.filter(kind="fields", state="refused").update(
        reason_code="custom_fields_ignored", reason_params={"custom_fields": ["x§"]}
    )
    # The preview of a draft picks its samples by the length of their texts.
    samples = rows.bulks["draft"].recipients.order_by("pk")
    samples.exclude(pk=samples.first().pk).delete()
    for number in range(20):
        AuditEntry.objects.create(
            account=rows.account, user=rows.user, action="membership_added", params={"person": f"p§{number}"}
        )
        factories.webhook_event(rows.account, name=f"n§{number}", digest=f"{number:064}", vendor_reason="v§")
        Tag.objects.create(account=rows.account, vendor_id=100 + number, label=f"t§{number}")
        factories.message(
            threads.busy, f"o§{number}", inbound=False, author_name="a§", source="s§", vendor_status="v§", **record
        )
    for number in range(40):
        SavedReply.objects.create(account=rows.account, name=f"n§{number}", text="r§")
    Contact.objects.filter(pk=rows.contacts[2].pk).update(
        tags=[f"t§{number}" for number in range(150)],
        notes=[{"text": f"n§{number}", "created_at": "2025-05-03T14:05:00Z"} for number in range(1200)],
        custom_fields=[{"field_key": f"k§{number}", "value": "v§"} for number in range(1)],
    )
    for thread in (threads.snoozed, threads.closed):
        Contact.objects.filter(pk=thread.contact_id).update(first_name="", last_name="", full_name="f§")
    # A note of a contact costs least to show; a message is the only place for some words.
    for thread in threads.of.values():
        for number in range(10):
            factories.message(thread, f"m§{number}", source="s§", vendor_status="v§", **record)


def spread(slots: list[Slot], shown: set[int]) -> dict[int, str]:
    """Number of a slot -> its word: every msgid in a slot that some page shows, and no slot without a word."""
    chance = random.Random(12)
    longest_last = msgids()
    rest, longest = longest_last[:-300], longest_last[-300:]
    chance.shuffle(rest)
    # Where a word may stand but once, it comes first: there, none is used a second time.
    places = sorted(shown, key=lambda place: (slots[place].field not in _ONCE, chance.random()))
    given: dict[int, str] = {}
    for word in [*longest, *rest]:
        place = next((place for place in places if slots[place].fits(word)), None)
        if place is not None:
            given[place] = word
            places.remove(place)
    for place in places + [place for place in range(len(slots)) if place not in shown]:
        given[place] = next(word for word in rest[place % 1000 :] if slots[place].fits(word))
    return given


class Filling:
    """Puts a word into every slot of every row, always the same slots in the same order."""

    def __init__(self):
        self.slots: list[Slot] = []

    def fill(self, word_of: Callable[[int, Slot], str]) -> None:
        """word_of: number of a slot and the slot -> its word. The first filling finds the slots."""
        number = 0

        def word(slot: Slot) -> str:
            nonlocal number
            number += 1
            if number > len(self.slots):
                self.slots.append(slot)
            return word_of(number - 1, slot)

        for name, fields in OUTSIDE.items():
            model = apps.get_model("integrations", name)
            rows = list(model.objects.order_by("pk"))
            for row in rows:
                for one in fields:
                    setattr(row, one, self._filled(row, one, word))
            model.objects.bulk_update(rows, fields, batch_size=100)

    def _filled(self, row, name: str, word: Callable[[Slot], str]):
        column, value = row._meta.get_field(name), self._first(row, name)
        path = f"{type(row).__name__}.{name}"
        if name == "body":
            return f'{{"id": 7, "text": "{word(Slot(path, None, "json"))}"}}'
        if not isinstance(column, models.JSONField):
            return word(Slot(path, column.max_length, _KINDS.get(path, "line"))) if value else value

        def filled(value, kind: str):
            if isinstance(value, dict):
                return {filled(key, "key"): filled(one, "key" if key == "field_key" else kind)
                        for key, one in value.items()}  # fmt: skip
            if isinstance(value, list):
                return [filled(one, kind) for one in value]
            marked = isinstance(value, str) and _MARK in value
            return word(Slot(path, None, kind)) if marked else value

        kind = "json" if name == "raw" else "key" if name == "reason_params" else _KINDS.get(path, "line")
        return filled(value, kind)

    def _first(self, row, name: str):
        """What the column held before the first filling."""
        self._before = getattr(self, "_before", {})
        return self._before.setdefault((type(row), row.pk, name), getattr(row, name))


# --- Where pages show them -------------------------------------------------------------------------------------------

_SHOWN = {"alt", "aria-label", "content", "data-confirm", "data-label", "placeholder", "title", "value"}
_WITHIN = {"a", "mark", "wbr", "code", "b", "br"}  # do not end a run of words
_SILENT = {"script", "style"}


class _Runs(HTMLParser):
    """The runs of words of a page: between its elements, and in the attributes that people see or hear."""

    def __init__(self):
        super().__init__()
        self.found: Counter[str] = Counter()
        self._open, self._silent = "", False

    def handle_starttag(self, tag, attrs):
        self._ends(tag)
        self._silent = tag in _SILENT
        for name, value in attrs:
            if name in _SHOWN and value:
                self._add(value)

    def handle_endtag(self, tag):
        self._ends(tag)
        self._silent = False

    def handle_data(self, data):
        if not self._silent:
            self._open += data

    def _ends(self, tag: str) -> None:
        if tag not in _WITHIN:
            self._add(self._open)
            self._open = ""

    def _add(self, text: str) -> None:
        if words := " ".join(text.split()):
            self.found[words] += 1


def runs(html: str) -> Counter[str]:
    parser = _Runs()
    parser.feed(html)
    parser.close()
    return parser.found


TOKEN = re.compile(r"Zq(\d+)zq")


def token(number: int, _slot: Slot) -> str:
    """A word that no catalogue holds, and that stands for itself alone."""
    return f"Zq{number}zq"


def shown(page: Counter[str]) -> set[int]:
    """The numbers of the tokens on a page."""
    return {int(number) for run in page for number in TOKEN.findall(run)}


def lost(tokens: Counter[str], page: Counter[str], word_of: Callable[[int], str]) -> list[str]:
    """What a page says less often, or with other words, than when it was read with tokens in their place."""
    wanted: Counter[str] = Counter()
    for run, times in tokens.items():
        if TOKEN.search(run):
            wanted[" ".join(TOKEN.sub(lambda one: word_of(int(one[1])), run).split())] += times
    return [said for said in wanted - page if not any(_shortened(said, run) for run in page)]


def _shortened(said: str, run: str) -> bool:
    """Whether a run is what it should say, with long words cut: "add the note “A long te…”"."""
    if len(run) >= 60 and said.startswith(run):
        return True
    return "…" in run and bool(re.fullmatch(".+".join(map(re.escape, run.split("…"))), said))
