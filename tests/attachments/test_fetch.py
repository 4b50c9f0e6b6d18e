"""Fetching a file: what is kept, what is not, and what happens when it breaks off."""

from datetime import timedelta

import pytest
from django.conf import settings as site
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from integrations import gateway, tasks
from integrations.attachments import fetch, files, request
from integrations.attachments.fetch import PAUSES, TRIES
from integrations.models import Attachment, BudgetCall, Conversation, Message

from .conftest import kept_files, png

pytestmark = pytest.mark.django_db(transaction=True)


def due_again(picture: Attachment) -> None:
    Attachment.objects.filter(pk=picture.pk).update(due_at=timezone.now())


def test_a_picture_is_stored(picture, server, thread):
    server.will(body=png(36, 24), headers={"Content-Type": "application/octet-stream"})
    before = Conversation.objects.get(pk=thread.pk).version
    assert tasks.fetch_picture(picture.pk) == "stored"
    picture.refresh_from_db()
    assert (picture.state, picture.content_type, picture.width, picture.height) == ("stored", "image/png", 36, 24)
    assert (picture.size, picture.due_at, picture.attempts) == (len(png(36, 24)), None, 1)
    assert picture.file.read() == png(36, 24)
    assert Conversation.objects.get(pk=thread.pk).version == before + 1, "open threads learn it"
    assert "Authorization" not in server.last.headers
    assert not BudgetCall.objects.exists()
    assert tasks.fetch_picture(picture.pk) == "taken"
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "image/jpeg"),
    ],
)
def test_what_is_told_to_be_a_picture_and_is_none(picture, server, body, told):
    server.will(body=body, headers={"Content-Type": told})
    assert tasks.fetch_picture(picture.pk) == "refused"
    picture.refresh_from_db()
    assert (picture.state, picture.due_at) == ("refused", None)
    assert picture.reason_code == "file_kind_not_kept"
    assert kept_files() == []


def test_too_large(picture, server, settings):
    settings.SALESMSG_PICTURE_LARGEST = 100
    server.will(body=png(50, 50), chunked=True)
    assert tasks.fetch_picture(picture.pk) == "refused"
    picture.refresh_from_db()
    assert "larger than 100" in picture.reason.text
    assert kept_files() == []


