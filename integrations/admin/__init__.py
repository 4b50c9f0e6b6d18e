"""The admin panel: one small module per model."""

from . import account, audit, bulk, change, contact, conversation, message, parts, reply, site, sync, webhook

__all__ = ["account", "audit", "bulk", "change", "contact", "conversation", "message", "parts", "reply", "site"]
__all__ += ["sync", "webhook"]
