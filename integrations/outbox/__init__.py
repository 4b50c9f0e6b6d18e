"""Texts: compose, claim and deliver, dispatch, schedule. Begin with `compose`; the outbox page shows what waits."""
