"""Runs beside a portal, in its environment: lines `[name, arguments …]` of JSON in, answers out.

Each command is one of the functions below. It never calls Salesmsg itself: that is the workers' part.
"""

import json
import sys
import uuid
from collections import Counter
from typing import Any

COPIED: set[int] = set()  # rows of the queue that were copied already, or are copies
KEPT: list[tuple[str, str]] = []  # what was copied, to be delivered once more at the end


def threads() -> list[int]:
    """Conversations that may be texted."""
    from integrations.models import Conversation

    found = Conversation.objects.filter(
        contact__opted_out=False, contact__blocked=False, closed_at=None, vendor_id__isnull=False
    )
    return [row.pk for row in found.select_related("contact") if not row.contact.why_not_textable]


def write(texts: list[tuple[int, str]]) -> int:
    """Queues texts into conversations, as the inbox does."""
    from integrations.models import Conversation
    from integrations.outbox import compose

    for pk, text in texts:
        conversation = Conversation.objects.select_related("account", "contact").get(pk=pk)
        compose.queue_reply(None, conversation, text, uuid.uuid4())
    return len(texts)


def under_way() -> int:
    """Texts of ours whose outcome is still open."""
    from integrations.models import Message

    return Message.objects.filter(client_uuid__isnull=False, state__in=["queued", "sending", "unknown"]).count()


def states() -> dict[str, int]:
    """How many of our texts are in which state."""
    from integrations.models import Message

    return dict(Counter(Message.objects.filter(client_uuid__isnull=False).values_list("state", flat=True)))


def doubts() -> tuple[int, int]:
    """Texts that were unknown once, and how many of them are now known."""
    from integrations.models import Attempt, Message

    once = Message.objects.filter(attempts__outcome=Attempt.Outcome.UNCLEAR).distinct()
    return once.count(), once.exclude(state=Message.State.UNKNOWN).count()


def backfill() -> int:
    """Everything is to be read again; the run that does so."""
    from integrations.models import Account
    from integrations.sync import request

    return request.start_full(Account.objects.get()).pk


def nudge(times: int) -> int:
    """The task that sends what is due, so many times."""
    from integrations import jobs
    from integrations.models import Account
    from integrations.outbox.compose import SEND

    for _ in range(times):
        jobs.enqueue(SEND, Account.objects.get().pk, urgent=True)
    return times


def redeliver() -> int:
    """Copies of all rows of the queue, due now: each of those tasks is delivered twice. How many."""
    found = [row for row in _queue().objects.all() if row.pk not in COPIED]
    KEPT.extend((row.key, row.payload) for row in found)
    COPIED.update(row.pk for row in found)
    return _insert([(row.key, row.payload) for row in found])


def redeliver_all() -> int:
    """What was copied comes once more, after its work was done. How many."""
    return _insert(KEPT)


def waiting() -> int:
    """Rows of the queue that are due."""
    from django.utils import timezone

    return _queue().objects.filter(lock__lte=timezone.now()).count()


def _queue() -> Any:
    from django_q.models import OrmQ

    return OrmQ


def _insert(rows: list[tuple[str, str]]) -> int:
    from django.utils import timezone

    for key, payload in rows:
        COPIED.add(_queue().objects.create(key=key, payload=payload, lock=timezone.now()).pk)
    return len(rows)


COMMANDS = {
    command.__name__: command
    for command in (threads, write, under_way, states, doubts, backfill, nudge, redeliver, redeliver_all, waiting)
}


def main() -> None:
    """The program."""
    import django

    django.setup()
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)


if __name__ == "__main__":
    main()
