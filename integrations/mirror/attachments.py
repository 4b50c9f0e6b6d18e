"""The files of messages: a row for each, which is the job of fetching it. Nothing is fetched here."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from .. import jobs
from ..models import Attachment, Message

FETCH = "integrations.tasks.fetch_picture"
AT_ONCE = 2  # nudges; whoever has fetched one goes on with what else is due
FETCHED_AT_ONCE = timedelta(days=7)  # what is older, and no news, waits until somebody opens that part of its thread
MOST = 20  # files of one message
State = Attachment.State


def keep_attachments(messages: Iterable[Message], *, now_please: bool = False) -> None:
    """Writes what these messages' media ask for: new files get a row, a file with another address is fetched again
    (a picture is told twice, at first without its address), and what is gone is forgotten. `now_please`: whatever
    their age. One statement for all; none where there are no files. Inside a transaction."""
    found = {message.pk: message for message in messages if message.media}
    if not found:
        return
    known = {(row.message_id, row.position): row for row in Attachment.objects.filter(message__in=found)}
    now = timezone.now()
    rows = []
    for message in found.values():
        for position, medium in enumerate(message.media[:MOST]):
            url, old = medium.get("url") or "", known.get((message.pk, position))
            if not url or (old is not None and _same(old, url)):
                continue
            due = now_please or message.is_news or message.at > now - FETCHED_AT_ONCE or bool(old and old.fetched_at)
            rows.append(Attachment(message=message, position=position, url=url, due_at=now if due else None))
    Attachment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["message", "position"],
        update_fields=["url", "state", "reason", "attempts", "due_at"],
    )
    gone = [row.pk for (pk, position), row in known.items() if position >= len(found[pk].media)]
    if gone:
        Attachment.objects.filter(pk__in=gone).delete()
    wake([row.pk for row in rows if row.due_at is not None])


def wake(picture_ids: list[int]) -> None:
    """The first few are asked for, the last one first; the others follow them."""
    for pk in picture_ids[: -AT_ONCE - 1 : -1]:
        jobs.enqueue(FETCH, pk, keep=False)


def _same(old: Attachment, url: str) -> bool:
    """Whether this address brings nothing new: the same one, or that of a file we have with a fresh signature."""
    if old.url == url:
        return True
    try:
        before, after = urlsplit(old.url), urlsplit(url)
    except ValueError:
        return False
    named = "." in after.path.rpartition("/")[2]
    return old.state == State.STORED and named and before[:3] == after[:3]
