"""Edits of contacts and conversations: queue, push to Salesmsg, and the page to resolve conflicts."""
