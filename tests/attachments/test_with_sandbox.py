"""A picture from the sandbox's phone, pending first and complete later, to its bytes at the portal's address."""

import pytest
from django.urls import reverse

from integrations import tasks
from integrations.models import Attachment, Message
from tests.harness.sandbox import fetch, wait_for
from tests.inbox import pages
from tests.outbox.conftest import account, conversation, read_thread, salesmsg, staff

__all__ = ["account", "conversation", "salesmsg", "staff"]  # fixtures


@pytest.mark.django_db(transaction=True)
def test_a_picture_of_the_phone(client, staff, salesmsg, account, conversation):
    salesmsg.post("/sandbox/settings", {"delivery_delay": 0.2})
    contact = conversation.contact.vendor_id
    fetch(f"{salesmsg.url}/sandbox/phone/{contact}", payload={"text": "Look", "media": True})
    client.force_login(staff)

    def message() -> Message | None:
        read_thread(conversation)
        return Message.objects.filter(conversation=conversation, kind="mms", text="Look").first()

    busy = wait_for("the text arrives", message)
    if busy.media_pending:  # else the sandbox was done before we looked
        shown = client.get(reverse("inbox:thread", args=[conversation.pk]))
        assert "Loading picture…" in pages.text(shown)
        assert not Attachment.objects.filter(message=busy).exists()
    done = wait_for("the picture is told", lambda: (m := message()) and m.media and m)
    assert done.pk == busy.pk
    picture = Attachment.objects.get(message=done)
    assert tasks.fetch_picture(picture.pk) == "stored"
    picture.refresh_from_db()
    assert (picture.content_type, picture.width, picture.height) == ("image/png", 360, 240)
    shown = client.get(reverse("inbox:thread", args=[conversation.pk]))
    assert salesmsg.url.encode() not in shown.content
    [image] = [values for tag, values in pages.read(shown).tags if tag == "img" and f"/{done.pk}/" in values["src"]]
    theirs = b"".join(client.get(image["src"]).streaming_content)
    assert theirs.startswith(b"\x89PNG")
    assert len(theirs) == picture.size
