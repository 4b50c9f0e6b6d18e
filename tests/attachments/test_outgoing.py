"""Pictures that staff send: what is taken, how it is kept, and from where Salesmsg gets it."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from integrations import mirror
from integrations.attachments import files
from integrations.models import Attachment, Message
from integrations.outbox import compose, media_urls, reconcile
from integrations.outbox.compose import CannotSend
from tests import factories
from tests.inbox import pages
from tests.mirror import vendor_records

from .conftest import kept_files, png
from .pictures import SECRET, drawn, encoded, exif, gif_with, jpeg_with, opened

pytestmark = pytest.mark.django_db


def picture(name: str = "cat.png", body: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, png() if body is None else body, "image/png")


def send(browser, thread, *pictures, text="Look", form=None, **headers):
    data = {"client_uuid": form or uuid.uuid4(), "text": text, "pictures": list(pictures)}
    return browser.post(reverse("inbox:send", args=[thread.pk]), data, headers=headers)


@pytest.fixture
def browser(client, ada):
    client.force_login(ada)
    return client


@pytest.fixture
def sent(browser, thread) -> Message:
    """A text with two pictures."""
    send(browser, thread, picture(), picture("b.gif", encoded(drawn("P", (2, 2)), "GIF")))
    return Message.objects.get()


def address_of(one: Attachment) -> str:
    return media_urls.signed_urls(one.message)[one.position].removeprefix("http://localhost:8000")


def test_a_text_with_pictures(sent, browser, thread):
    assert (sent.kind, sent.text, sent.state) == ("mms", "Look", "queued")
    rows = list(sent.attachments.order_by("position").values_list("content_type", "width", "height", "state", "ours"))
    assert rows == [("image/png", 36, 24, "stored", True), ("image/gif", 2, 2, "stored", True)]
    page = browser.get(reverse("inbox:thread", args=[thread.pk]))
    assert [values["src"].split("?")[0] for tag, values in pages.read(page).tags if tag == "img"] == [
        reverse("attachments:file", args=[sent.pk, position]) for position in (0, 1)
    ]


def test_a_picture_alone(browser, thread):
    assert send(browser, thread, picture(), text=" ").status_code == 302
    thread.refresh_from_db()
    assert (Message.objects.get().text, thread.latest_text, thread.latest_kind) == ("", "", "picture")


def test_the_same_form_twice_is_one_message(browser, thread):
    form = uuid.uuid4()
    for _ in range(2):
        assert send(browser, thread, picture(), form=form).status_code == 302
    assert (Message.objects.count(), Attachment.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        ([picture(body=b"<svg xmlns='http://www.w3.org/2000/svg'/>")], "“cat.png” cannot be sent"),
        ([picture(body=b"RIFF\0\0\0\0WEBPVP8 ")], "cannot be sent"),
        ([picture(body=b"%PDF-1.7")], "cannot be sent"),
        ([picture(body=b"\x89PNG\r\n\x1a\n")], "cannot be sent"),
        ([picture(body=png()[:-30])], "cannot be sent"),
        ([picture(body=jpeg_with(exif=exif())[:-90])], "cannot be sent"),
        ([picture("b.gif", gif_with()[:-9])], "“b.gif” cannot be sent"),
        ([picture("big.gif", gif_with()[:6] + b"\xff\xff" * 2 + gif_with()[10:])], "“big.gif” has too many pixels"),
        ([picture() for _ in range(4)], "A text can contain at most 3 pictures"),
        ([picture(body=png() + b"x" * 40_000) for _ in range(2)], "exceed 50.0 KB in total".replace(".0", "")),
    ],
)
def test_what_is_not_taken_says_why_and_keeps_the_text(browser, thread, settings, pictures, words):
    settings.SALESMSG_SEND_BYTES = 50 * 1024
    for one in pictures:
        one.seek(0)
    response = send(browser, thread, *pictures, text="Look at this")
    text = pages.text(response).replace("\xa0", " ")
    assert response.status_code == 422
    assert words in text and "Choose them again" in text
    assert "Look at this" in response.content.decode()
    assert not Message.objects.exists() and not kept_files()


def test_the_stored_file_is_the_rewritten_one(browser, thread):
    bodies = [jpeg_with(exif=exif(6)), encoded(drawn(), "PNG", exif=exif(8)), gif_with(comment=SECRET)]
    assert send(browser, thread, *(picture(body=body) for body in bodies)).status_code == 302
    rows = Attachment.objects.order_by("position")
    assert [(row.content_type, row.width, row.height) for row in rows] == [
        ("image/jpeg", 64, 96), ("image/png", 64, 96), ("image/gif", 40, 30),
    ]  # fmt: skip
    for row in rows:
        stored = row.file.read()
        assert (row.size, (row.width, row.height)) == (len(stored), opened(stored).size)
        assert SECRET not in stored


def test_pictures_share_the_bytes_they_are_allowed(browser, thread, settings):
    """One that gets larger takes what another leaves free; the sum never exceeds the limit."""
    noise = encoded(Image.effect_noise((150, 150), 90), "JPEG", quality=60, optimize=True)
    telling = jpeg_with(after=SECRET * 200)
    settings.SALESMSG_SEND_BYTES = len(noise) + len(telling)
    assert send(browser, thread, picture(body=telling), picture(body=noise)).status_code == 302
    sizes = list(Attachment.objects.order_by("position").values_list("size", flat=True))
    assert sizes[0] < len(telling) and sizes[1] > len(noise)
    assert sum(sizes) <= settings.SALESMSG_SEND_BYTES


def test_an_upload_beyond_the_bound_is_not_kept_while_it_is_read(browser, thread, settings):
    settings.SALESMSG_SEND_BYTES = 10_000
    response = send(browser, thread, picture(body=png() + b"x" * 400_000), **{"HX-Request": "true"})
    assert response.status_code == 422 and response.wsgi_request.cut_off
    assert sum(file.size for file in response.wsgi_request.FILES.values()) < 200_000
    assert "exceed" in pages.text(response)


def test_an_empty_file_is_no_picture(browser, thread):
    assert send(browser, thread, picture(body=b"")).status_code == 422


def test_pictures_are_not_scheduled(browser, thread):
    data = {"client_uuid": uuid.uuid4(), "text": "Later", "pictures": [picture()], "when": "2099-01-01T09:00"}
    response = browser.post(reverse("inbox:later", args=[thread.pk]), data)
    assert response.status_code == 422
    assert "Pictures cannot be scheduled" in pages.text(response) and not Message.objects.exists()


def test_a_text_too_long_to_go_in_an_address(browser, thread):
    response = send(browser, thread, picture(), text="Ж" * 900)
    assert response.status_code == 422 and "too long to send with pictures" in pages.text(response)


def test_salesmsg_gets_them_without_a_session(sent, client):
    client.logout()
    first, second = sent.attachments.order_by("position")
    for one in (first, second):
        response = client.get(address_of(one))
        assert response["Content-Type"] == one.content_type and response["X-Content-Type-Options"] == "nosniff"
        assert b"".join(response.streaming_content) == one.file.read()
    assert client.head(address_of(first)).status_code == 200


def test_nobody_else_gets_them(sent, client, thread, bring, monkeypatch):
    client.logout()
    one = sent.attachments.first()
    address = address_of(one)
    assert client.get(address[:-1] + ("A" if address[-1] != "A" else "B")).status_code == 404
    assert client.get(f"/p/{one.pk}").status_code == 404
    assert client.post(address).status_code == 405
    Message.objects.update(state="cancelled")
    assert client.get(address).status_code == 404
    Message.objects.update(state="sent")
    Attachment.objects.update(ours=False)  # one of theirs
    assert client.get(address).status_code == 404
    Attachment.objects.update(ours=True)
    assert client.get(address).status_code == 200
    a_day_on = __import__("time").time() + 86_500
    monkeypatch.setattr("django.core.signing.time.time", lambda: a_day_on)
    assert client.get(address).status_code == 404


def test_salesmsgs_copy_changes_nothing_about_our_pictures(sent, thread):
    copy = vendor_records.message(7, conversation_id=thread.vendor_id, type="mms", status="sent", body="Look",
                        media=[{"id": 70, "source": "https://media.example.com/f/70.png"}])  # fmt: skip
    before = list(sent.attachments.order_by("position").values())
    mirror.adopt(sent, copy)
    mirror.upsert_messages(thread, [copy])
    sent.refresh_from_db()
    assert (sent.vendor_id, sent.kind, len(sent.media)) == (7, "mms", 2)
    assert list(sent.attachments.order_by("position").values()) == before
    assert Message.objects.count() == 1


def test_a_copy_without_pictures_is_another_text(sent, thread):
    """A picture without words must not be taken for a call or a text without words."""
    Message.objects.update(text="", state="unknown", claimed_at=sent.created_at)
    at = f"{sent.created_at:%Y-%m-%d %H:%M:%S}"
    wire = {"conversation_id": thread.vendor_id, "status": "sent", "body": "", "user_id": 5, "created_at": at}
    mirror.upsert_messages(thread, [vendor_records.message(8, type="call", **wire)])
    sent.refresh_from_db()
    assert sent.vendor_id is None and reconcile.find_copies(sent) == []
    mirror.upsert_messages(thread, [vendor_records.message(9, type="mms", **wire)])
    sent.refresh_from_db()
    assert (sent.vendor_id, sent.carries_our_pictures) == (9, True)


def test_send_again_carries_them(sent, ada):
    Message.objects.update(state="failed", due_at=None)
    again = compose.resend_message(ada, sent)
    assert again.pk != sent.pk and again.kind == "mms"
    ours, theirs = (list(m.attachments.order_by("position").values_list("file", flat=True)) for m in (again, sent))
    assert ours == theirs
    assert files.prune_orphans(0) == 0


def test_what_cannot_be_written_sends_nothing(browser, thread, monkeypatch):
    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", full)
    response = send(browser, thread, picture(), text="Look")
    assert response.status_code == 422
    assert "could not save the pictures" in pages.text(response) and not Message.objects.exists()


def test_no_text_and_no_picture(ada, thread):
    with pytest.raises(CannotSend, match="Write a text first"):
        compose.queue_reply(ada, thread, " ", uuid.uuid4())


def test_a_machine_that_salesmsg_cannot_reach_says_so(browser, thread, settings):
    settings.PORTAL_URL, settings.SALESMSG_BASE_URL = "http://localhost:8000", "https://api.salesmessage.com"
    page = browser.get(reverse("inbox:thread", args=[thread.pk]))
    assert "PORTAL_URL is not a public address" in pages.text(page)
    settings.PORTAL_URL = "https://texts.example.com"
    page = browser.get(reverse("inbox:thread", args=[thread.pk]))
    assert "PORTAL_URL is not" not in pages.text(page)


def test_the_addresses_take_no_query_without_pictures(thread, django_assert_num_queries):
    plain = factories.message(thread, inbound=False)
    with django_assert_num_queries(0):
        assert media_urls.signed_urls(plain) == []
