"""What a thread shows of files: ours, never the vendor's address."""

from datetime import timedelta

import pytest
from django.urls import reverse

from integrations.models import Attachment, Message
from tests.inbox import pages

from .conftest import png, store

pytestmark = pytest.mark.django_db
OLD = timedelta(days=30)


@pytest.fixture
def browser(client, ada):
    client.force_login(ada)
    return client


def images(response) -> list[dict]:
    return [values for tag, values in pages.read(response).tags if tag == "img"]


def open_thread(browser, thread):
    return browser.get(reverse("inbox:thread", args=[thread.pk]))


def test_on_its_way_and_then_there(browser, thread, picture):
    response = open_thread(browser, thread)
    assert "Loading picture…" in pages.text(response)
    assert images(response) == []
    told = pages.state(response)
    store(picture, png(560, 1120))
    update = browser.get(reverse("inbox:thread-poll", args=[thread.pk]), told)
    [image] = images(update)
    picture.refresh_from_db()
    assert image["src"].startswith(reverse("attachments:file", args=[picture.message_id, 0]) + "?v=")
    assert (image["width"], image["height"]) == ("160", "320"), "its place is kept, scaled down"
    assert image["alt"].startswith("Picture from Dana Reyes")
    assert browser.get(image["src"]).status_code == 200


def test_nothing_leads_to_the_vendor(browser, thread, bring, server):
    message = bring(7, [f"{server.url}/f/{name}" for name in ("7.jpg", "7.pdf", "8.jpg", "9.svg", "10.jpg")])
    rows = message.attachments.order_by("position")
    store(rows[0], png())
    store(rows[1], b"%PDF-1.7")
    for row, state in zip(rows[2:4], ("lost", "refused"), strict=True):
        Attachment.objects.filter(pk=row.pk).update(state=state, vendor_reason="So it is.", due_at=None)
    response = open_thread(browser, thread)
    assert len(images(response)) == 1
    assert pages.text(response).count("So it is.") == 2
    assert server.url.encode() not in response.content
    policy = response["Content-Security-Policy"]
    assert "img-src 'self' blob:;" in policy
    assert "https:" not in policy.replace("https://app.salesmessage.com", "")


def test_a_pdf_is_a_download(browser, thread, bring, server):
    store(bring(7, [f"{server.url}/f/7.pdf"]).attachments.get(), b"%PDF-1.7" + b"x" * 3000)
    assert "Download PDF (2.9" in pages.text(open_thread(browser, thread))


def test_a_refused_file_says_why(browser, thread, picture):
    Attachment.objects.update(state="refused", vendor_reason="It is of no kind that is kept here.", due_at=None)
    words = pages.text(open_thread(browser, thread))
    assert "Picture not saved. “It is of no kind that is kept here" in words
    assert "Try again" not in words


def test_try_again_without_javascript(browser, thread, picture):
    Attachment.objects.update(state="lost", vendor_reason="It broke off.", attempts=5, due_at=None)
    response = open_thread(browser, thread)
    assert "The picture could not be loaded." in pages.text(response)
    again = reverse("inbox:fetch-again", args=[picture.message_id, 0])
    assert browser.get(again).status_code == 405
    response = browser.post(again, follow=True)
    assert "Loading picture…" in pages.text(response)
    store(picture, png())
    assert len(images(open_thread(browser, thread))) == 1


def test_try_again_with_htmx_draws_the_message_anew(browser, thread, picture):
    Attachment.objects.update(state="lost", vendor_reason="It is no longer where Salesmsg said it is.", due_at=None)
    told = pages.state(open_thread(browser, thread))
    again = reverse("inbox:fetch-again", args=[picture.message_id, 0])
    response = browser.post(again, told, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "Loading picture…" in pages.text(response)


def test_a_stored_picture_is_not_asked_for_again(browser, picture):
    store(picture, png())
    browser.post(reverse("inbox:fetch-again", args=[picture.message_id, 0]))
    picture.refresh_from_db()
    assert picture.state == "stored"


def test_opening_a_part_of_the_thread_asks_for_its_files(browser, thread, bring, server):
    """History costs nothing until a user opens it, and then only what they see."""
    for key in range(1, 91):
        age = OLD - timedelta(minutes=key)
        bring(key, [f"{server.url}/f/{key}.jpg"] if key in (3, 88) else [], age)
    assert not Attachment.objects.filter(due_at__isnull=False).exists()
    first = open_thread(browser, thread)
    assert [row.message.vendor_id for row in Attachment.objects.filter(due_at__isnull=False)] == [88]
    [older] = [values["hx-get"] for _, values in pages.read(first).tags if "/older/" in str(values.get("hx-get"))]
    while Attachment.objects.filter(due_at=None).exists() and older:
        response = browser.get(older)
        found = [values["hx-get"] for _, values in pages.read(response).tags if "/older/" in str(values.get("hx-get"))]
        older = found[0] if found else ""
    assert Attachment.objects.filter(due_at=None).count() == 0


def test_looking_twice_asks_once(browser, thread, bring, server):
    bring(7, [f"{server.url}/f/7.jpg"], OLD)
    open_thread(browser, thread)
    row = Attachment.objects.get()
    open_thread(browser, thread)
    assert Attachment.objects.get().due_at == row.due_at


def test_a_fresh_signature_draws_nothing_anew(browser, thread, bring, server):
    store(bring(7, [f"{server.url}/f/7.jpg?s=a"]).attachments.get(), png())
    before = pages.shown(open_thread(browser, thread))
    bring(7, [f"{server.url}/f/7.jpg?s=b"])
    assert pages.shown(open_thread(browser, thread)) == before
    assert Message.objects.get().media[0]["url"].endswith("?s=b")
