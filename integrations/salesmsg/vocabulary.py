"""Maps the vendor's terms to the portal's (salesmsg-api.md, sections 6.3 and 8)."""

# An unknown status means "in progress", never an error.
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
