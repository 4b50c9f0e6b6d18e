"""Rows for the files of messages. Each row is a fetch job; nothing is fetched here."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from .. import jobs
from ..models import Attachment, Message
from ..models.reason import REASON_COLUMNS

FETCH = "integrations.tasks.fetch_picture"
AT_ONCE = 2  # fetch tasks to enqueue; a finished task continues with other due files
FETCHED_AT_ONCE = timedelta(days=7)  # older files wait until a user opens that part of the thread
MOST = 20  # maximum files of one message
State = Attachment.State


def keep_attachments(messages: Iterable[Message], *, fetch_now: bool = False) -> None:
    """Create or update the rows for these messages' media, in one statement. Call it inside a transaction.

    New files get a row, a file with a new address is fetched again (a picture is reported twice, at first without its
    address), and rows of removed files are deleted. fetch_now: fetch regardless of age.
    """
    with_media = {message.pk: message for message in messages if message.media}
    if not with_media:
        return
    known = {(row.message_id, row.position): row for row in Attachment.objects.filter(message__in=with_media)}
    now = timezone.now()
    rows = []
    for message in with_media.values():
        for position, medium in enumerate(message.media[:MOST]):
            url, old = medium.get("url") or "", known.get((message.pk, position))
            if not url or (old is not None and _same(old, url)):
                continue
            due = fetch_now or message.is_news or message.at > now - FETCHED_AT_ONCE or bool(old and old.fetched_at)
            rows.append(Attachment(message=message, position=position, url=url, due_at=now if due else None))
    Attachment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["message", "position"],
        update_fields=["url", "state", *REASON_COLUMNS, "attempts", "due_at"],
    )
    gone = [row.pk for (pk, position), row in known.items() if position >= len(with_media[pk].media)]
    if gone:
        Attachment.objects.filter(pk__in=gone).delete()
    wake([row.pk for row in rows if row.due_at is not None])


def wake(picture_ids: list[int]) -> None:
    """Enqueue fetch tasks for the first few, the last one first; the tasks continue with the others."""
    for pk in picture_ids[: -AT_ONCE - 1 : -1]:
        jobs.enqueue(FETCH, pk, keep=False)


def _same(old: Attachment, url: str) -> bool:
    """Return whether this address is the same, or that of a stored file with a new signature."""
    if old.url == url:
        return True
    try:
        before, after = urlsplit(old.url), urlsplit(url)
    except ValueError:
        return False
    named = "." in after.path.rpartition("/")[2]
    return old.state == State.STORED and named and before[:3] == after[:3]
