"""Outgoing texts: compose, deliver, dispatch and schedule. Start with `compose`; the outbox page lists the queue."""
