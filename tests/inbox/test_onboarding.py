"""The first minutes: each step is done when the data says so, and the next one is named."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.inbox import onboarding
from integrations.models import Account, Heartbeat, Membership, Message, SyncRun
from tests import factories as f

from . import pages

ADDRESS = "/inbox/first-steps/"


@pytest.fixture
def boss(db):
    return f.person("boss", superuser=True)


@pytest.fixture
def desk(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture
def beating(db):
    return Heartbeat.objects.create(name="tick")


def done(user) -> dict[str, bool]:
    return {step.name: step.done for step in onboarding.read_steps(user).steps}


def test_an_empty_installation_names_every_step_and_begins_with_connecting(desk, boss):
    assert done(boss) == {"connect": False, "worker": False, "sync": False, "text": False}
    page = desk.get("/inbox/")
    told = pages.text(page)
    assert "Welcome. Let’s connect Salesmsg." in told
    assert "manage.py qcluster" in told
    assert 'href="/accounts/#connect"' in page.content.decode()
    assert pages.inline(page) == []


def test_what_stands_in_the_way_of_connecting_is_named_with_its_remedy(desk, settings):
    settings.FIELD_ENCRYPTION_KEYS = []
    settings.SALESMSG_CLIENT_ID = settings.SALESMSG_CLIENT_SECRET = ""
    told = pages.text(desk.get("/inbox/"))
    assert "FIELD_ENCRYPTION_KEYS is empty" in told
    assert "Run `manage.py generate_key`" in told
    assert "personal access token" in told
    settings.SALESMSG_CLIENT_ID = settings.SALESMSG_CLIENT_SECRET = "x"
    settings.PORTAL_URL = "https://texts.example.com"
    told = pages.text(desk.get("/inbox/"))
    assert "Open the portal at https://texts.example.com to connect." in told


def test_who_may_not_connect_is_told_whom_to_ask(client, db):
    client.force_login(f.person("newcomer"))
    told = pages.text(client.get("/inbox/"))
    assert "ask its manager to add you" in told
    assert "FIELD_ENCRYPTION_KEYS" not in told


def test_each_step_is_done_by_what_the_data_says(boss, beating):
    account = f.account("Harbor Dental", synced_at=None)
    expected = dict.fromkeys(("connect", "worker"), True) | dict.fromkeys(
        ("sync", "text", "webhook", "colleague"), False
    )
    assert done(boss) == expected
    Account.objects.update(synced_at=timezone.now())
    assert done(boss) == (expected := expected | {"sync": True})
    thread = f.conversation(account)
    f.message(thread, inbound=False, state=Message.State.QUEUED)
    f.message(thread, inbound=False)  # sent from Salesmsg's own app
    assert done(boss) == expected, "nothing of ours has left yet"
    Message.objects.filter(state=Message.State.QUEUED).update(state=Message.State.SENT)
    assert done(boss) == (expected := expected | {"text": True})
    Account.objects.update(last_event_at=timezone.now())
    assert done(boss) == (expected := expected | {"webhook": True})
    Membership.objects.create(user=f.person("bea"), account=account)
    assert done(boss) == dict.fromkeys(expected, True)
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert not done(boss)["worker"]
    Account.objects.update(state=Account.State.ATTENTION)
    assert not done(boss)["connect"]


def test_agents_have_only_their_own_steps(ada, harbor):
    assert set(done(ada)) == {"connect", "worker", "sync", "text"}


def test_one_query_in_daily_use(ada, harbor, beating, django_assert_num_queries):
    Membership.objects.update(role=Membership.Role.MANAGER)
    with django_assert_num_queries(1):
        onboarding.read_steps(ada)


def test_the_first_sync_is_shown_where_people_wait(browser, ada, beating):
    account = f.account("Northside", ada, synced_at=None)
    SyncRun.objects.create(account=account, kind="full")
    page = browser.get(ADDRESS, headers={"HX-Request": "true"})
    assert "You can already reply to texts that have arrived." in pages.text(page)
    assert 'hx-trigger="every 5s"' in page.content.decode()
    assert "<progress" in page.content.decode()


def test_the_inbox_asks_for_it_until_it_is_complete_or_hidden(browser, htmx, ada, harbor, beating):
    place = f'hx-get="{ADDRESS}"'
    assert place in browser.get("/inbox/").content.decode()
    assert "Send your first text" in pages.text(htmx.get(ADDRESS))
    assert htmx.post(f"{ADDRESS}hide/").content == b""
    assert place not in browser.get("/inbox/").content.decode()
    assert "Send your first text" in pages.text(browser.get(ADDRESS)), "who asks for it finds it"
    browser.cookies.pop(onboarding.cookie(ada))
    thread = f.conversation(harbor)
    message = f.message(thread, inbound=False, state=Message.State.QUEUED)
    Message.objects.filter(pk=message.pk).update(state=Message.State.DELIVERED)
    assert pages.text(htmx.get(ADDRESS)) == ""
    assert place not in browser.get("/inbox/").content.decode()


def test_hiding_works_without_javascript_and_per_person(browser, client, harbor, ada):
    assert browser.post(f"{ADDRESS}hide/")["Location"] == "/inbox/"
    bea = f.person("bea")
    Membership.objects.create(user=bea, account=harbor)
    client.force_login(bea)
    assert f'hx-get="{ADDRESS}"' in client.get("/inbox/").content.decode()


def test_its_page(browser, harbor):
    page = browser.get(ADDRESS)
    assert page.status_code == 200
    assert pages.inline(page) == []
    assert "hx-trigger" not in page.content.decode().split("<main")[1], "a page of its own stands still"


def test_the_accounts_pages_ask_for_it(browser, harbor):
    for address in ("/accounts/", f"/accounts/{harbor.pk}/"):
        assert f'hx-get="{ADDRESS}"' in browser.get(address).content.decode(), address


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/inbox/999999/", 404, "Nothing was sent or changed. Search the inbox by name"),
        ("/accounts/callback/?error=access_denied", 400, "No new access was stored"),
    ],
)
def test_a_refusal_says_what_was_kept_and_what_to_do(browser, harbor, address, status, words):
    page = browser.get(address)
    assert page.status_code == status
    assert words in pages.text(page)


def test_who_may_not_is_told_whom_to_ask(browser, harbor):
    page = browser.post(f"/accounts/{harbor.pk}/disconnect/")
    assert page.status_code == 403
    assert "ask an administrator" in pages.text(page)


@pytest.mark.parametrize("show", ["unread", "failed", "closed", "mine"])
def test_each_empty_filter_leads_on(browser, harbor, show):
    empty = browser.get("/inbox/", {"show": show}).content.decode().split('id="rows"')[1].split("</ul>")[0]
    assert 'class="btn btn-small"' in empty


def test_a_thread_that_cannot_be_answered_leads_to_its_account(browser, harbor):
    thread = f.conversation(harbor)
    Account.objects.update(state=Account.State.DISCONNECTED)
    page = browser.get(f"/inbox/{thread.pk}/").content.decode()
    assert f'<a href="/accounts/{harbor.pk}/">' in page.split('id="thread-gate"')[1].split("</p>")[0]
