"""The admin panel: one small module per model."""

from . import account, audit, change, contact, conversation, message, parts, site, sync, webhook

__all__ = ["account", "audit", "change", "contact", "conversation", "message", "parts", "site", "sync", "webhook"]
