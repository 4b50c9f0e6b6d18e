"""The vendor's words and ours: one table each (salesmsg-api.md, sections 6.3 and 8)."""

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
