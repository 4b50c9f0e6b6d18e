"""Which files get a row, which are due, and what changes a row."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from integrations.attachments import request
from integrations.models import Attachment, Conversation, Message

pytestmark = pytest.mark.django_db
URL = "https://files.example.com/7.jpg"
OLD = timedelta(days=30)


def queued() -> int:
    return sum(row.func() == "integrations.tasks.fetch_picture" for row in OrmQ.objects.all())


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_new_picture_is_due_at_once(bring, committed):
    with committed():
        bring(7, [URL, URL + "?second"])
    rows = Attachment.objects.order_by("position")
    assert [(row.position, row.url, row.state) for row in rows] == [
        (0, URL, "waiting"),
        (1, URL + "?second", "waiting"),
    ]
    assert all(row.due_at <= timezone.now() for row in rows)
    assert queued() == 2


def test_many_pictures_are_a_few_wakes(bring, committed):
    with committed():
        bring(7, [f"https://files.example.com/{place}.jpg" for place in range(9)])
    assert (Attachment.objects.count(), queued()) == (9, 2)


def test_history_waits_until_somebody_looks(bring, committed, thread):
    with committed():
        message = bring(7, [URL], OLD)
    row = Attachment.objects.get()
    assert (row.state, row.due_at, queued()) == ("waiting", None, 0)
    assert list(request.due_attachments()) == []
    with committed():
        request.request_files(thread.pk, [message.pk])
    row.refresh_from_db()
    assert row.due_at <= timezone.now()
    assert queued() == 1


def test_messages_from_before_this_was_built_get_their_rows_when_looked_at(bring, committed, thread):
    message = bring(7, [URL], OLD)
    Attachment.objects.all().delete()
    with committed():
        request.request_files(thread.pk, [message.pk])
    assert Attachment.objects.get().due_at is not None
    assert queued() == 1


def test_unread_news_is_fetched_however_old(bring, thread):
    Conversation.objects.filter(pk=thread.pk).update(unread_at_vendor=1)
    thread.refresh_from_db()
    bring(7, [URL], OLD)
    assert Attachment.objects.get().due_at is not None


def test_a_page_without_files_asks_nothing(bring, django_assert_num_queries, thread):
    from integrations import mirror

    message = bring(7, [])
    with django_assert_num_queries(0):
        mirror.keep_attachments([message])


def test_the_same_page_again_changes_nothing(bring):
    bring(7, [URL])
    Attachment.objects.update(state="stored", file="pictures/x", due_at=None)
    bring(7, [URL])
    bring(7, [URL], body="Other words")
    assert Attachment.objects.get().state == "stored"


def test_busy_then_done(bring):
    """The event comes twice: at first without the picture."""
    bring(7, [], mms_status="busy")
    assert not Attachment.objects.exists()
    bring(7, [URL], mms_status="done")
    assert Attachment.objects.get().state == "waiting"


def test_busy_with_an_entry_that_has_no_address_yet(bring):
    bring(7, [""], mms_status="busy")
    assert not Attachment.objects.exists()
    bring(7, [URL], mms_status="done")
    assert Attachment.objects.get().url == URL


def test_another_address_is_another_file(bring):
    bring(7, [URL], OLD)
    Attachment.objects.update(
        state="lost", reason="gone", attempts=5, due_at=None, file="pictures/x", fetched_at=timezone.now()
    )
    bring(7, ["https://files.example.com/other.jpg"], OLD)
    row = Attachment.objects.get()
    assert (row.state, row.reason, row.attempts, row.file.name) == ("waiting", "", 0, "pictures/x")
    assert row.due_at is not None


@pytest.mark.parametrize(
    ("before", "state", "after", "fetched_again"),
    [
        (URL + "?signature=a", "stored", URL + "?signature=b", False),
        (URL + "?signature=a", "lost", URL + "?signature=b", True),
        ("https://files.example.com/get?file=a", "stored", "https://files.example.com/get?file=b", True),
        (URL, "stored", "https://elsewhere.example.com/7.jpg", True),
    ],
)
def test_a_fresh_signature_is_no_other_file(bring, before, state, after, fetched_again):
    bring(7, [before])
    Attachment.objects.update(state=state, file="pictures/x", due_at=None)
    bring(7, [after])
    assert (Attachment.objects.get().state == "waiting") is fetched_again


def test_what_is_gone_is_forgotten(bring):
    bring(7, [URL, URL + "2"])
    bring(7, [URL])
    assert Attachment.objects.get().position == 0


def test_a_deleted_message_takes_its_rows_along(bring):
    bring(7, [URL])
    Message.objects.all().delete()
    assert not Attachment.objects.exists()


def test_the_sweep_finds_what_was_not_woken(bring, committed):
    bring(7, [URL])
    with committed():
        assert request.wake_due() == 1
    assert queued() == 1


def test_the_sweep_leaves_what_is_under_way_or_asleep(bring):
    bring(7, [URL])
    Attachment.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    bring(8, [URL], OLD)
    assert request.wake_due() == 0
