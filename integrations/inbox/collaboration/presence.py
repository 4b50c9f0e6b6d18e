"""Who has a thread open now, and who is typing in it. Told by each open page every few seconds; forgotten as fast."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import FilteredRelation, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ...models import Conversation, Presence

HERE = timedelta(seconds=12)  # two beats of a page, and a little
TYPING = timedelta(seconds=6)
KEEP = timedelta(days=1)


@dataclass(frozen=True)
class PresentUser:
    """Another person at the thread."""

    pk: int
    name: str
    typing: bool


@dataclass(frozen=True)
class PresentUsers:
    """The others at a thread. `token` differs when what is said of them does."""

    people: tuple[PresentUser, ...] = ()

    @property
    def token(self) -> str:
        return ".".join(f"{one.pk}{'t' if one.typing else ''}" for one in self.people)

    @property
    def writing(self) -> str:
        return _said(
            [one.name for one in self.people if one.typing],
            lambda name: _("%(name)s is writing…") % {"name": name},
            lambda one, two: _("%(one)s and %(two)s are writing…") % {"one": one, "two": two},
            lambda number: ngettext("%(number)d person is writing…", "%(number)d people are writing…", number),
        )

    @property
    def reading(self) -> str:
        return _said(
            [one.name for one in self.people if not one.typing],
            lambda name: _("%(name)s is here") % {"name": name},
            lambda one, two: _("%(one)s and %(two)s are here") % {"one": one, "two": two},
            lambda number: ngettext("%(number)d person is here", "%(number)d people are here", number),
        )


def _said(names: list[str], one, two, many) -> str:
    if not names:
        return ""
    if len(names) < 3:
        return (one, two)[len(names) - 1](*names)
    return many(len(names)) % {"number": len(names)}


def record_presence(user, conversation: Conversation, typing: bool | None = None) -> None:
    """This person has the thread open. typing: whether they have just typed; None when that is not told. One upsert."""
    now = timezone.now()
    row = Presence(user=user, conversation=conversation, seen_at=now, typing_at=now if typing else None)
    fields = ["seen_at"] if typing is None else ["seen_at", "typing_at"]
    Presence.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["user", "conversation"], update_fields=fields
    )


def remove_presence(user, conversation_id: int) -> None:
    """This person has closed the thread; where another tab of theirs shows it, its next beat says so."""
    Presence.objects.filter(user=user, conversation=conversation_id).delete()


def read_presence(user, conversation_id: int) -> tuple[int, PresentUsers] | None:
    """The token of the thread's poll, and the others who are there; None when there is no such conversation for this
    person. One query."""
    now = timezone.now()
    there = FilteredRelation("presences", condition=Q(presences__seen_at__gt=now - HERE))
    found = Conversation.objects.for_user(user).filter(pk=conversation_id).annotate(there=there)
    names = ("first_name", "last_name", "username")
    rows = list(found.values_list("version", "there__user", "there__typing_at", *(f"there__user__{n}" for n in names)))
    if not rows:
        return None
    people = [_somebody(now, *row[1:]) for row in rows if row[1] not in (None, user.pk)]
    return rows[0][0], PresentUsers(tuple(sorted(people, key=lambda one: one.pk)))


def _somebody(now: datetime, pk: int, typing_at: datetime | None, first: str, last: str, username: str) -> PresentUser:
    typing = typing_at is not None and typing_at > now - TYPING
    return PresentUser(pk, f"{first} {last}".strip() or username, typing)


def prune_presence() -> int:
    """Forgets who was where long ago. Returns the number of rows."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - KEEP).delete()[0]
