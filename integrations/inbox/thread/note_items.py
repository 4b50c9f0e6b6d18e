"""Read internal notes and mentions for the thread and the list."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, Subquery

from ...db.top_n import BoundedCount
from ...digests import digest
from ...models import Conversation, InternalNote, Mention

NOTE_RANK = 1 << 62  # sorts a note after all messages of the same moment
MOST_UNREAD = 100  # unseen mentions are counted up to this number per account
_AT = re.compile(r"(?<![\w@.+/-])@([\w@.+-]{1,150})")


@dataclass
class NoteItem:
    """A note in the thread, the counterpart of `MessageItem`. `names`: the usernames mentioned in it."""

    pk: int
    author_id: int | None
    author: str
    text: str
    at: datetime
    names: list[str] = field(default_factory=list)
    day: date | None = None

    note = True
    inbound = planned = plans = False
    files = ()

    @property
    def key(self) -> str:
        return f"n{self.pk}"

    @property
    def rank(self) -> int:
        return NOTE_RANK + self.pk

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The text in pieces: (piece, username), with an empty username when the piece is no mention."""
        found, done = [], 0
        for start, end, name in mention_spans(self.text, self.names):
            found += [(self.text[done:start], ""), (self.text[start:end], name)]
            done = end
        return [part for part in [*found, (self.text[done:], "")] if part[0]]

    @property
    def etag(self) -> str:
        """Changes when anything the note shows changes."""
        shown = (self.at, self.author, self.text, sorted(self.names), self.day)
        return digest(repr(shown))


def mention_spans(text: str, names: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, name) for each "@name" in the text. Ignores case and punctuation after a name."""
    known = {name.casefold(): name for name in names} | {name: name for name in names}
    for found in _AT.finditer(text) if known else ():
        word = found[1]
        while word:
            if name := known.get(word) or known.get(word.casefold()):
                yield found.start(), found.start() + 1 + len(word), name
                break
            word = word[:-1] if word[-1] in ".+-@" else ""


def newest_notes(conversation: Conversation, limit: int, start: tuple[datetime, int] | None = None) -> list[NoteItem]:
    """Return the newest notes, oldest first. start: return none after this (time, rank). One query."""
    found = InternalNote.objects.filter(conversation=conversation)
    if start is not None:
        at, rank = start
        found = found.filter(Q(at__lt=at) | Q(at=at, pk__lte=rank - NOTE_RANK))
    # The limit counts notes, so it needs a subquery: the outer query has one row per mention.
    wanted = InternalNote.objects.filter(pk__in=found.order_by("-at", "-pk").values("pk")[:limit])
    columns = ("pk", "author_id", "author_name", "text", "at", "mentions__user__username")
    notes: dict[int, NoteItem] = {}
    for pk, author_id, author, text, at, name in wanted.order_by("at", "pk").values_list(*columns):
        note = notes.setdefault(pk, NoteItem(pk, author_id, author, text, at))
        if name:
            note.names.append(name)
    return list(notes.values())


def notes_above(conversation_id: int, first: tuple[datetime, int], keys: list[str]) -> set[str]:
    """Return the keys of the notes that come before `first`, a (time, rank)."""
    ids = [int(key[1:]) for key in keys if key.startswith("n")]
    if not ids:
        return set()
    at, rank = first
    earlier = Q(at__lt=at) | Q(at=at, pk__lt=max(rank - NOTE_RANK, 0))
    notes = InternalNote.objects.filter(earlier, conversation=conversation_id, pk__in=ids)
    return {f"n{pk}" for pk in notes.values_list("pk", flat=True)}


# --- Mentions --------------------------------------------------------------------------------------------------------


def count_unseen_mentions(user) -> Subquery:
    """Annotation for accounts: the number of the user's unseen mentions, up to `MOST_UNREAD`."""
    return BoundedCount(_unseen(user).filter(note__account=OuterRef("pk")).values("pk")[:MOST_UNREAD])


def is_mentioned(user) -> Exists:
    """Annotation for conversations: whether the user has an unseen mention."""
    return Exists(_unseen(user).filter(note__conversation=OuterRef("pk")))


def mentions_of_user(user) -> Q:
    """Filter for conversations that mention the user."""
    return Q(pk__in=Mention.objects.filter(user=user).values("note__conversation"))


def _unseen(user):
    return Mention.objects.filter(user=user, read_at=None).order_by()
