"""Receive: keep what Salesmsg sends, answer at once, work later."""
