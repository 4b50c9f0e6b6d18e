"""Who has a thread open and who is typing in it. Open pages report every few seconds; reports expire in seconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import FilteredRelation, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ...models import Conversation, Presence

PRESENT_FOR = timedelta(seconds=12)  # slightly more than two reports of a page
TYPING_FOR = timedelta(seconds=6)
RETENTION = timedelta(days=1)


@dataclass(frozen=True)
class PresentUser:
    """Another user who has the thread open."""

    pk: int
    name: str
    typing: bool


@dataclass(frozen=True)
class PresentUsers:
    """The other users who have a thread open. `token` changes when the displayed text changes."""

    people: tuple[PresentUser, ...] = ()

    @property
    def token(self) -> str:
        return ".".join(f"{one.pk}{'t' if one.typing else ''}" for one in self.people)

    @property
    def writing(self) -> str:
        return _summarize(
            [one.name for one in self.people if one.typing],
            lambda name: _("%(name)s is typing…") % {"name": name},
            lambda one, two: _("%(one)s and %(two)s are typing…") % {"one": one, "two": two},
            lambda number: ngettext("%(number)d person is typing…", "%(number)d people are typing…", number),
        )

    @property
    def reading(self) -> str:
        return _summarize(
            [one.name for one in self.people if not one.typing],
            lambda name: _("%(name)s is viewing") % {"name": name},
            lambda one, two: _("%(one)s and %(two)s are viewing") % {"one": one, "two": two},
            lambda number: ngettext("%(number)d person is viewing", "%(number)d people are viewing", number),
        )


def _summarize(names: list[str], one, two, many) -> str:
    if not names:
        return ""
    if len(names) < 3:
        return (one, two)[len(names) - 1](*names)
    return many(len(names)) % {"number": len(names)}


def record_presence(user, conversation: Conversation, typing: bool | None = None) -> None:
    """Record that the user has the thread open. typing: None leaves the typing state unchanged. One upsert."""
    now = timezone.now()
    row = Presence(user=user, conversation=conversation, seen_at=now, typing_at=now if typing else None)
    fields = ["seen_at"] if typing is None else ["seen_at", "typing_at"]
    Presence.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["user", "conversation"], update_fields=fields
    )


def remove_presence(user, conversation_id: int) -> None:
    """Record that the user closed the thread. Another open tab of the user reports again within seconds."""
    Presence.objects.filter(user=user, conversation=conversation_id).delete()


def read_presence(user, conversation_id: int) -> tuple[int, PresentUsers] | None:
    """Return the version of the conversation and the other users present, or None when the user has no such
    conversation. One query."""
    now = timezone.now()
    present = FilteredRelation("presences", condition=Q(presences__seen_at__gt=now - PRESENT_FOR))
    conversations = Conversation.objects.for_user(user).filter(pk=conversation_id).annotate(present=present)
    names = (f"present__user__{name}" for name in ("first_name", "last_name", "username"))
    rows = list(conversations.values_list("version", "present__user", "present__typing_at", *names))
    if not rows:
        return None
    people = [_present_user(now, *row[1:]) for row in rows if row[1] not in (None, user.pk)]
    return rows[0][0], PresentUsers(tuple(sorted(people, key=lambda one: one.pk)))


def _present_user(
    now: datetime, pk: int, typing_at: datetime | None, first: str, last: str, username: str
) -> PresentUser:
    typing = typing_at is not None and typing_at > now - TYPING_FOR
    return PresentUser(pk, f"{first} {last}".strip() or username, typing)


def prune_presence() -> int:
    """Delete rows older than RETENTION. Returns the number of deleted rows."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - RETENTION).delete()[0]
