"""Who gets a file, and with which precautions."""

import pytest
from django.urls import reverse

from integrations.attachments import request
from integrations.models import Attachment
from tests.inbox import factories

from .conftest import png, store

pytestmark = pytest.mark.django_db


def address(picture: Attachment) -> str:
    return reverse("attachments:file", args=[picture.message_id, picture.position])


@pytest.fixture
def stored(picture) -> Attachment:
    return store(picture, png(36, 24))


def body_of(response) -> bytes:
    return b"".join(response.streaming_content)


def test_a_member_sees_it(client, ada, stored):
    client.force_login(ada)
    response = client.get(address(stored))
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert body_of(response) == png(36, 24)
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"].startswith("private")
    assert "Cookie" in response["Vary"]


def test_the_browser_need_not_load_it_twice(client, ada, stored):
    client.force_login(ada)
    etag = client.get(address(stored))["ETag"]
    again = client.get(address(stored), headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"].startswith("private")
    other = client.get(address(stored), headers={"If-None-Match": '"older"'})
    assert other.status_code == 200


def test_who_is_not_a_member_does_not(client, stored):
    stranger = factories.person("eve")
    factories.account("Other shop", stranger)
    client.force_login(stranger)
    assert client.get(address(stored)).status_code == 404
    again = reverse("inbox:fetch-again", args=[stored.message_id, 0])
    assert client.post(again).status_code == 404


def test_a_304_is_not_for_strangers_either(client, ada, stored):
    client.force_login(ada)
    etag = client.get(address(stored))["ETag"]
    stranger = factories.person("eve")
    client.force_login(stranger)
    assert client.get(address(stored), headers={"If-None-Match": etag}).status_code == 404


def test_anonymous_people_sign_in_first(client, stored):
    response = client.get(address(stored))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))


def test_who_is_no_staff_does_not(client, ada, stored):
    ada.is_staff = False
    ada.save()
    client.force_login(ada)
    assert client.get(address(stored)).status_code == 403


def test_what_is_not_there(client, ada, stored):
    client.force_login(ada)
    assert client.get(reverse("attachments:file", args=[stored.message_id, 1])).status_code == 404
    Attachment.objects.update(state="waiting")
    assert client.get(address(stored)).status_code == 404


def test_other_files_are_only_downloaded(client, ada, picture):
    store(picture, b"BEGIN:VCARD\r\nFN:<script>alert(1)</script>\r\nEND:VCARD")
    client.force_login(ada)
    response = client.get(address(picture))
    assert response["Content-Type"] == "text/vcard"
    assert response["Content-Disposition"] == f'attachment; filename="message-{picture.message_id}-1.vcf"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_what_is_missing_on_the_disk_is_fetched_again(client, ada, stored):
    stored.file.storage.delete(stored.file.name)
    client.force_login(ada)
    assert client.get(address(stored)).status_code == 404
    stored.refresh_from_db()
    assert (stored.state, stored.attempts) == ("waiting", 0)
    assert stored in request.due_attachments()
    store(stored, png(36, 24))
    assert body_of(client.get(address(stored))) == png(36, 24)
