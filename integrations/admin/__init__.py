"""The admin panel: one small module per model."""

from . import account, audit, bulk, change, consent, contact, conversation, message, parts, reply, site, sync, webhook

__all__ = ["account", "audit", "bulk", "change", "consent", "contact", "conversation", "message", "parts", "reply"]
__all__ += ["site", "sync", "webhook"]
