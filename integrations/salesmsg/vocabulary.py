"""The vendor's words and ours: one table each (salesmsg-api.md, sections 6.3 and 8)."""

import re

# A status that is not here means "in progress", never an error.
STATES = {
    "received": "received",
    "created": "queued",
    "queued": "queued",
    "sending": "queued",  # [assumed]
    "sent": "sent",
    "delivered": "delivered",
    "failed": "failed",
    "undelivered": "failed",  # [observed?]
    "scheduled": "scheduled",  # [vendor V6]
}

KINDS = {"sms": "sms", "mms": "mms", "call": "call"}

_CARRIER = {
    "21211": "The recipient's number is invalid",
    "21266": "The recipient's number is the same as the sender's",
    "21408": "Texts to this region are not enabled",
    "21606": "The sender's number cannot send texts",
    "21610": "The recipient has unsubscribed",
    "21612": "This sender cannot text this recipient",
    "30003": "The recipient's phone cannot be reached",
    "30004": "The message was blocked",
    "30005": "The recipient's phone is unknown",
    "30006": "The recipient has a landline or an unreachable carrier",
    "30007": "The carrier filtered the message",
    "30008": "The message expired before it was delivered",
    "30009": "The carrier rejected the message",
}
_CODE = re.compile(r"(?<!\d)\d{5}(?!\d)")


def failure_reason(text: str) -> str:
    """Plain words for the vendor's reason: "21610 …" -> "The recipient has unsubscribed (21610).".
    What holds no code that we know is shown as it is."""
    for code in _CODE.findall(text):
        if code in _CARRIER:
            return f"{_CARRIER[code]} ({code})."
    return text
