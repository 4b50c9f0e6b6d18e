"""Statistics of received calls, for ``GET /sandbox/state``."""

import threading
import time
from collections import Counter


class Journal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self.requests = 0
            self.by_endpoint: Counter[str] = Counter()
            self.status: Counter[str] = Counter()
            self.too_many = 0
            self.messages: list[tuple[int, float]] = []  # ID and time of receipt (Unix time)
            self.edits: list[dict] = []
            self.webhooks = Counter(sent=0, failed=0)

    def received(self, endpoint: str) -> None:
        with self._lock:
            self.requests += 1
            self.by_endpoint[endpoint] += 1

    def answered(self, status: int | str) -> None:
        with self._lock:
            self.status[str(status)] += 1
            self.too_many += status == 429

    def sent(self, message_id: int) -> None:
        """Record a text sent through the API."""
        with self._lock:
            self.messages.append((message_id, time.time()))

    def edited(self, entry: dict) -> None:
        with self._lock:
            self.edits.append(entry)

    def webhook(self, outcome: str) -> None:
        with self._lock:
            self.webhooks[outcome] += 1

    def report(self) -> dict:
        with self._lock:
            return {
                "requests": self.requests,
                "by_endpoint": dict(sorted(self.by_endpoint.items())),
                "status": dict(sorted(self.status.items())),
                "too_many": self.too_many,
                "contacts_edited": list(self.edits),
                "webhooks": dict(self.webhooks),
            }

    def sent_messages(self) -> list[tuple[int, float]]:
        with self._lock:
            return list(self.messages)
