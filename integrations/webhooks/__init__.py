"""Webhooks: store each event, answer at once, process it later."""
