"""Background activity after a text is sent: delivery, pictures and replies.

Section 11, "delivery": created -> queued -> sent -> delivered after seconds, some failed.
"""

import heapq
import itertools
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable

from .dialogues import ANSWERS
from .model import File, Message, now
from .options import Switches
from .state import Store

UNREACHABLE_MEDIA = "11200: the picture could not be download"
MEDIA_TIMEOUT = 10
LARGEST_MEDIA = 16 * 1024 * 1024
REPLYING_SHARE = 65  # percent of contacts that reply automatically


def download(url: str) -> File | None:
    """Download a file. Return None if it cannot be downloaded."""
    if not url.startswith(("http://", "https://")):
        return None
    try:
        with urllib.request.urlopen(url, timeout=MEDIA_TIMEOUT) as answer:  # noqa: S310 - checked above
            body = answer.read(LARGEST_MEDIA + 1)
            return File(answer.headers.get_content_type(), body) if len(body) <= LARGEST_MEDIA else None
    except (OSError, ValueError):
        return None


class Life:
    """Runs delayed actions in one daemon thread."""

    def __init__(self, store: Store, switches: Switches):
        self.store = store
        self.switches = switches
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._turn = itertools.count()
        self._wake = threading.Condition()

    def start(self) -> None:
        threading.Thread(target=self._run, name="life", daemon=True).start()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._turn), action))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._wake.wait(self._due[0][0] - time.monotonic() if self._due else None)
                action = heapq.heappop(self._due)[2]
            with self.store.lock:
                action()

    # -- sent texts -----------------------------------------------------------------------------------------

    def sent(self, message: Message, media_urls: list[str], number: int) -> None:
        """Handle an accepted text. ``number`` counts them."""
        if message.status == "scheduled":
            wait = max(0.0, (message.send_at - now()).total_seconds())
            self.later(wait, lambda: self._deliver(message, media_urls, number))
        else:
            self._deliver(message, media_urls, number)

    def _deliver(self, message: Message, media_urls: list[str], number: int) -> None:
        pace = self.switches.delivery_delay
        step = (1 + zlib.crc32(str(number).encode()) % 20 / 10) * pace
        reason = self.store.will_fail(number) if self.switches.failures else None
        if message.status == "scheduled":
            self.store.advance(message, "queued")
        self.later(step, lambda: self.store.advance(message, "sent"))
        if media_urls:
            threading.Thread(target=self._fetch, args=(message, media_urls, step * 1.5), daemon=True).start()
        if reason:
            self.later(step * 2, lambda: self.store.advance(message, "failed", reason))
            return
        self.later(step * 2, lambda: self.store.advance(message, "delivered"))
        self.later(step * 2 + 3 * pace, lambda: self._answer(message))

    def _fetch(self, message: Message, media_urls: list[str], pause: float) -> None:
        """Download the pictures of a text. The text fails if one cannot be downloaded."""
        files = [download(url) for url in media_urls]
        if None in files:
            self.later(pause, lambda: self.store.advance(message, "failed", UNREACHABLE_MEDIA))
        else:
            self.later(pause, lambda: self.store.attach(message, files))

    def _answer(self, message: Message) -> None:
        """Reply for some contacts, if the text is still the newest and the contact has not opted out."""
        contact = self.store.world.contacts.get(message.contact_id)
        thread = self.store.world.conversations.get(message.conversation_id)
        if not self.switches.auto_replies or contact is None or thread is None or thread.messages[-1] is not message:
            return
        if contact.opt_out or contact.is_blocked or zlib.crc32(contact.number.encode()) % 100 >= REPLYING_SHARE:
            return
        text = message.text.casefold()
        choices = next(answers for words, answers in ANSWERS if any(word in text for word in words))
        self.store.receive(contact, choices[message.id % len(choices)], team_id=thread.team_id)

    # -- received pictures ----------------------------------------------------------------------------------

    def picture(self, message: Message) -> None:
        """Announce a message again once its picture is ready (section 6.3)."""
        self.later(1.0 * self.switches.delivery_delay, lambda: self.store.attach(message, [None]))
