"""Place the contact's reactions on the texts they name."""

from collections.abc import Iterable
from dataclasses import dataclass

from ...models import Message
from ...salesmsg.machine_replies import Kind, Reaction, comparable, is_cut, read_reaction

State = Message.State
LEFT = (State.SENDING, State.SENT, State.DELIVERED, State.UNKNOWN)  # texts that the contact may have


@dataclass(frozen=True)
class Badge:
    """A reaction shown on a text. `pk`: the primary key of the message that brought it."""

    pk: int
    emoji: str


def place_reactions(messages: Iterable[Message]) -> tuple[dict[int, Badge], set[int]]:
    """Match reactions with the newest text before them that they name.

    messages: in the order of the thread. A contact has one reaction on a text: a new one replaces it. Returns ({primary
    key of a text: its badge}, the primary keys of the reactions that belong to a text); the others are lines.
    """
    badges: dict[int, Badge] = {}
    placed: set[int] = set()
    texts: list[Message] = []
    for message in messages:
        if not message.inbound and message.state in LEFT:
            texts.append(message)
        if message.machine != Message.Machine.REACTION or (reaction := read_reaction(message.text)) is None:
            continue
        if (text := _named(reaction, texts)) is None:
            continue
        placed.add(message.pk)
        if reaction.kind != Kind.REMOVED:
            badges[text.pk] = Badge(message.pk, reaction.emoji)
        elif text.pk in badges and _bare(badges[text.pk].emoji) == _bare(reaction.emoji):
            del badges[text.pk]
    return badges, placed


def _named(reaction: Reaction, texts: list[Message]) -> Message | None:
    if not reaction.quoted:
        return next((text for text in reversed(texts) if text.media), None)
    quoted = comparable(reaction.quoted)
    if not quoted:
        return None
    same = None if is_cut(reaction.quoted) else next((t for t in reversed(texts) if comparable(t.text) == quoted), None)
    return same or next((text for text in reversed(texts) if comparable(text.text).startswith(quoted)), None)


def _bare(emoji: str) -> str:
    """Return the emoji without its variation selector, which phones add or leave out."""
    return emoji.replace("\ufe0f", "")
