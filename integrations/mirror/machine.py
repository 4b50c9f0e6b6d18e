"""Tells inbound texts that a phone wrote from those of people: they are no news, and answer nothing."""

from ..models import Message
from ..salesmsg.machine_replies import is_auto_reply, read_reaction
from . import consent


def read_machine(text: str) -> str:
    """Return the `Message.Machine` of an inbound text; empty for a person's. What concerns consent is a person's."""
    if read_reaction(text) is not None:
        found = Message.Machine.REACTION
    elif is_auto_reply(text):
        found = Message.Machine.AUTO_REPLY
    else:
        return ""
    return "" if consent.read_kind(text) else found