def test_an_address_in_our_own_network(picture, server):
    server.will(302, b"", headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    assert tasks.fetch_picture(picture.pk) == "refused"
    picture.refresh_from_db()
    assert picture.reason_code == "file_unsafe_address"
    assert "169.254" not in picture.reason.text


def test_trouble_is_tried_again_later_and_later_and_then_given_up(picture, server, monkeypatch):
    server.will(500, b"trouble")
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # no pause ends while the test checks it
    for pause in PAUSES:
        assert tasks.fetch_picture(picture.pk) == "failed"
        picture.refresh_from_db()
        assert timedelta(seconds=pause * 0.7) < picture.due_at - now <= timedelta(seconds=pause)
        assert picture.state == "waiting"
        assert tasks.fetch_picture(picture.pk) == "taken", "before its time"
        due_again(picture)
    assert tasks.fetch_picture(picture.pk) == "lost"
    picture.refresh_from_db()
    assert (picture.state, picture.due_at, len(server.seen)) == ("lost", None, TRIES)
    assert picture.reason_code == "file_server_failed"


def test_a_person_may_try_once_more(picture, server):
    server.will(404, b"gone").will(body=png())
    Attachment.objects.update(attempts=TRIES - 1)
    assert tasks.fetch_picture(picture.pk) == "lost"
    picture.refresh_from_db()
    assert picture.reason_code == "file_gone"
    assert request.request_again(picture)
    assert not request.request_again(picture), "asked for already"
    assert tasks.fetch_picture(picture.pk) == "stored"


def test_a_worker_that_dies_between_claim_and_store(picture, server, monkeypatch):
    """Killed at the worst place: the file is written, its row is not."""

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    server.will(body=png())
    with monkeypatch.context() as patched:
        patched.setattr(fetch.mirror, "lock_thread", die)
        with pytest.raises(Killed):
            fetch.fetch_attachment(picture.pk)
    assert len(kept_files()) == 1
    assert Attachment.objects.get().state == "waiting"
    assert tasks.fetch_picture(picture.pk) == "later", "the claim is respected"
    due_again(picture)  # the lease has run out
    assert tasks.fetch_picture(picture.pk) == "stored"
    orphans = set(kept_files()) - {Attachment.objects.get().file.name}
    assert len(orphans) == 1
    assert files.prune_orphans(turn=0) == 0, "too young to be sure"
    monkeypatch.setattr(files, "YOUNG", timedelta(seconds=-1))
    assert files.prune_orphans(turn=0) == 1
    assert kept_files() == [Attachment.objects.get().file.name]


def test_a_file_that_kills_every_worker_is_given_up(picture, server):
    Attachment.objects.update(attempts=TRIES)
    assert tasks.fetch_picture(picture.pk) == "lost"
    assert server.seen == []


def test_told_anew_while_it_is_fetched(picture, server, bring, monkeypatch):
    """The later word wins, and leaves no file behind."""
    server.will(body=png(10, 10)).will(body=png(20, 20))
    real = fetch.gateway.file_of

    def meanwhile(*args):
        body = real(*args)
        monkeypatch.setattr(fetch.gateway, "file_of", real)
        bring(7, [f"{server.url}/f/better.jpg"])
        return body

    monkeypatch.setattr(fetch.gateway, "file_of", meanwhile)
    assert tasks.fetch_picture(picture.pk) == "overtaken"
    assert kept_files() == []
    assert tasks.fetch_picture(picture.pk) == "stored"
    assert Attachment.objects.get().width == 20


def test_a_stored_file_is_replaced(picture, server, bring):
    server.will(body=png(10, 10)).will(body=png(20, 20))
    tasks.fetch_picture(picture.pk)
    first = Attachment.objects.get().file.name
    bring(7, [f"{server.url}/f/better.jpg"])
    assert kept_files() == [first]
    assert tasks.fetch_picture(picture.pk) == "stored"
    assert Attachment.objects.get().file.name != first
    assert kept_files() == [Attachment.objects.get().file.name]


def test_deleted_messages_leave_no_file(picture, server, monkeypatch):
    server.will(body=png())
    tasks.fetch_picture(picture.pk)
    Message.objects.all().delete()
    monkeypatch.setattr(files, "YOUNG", timedelta(seconds=-1))
    assert files.prune_orphans(turn=0) == 1
    assert kept_files() == []
    assert files.prune_orphans(turn=0) == 0


def test_nothing_is_pruned_where_nothing_is(db):
    assert files.prune_orphans() == 0


def test_few_are_fetched_at_the_same_time(picture, server, bring, settings):
    settings.QUEUE_WORKERS = 3
    other = bring(8, [f"{server.url}/f/8.jpg"]).attachments.get()
    Attachment.objects.filter(pk=other.pk).update(due_at=timezone.now() + timedelta(minutes=1))  # a worker has it
    server.will(body=png())
    assert tasks.fetch_picture(picture.pk) == "later"
    assert server.seen == []
    settings.QUEUE_WORKERS = 4
    assert tasks.fetch_picture(picture.pk) == "stored"


def test_one_that_waits_for_another_try_takes_no_place(picture, server, bring):
    server.will(500, b"").will(body=png())
    assert tasks.fetch_picture(picture.pk) == "failed"
    assert tasks.fetch_picture(bring(8, [f"{server.url}/f/8.jpg"]).attachments.get().pk) == "stored"


def test_a_full_disk_is_trouble_of_ours(picture, server, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    server.will(body=png())
    assert tasks.fetch_picture(picture.pk) == "failed"
    picture.refresh_from_db()
    assert picture.reason_code == "file_not_written"


def test_nothing_is_fetched_inside_a_transaction(picture, server, account):
    server.will(body=png())
    with transaction.atomic(), pytest.raises(RuntimeError, match="commit first"):
        gateway.file_of(account.pk, picture.url)
    assert server.seen == []


@pytest.mark.parametrize("path", ["/pub/v2.2/files/1", "/api/v4/files/1"])
def test_a_file_of_the_api_itself_is_counted(bring, server, path):
    server.will(body=png())
    row = bring(9, [server.url + path]).attachments.get()
    assert tasks.fetch_picture(row.pk) == "stored"
    assert BudgetCall.objects.get().lane == "sync"
    assert "Authorization" not in server.last.headers


def test_no_place_in_the_budget_is_no_failed_try(bring, server, settings):
    settings.SALESMSG_RATE_LIMIT, settings.SALESMSG_RATE_PERIOD = 1, 60.0
    server.will(body=png())
    rows = [bring(key, [f"{server.url}/pub/v2.2/files/{key}"]).attachments.get() for key in (8, 9)]
    outcomes = [tasks.fetch_picture(row.pk) for row in rows]
    assert outcomes[-1] == "later"
    row = Attachment.objects.get(pk=rows[-1].pk)
    assert (row.state, row.attempts) == ("waiting", 0)
    assert row.due_at > timezone.now()


def test_files_are_not_for_every_user_of_the_machine(picture, server, folder):
    server.will(body=png())
    tasks.fetch_picture(picture.pk)
    path = folder / Attachment.objects.get().file.name
    assert path.stat().st_mode & 0o007 == 0
    assert site.MEDIA_URL in ("", "/"), "no address leads to the folder"
