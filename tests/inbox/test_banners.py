"""What keeps texts from arriving or leaving is said above the list, and the open list learns it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Account, Heartbeat

from . import pages

pytestmark = pytest.mark.django_db


def heartbeat(seconds: int) -> None:
    Heartbeat.objects.update_or_create(name="tick", defaults={"at": timezone.now() - timedelta(seconds=seconds)})


def test_a_worker_that_stopped_is_told_and_the_open_list_learns_it(browser, harbor):
    heartbeat(5)
    page = browser.get("/inbox/")
    token = next(values["data-token"] for _, values in pages.read(page).tags if values.get("id") == "list-version")
    assert "worker is not running" not in pages.text(page)
    assert browser.get("/inbox/poll/", {"token": token}).status_code == 204
    heartbeat(90)
    told = browser.get("/inbox/poll/", {"token": token})
    assert told.status_code == 200
    assert "The background worker is not running" in pages.text(told)
    assert 'href="/sync/"' in told.content.decode()


@pytest.mark.parametrize(
    ("state", "words"), [("attention", "no longer accepts the connection"), ("disconnected", "disconnected")]
)
def test_an_account_that_does_not_work_is_told(browser, harbor, state, words):
    assert "No texts are sent or received" not in pages.text(browser.get("/inbox/"))
    Account.objects.update(state=state, connected_at=timezone.now())
    page = browser.get("/inbox/")
    assert words in pages.text(page)
    assert "No texts are sent or received" in pages.text(page)
    assert f'href="/accounts/{harbor.pk}/"' in page.content.decode()
