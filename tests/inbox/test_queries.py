"""How many queries each page of the inbox costs, with a few rows and with many; and that plans use the indexes."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import cursors
from integrations.inbox.collaboration.read_state import mark_read
from integrations.inbox.conversation_list import queries as conversation_list_queries
from integrations.inbox.thread import queries as thread_queries
from integrations.models import Attachment, Attempt, Change, Message, Tag
from tests import factories as f

PAGE = 15  # of a whole page, session and person included
FILTERS = list(conversation_list_queries.FILTERS)
FILE = [{"id": 1, "url": "https://files.example/a.jpg", "content_type": "image/jpeg"}]


def cost(client, address: str, **data) -> int:
    with CaptureQueriesContext(connection) as made:
        assert client.get(address, data).status_code == 200
    return len(made)


def fill(account, user, number: int) -> list:
    """Conversations with everything that the list and a thread can show."""
    me, inboxes = f.member(account, "Ada Marsh", user), [f.inbox(account, name) for name in ("Front", "Billing")]
    made = []
    for place in range(number):
        who = f.contact(account, f"P{place}", custom_fields=[{"field_key": "size", "value": "M"}])
        owner = me if place % 3 == 0 else None
        closed = timezone.now() if place % 4 == 1 else None
        f.consent(who, "opt_in")
        made.append(f.conversation(account, who, inbox=inboxes[place % 2], owner=owner, closed_at=closed))
        f.message(made[-1], "Hello")
        state = "failed" if place % 5 == 0 else "sent"
        f.message(made[-1], "Lost", inbound=False, state=state, client_uuid=uuid.uuid4())
        Tag.objects.create(account=account, vendor_id=place, label=f"Tag {place}")
    return made


@pytest.fixture
def second(ada):
    """Another account of hers, so that the list has to be put together."""
    return f.account("Harbor Ortho", ada)


@pytest.mark.parametrize("superuser", [False, True])
@pytest.mark.parametrize("number", [4, 70])
def test_lists(client, harbor, second, ada, superuser, number):
    fill(harbor, ada, number)
    fill(second, ada, number)
    client.force_login(f.person("root", superuser=True) if superuser else ada)
    inbox, account = harbor.inboxes.first().pk, f"a{second.pk}"
    for show in FILTERS:
        for box in ("", inbox, account):
            more = (show == "unread") + 2 * (
                show == "mine"
            )  # all marks at once; who this person is at Salesmsg, or may be
            assert cost(client, "/inbox/", show=show, box=box) <= 4 + more, (show, box)
            assert cost(client, "/inbox/rows/", show=show, box=box, before="1900000000000000-9") <= 5 + more


@pytest.mark.parametrize("number", [3, 55])
def test_a_thread_with_all_that_it_can_show(browser, harbor, ada, number):
    cache.clear()
    thread = fill(harbor, ada, 4)[0]
    f.conversation(harbor, thread.contact, inbox=harbor.inboxes.last())
    for place in range(number):
        f.message(thread, f"Text {place}", is_news=True)
        lost = f.message(thread, f"Lost {place}", inbound=False, state="failed", client_uuid=uuid.uuid4(), media=FILE)
        Attempt.objects.create(message=lost, outcome="refused", vendor_reason="No such number.")
        Attachment.objects.create(message=lost, position=0, url=FILE[0]["url"], state="lost", vendor_reason="Gone.")
    for kind, values in (("contact", {"first_name": "Dan"}), ("tag", {"label": "VIP"}), ("note", {"text": "Hi"})):
        Change.objects.create(
            account=harbor, contact=thread.contact, kind=kind, values=values, base={"first_name": "P0"}
        )
    address = f"/inbox/{thread.pk}/"
    # The first request also moves the read mark, and finds out which custom fields there are.
    assert cost(browser, address) <= PAGE
    assert cost(browser, address) <= PAGE - 2
    page = browser.get(address).content.decode()
    for words in ("No such number.", "Gone.", "Refused", "Dan", "Tag 1"):
        assert words in page, words
    if number > thread_queries.MESSAGES:
        last = Message.objects.filter(conversation=thread).order_by("-at", "-rank")[thread_queries.MESSAGES - 1]
        until = cursors.format_cursor(last.at, last.rank)
        assert cost(browser, f"{address}older/", until=until) <= 6


def test_an_idle_poll_costs_one_query_besides_session_and_person(browser, harbor, ada):
    thread = fill(harbor, ada, 4)[0]
    with CaptureQueriesContext(connection) as made:
        assert browser.get(f"/inbox/{thread.pk}/poll/", {"version": thread.version}).status_code == 204
    assert len(made) == 3
    with CaptureQueriesContext(connection) as made:
        token = conversation_list_queries.list_token(ada)
        assert browser.get("/inbox/poll/", {"token": token}).status_code == 204
    assert len(made) == 4  # one of them is the test's own


@pytest.mark.parametrize(
    ("show", "index"),
    [
        ("all", "conversation_newest"),
        ("open", "conversation_open"),
        ("closed", "conversation_closed"),
        ("unassigned", "conversation_unassigned"),
        ("failed", "conversation_trouble"),
        ("mine", "conversation_owned"),
        ("unread", "conversation_news"),
    ],
)
def test_each_filter_has_an_index_in_its_order(harbor, ada, show, index):
    """On SQLite its plan shows that the conditions fit; PostgreSQL, with so few rows, rightly reads all of them."""
    f.member(harbor, "Ada Marsh", ada)
    part = conversation_list_queries._parts(ada, conversation_list_queries.Filters(show), [harbor])[0]
    plan = part.newest_first()[:31].explain()
    if connection.vendor == "sqlite":
        assert f"USING INDEX {index} " in plan or f"USING COVERING INDEX {index} " in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan
    else:
        with connection.cursor() as cursor:
            assert index in connection.introspection.get_constraints(cursor, "integrations_conversation")


def test_accounts_are_put_together_in_one_order(browser, harbor, second):
    made = [f.conversation(account, f.contact(account)) for account in (harbor, second) * 20]
    at = timezone.now()
    for place, one in enumerate(made):
        type(one).objects.filter(pk=one.pk).update(latest_at=at if place % 3 else at - timedelta(days=place))
    user = harbor.memberships.get().user
    seen, before = [], ""
    for _ in range(6):
        found = conversation_list_queries.read_conversations(
            user, conversation_list_queries.Filters(), before=before, limit=9
        )
        seen += [(row.latest_at, row.pk) for row in found.rows]
        before = found.more
        if not before:
            break
    assert len(seen) == len(set(seen)) == 40
    assert seen == sorted(seen, reverse=True)


def test_the_one_unread_below_very_many_read_ones_is_found(harbor, ada, monkeypatch):
    monkeypatch.setattr("integrations.inbox.conversation_list.unread.NEAR", 5)
    made = fill(harbor, ada, 12)
    for one in made[1:]:
        row = thread_queries.read_conversation(ada, one.pk)
        mark_read(ada, row, row.news_pk)
    found = conversation_list_queries.read_conversations(ada, conversation_list_queries.Filters("unread"))
    assert [row.pk for row in found.rows] == [made[0].pk]
    assert found.rows[0].unread == 1
