"""Tags, opt-out and notes above a contact's form in the admin."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from integrations.models import Change, Contact
from tests import factories

State = Change.State


@pytest.fixture
def contact(account):
    cache.clear()
    return factories.customer(account, 142, tags=["VIP"], notes=[{"id": 1, "text": "Likes tea"}])


def page(client, contact) -> str:
    return client.get(reverse("admin:integrations_contact_change", args=[contact.pk])).content.decode()


def ask(client, contact, what: str, **data):
    return client.post(reverse("admin:integrations_contact_more", args=[contact.pk, what]), data, follow=True)


@pytest.mark.parametrize(
    ("what", "data", "kind"),
    [
        ("tag", {"label": "Recall due"}, "tag"),
        ("untag", {"label": "VIP"}, "untag"),
        ("opt-out", {}, "opt_out"),
        ("note", {"text": "Wants a call"}, "note"),
    ],
)
def test_each_form_asks_for_its_change(editor, contact, what, data, kind):
    assert f"/more/{what}/" in page(editor, contact)
    shown = ask(editor, contact, what, **data).content.decode()
    assert "Saved. The change will be sent to Salesmsg shortly." in shown
    assert "aiting to be saved in Salesmsg" in shown
    change = Change.objects.get()
    assert (change.kind, change.requested_by.username) == (kind, "editor")


def test_an_opt_in_needs_the_tick(editor, contact):
    Contact.objects.filter(pk=contact.pk).update(opted_out=True)
    assert "the carrier may block texts" in page(editor, contact)
    assert "Confirm that this contact has asked" in ask(editor, contact, "opt-in").content.decode()
    assert not Change.objects.exists()
    contact.account.memberships.update(role="manager")
    assert "how and when they asked" in ask(editor, contact, "opt-in", agreed="1").content.decode()
    ask(editor, contact, "opt-in", agreed="1", why="On the phone")
    assert Change.objects.get().kind == "opt_in"


def test_a_refusal_is_tried_again_or_left(editor, contact):
    change = Change.objects.create(
        account=contact.account,
        contact=contact,
        kind="note",
        values={"text": "Hi"},
        base={"told": True, "known": ["7"]},
        state=State.REFUSED,
        vendor_reason="Not allowed.",
    )
    shown = page(editor, contact)
    assert "Salesmsg refused to add the note “Hi”" in shown
    assert "told True" not in shown, "the history shows no bookkeeping"
    ask(editor, contact, "again", change=change.pk)
    change.refresh_from_db()
    assert change.state == State.PENDING
    Change.objects.update(state=State.REFUSED)
    assert "Dismissed." in ask(editor, contact, "leave", change=change.pk).content.decode()
    assert "No changes to save" in ask(editor, contact, "leave", change=change.pk).content.decode()


def test_who_may_not_and_what_is_gone(editor, contact, client):
    assert ask(editor, contact, "delete").status_code == 404
    Contact.objects.filter(pk=contact.pk).update(deleted_at=timezone.now())
    assert "/more/" not in page(editor, contact)
    assert ask(editor, contact, "note", text="x").status_code == 404
    foreign = factories.customer(factories.connected_account("Elsewhere"), 143)
    assert ask(editor, foreign, "note", text="x").status_code == 404
    assert not Change.objects.exists()
