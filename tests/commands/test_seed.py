"""seed_inbox fills what the inbox shows as mirror would have left it; and the migration, what was there before."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import Count

from integrations.management.commands.seed_inbox import LABEL
from integrations.models import Account, Contact, Conversation, Message, ReadMark
from tests.inbox import factories as f
from tests.inbox.test_conversation_summary import recount


@pytest.fixture
def seeded(db):
    """An account with 60 threads; a superuser was there before, an agent was not."""
    f.person("root", superuser=True)
    call_command("seed_inbox", contacts=60, messages=1500, verbosity=0)
    return Account.objects.get(label=LABEL)


def test_what_is_seeded(seeded):
    assert (Contact.objects.count(), Message.objects.count()) == (60, 1500)
    lengths = Message.objects.order_by().values("conversation").annotate(n=Count("pk")).values_list("n", flat=True)
    assert len(lengths) == 60
    assert max(lengths) > 3 * min(lengths)
    for condition in ({"is_news": True}, {"inbound": False, "state": "failed"}, {"text__contains": "ü"}):
        assert Message.objects.filter(**condition).exists(), condition
    assert not Message.objects.filter(is_news=True, inbound=False).exists()
    assert Contact.objects.exclude(tags=[]).exists()
    threads = Conversation.objects
    assert threads.values("inbox").distinct().count() > 1
    for condition in ({"owner": None}, {"owner__isnull": False}, {"closed_at": None}, {"closed_at__isnull": False}):
        assert threads.filter(**condition).exists(), condition
    assert 0 < ReadMark.objects.count() < threads.filter(news_pk__isnull=False).count()


def test_conversations_repeat_their_messages(seeded):
    assert {row[0]: row[1:] for row in Conversation.objects.values_list("pk", "news_pk", "trouble")} == recount()
    for thread in Conversation.objects.all():
        newest = thread.messages.first()
        assert (thread.latest_at, thread.latest_text, thread.latest_inbound) == (
            newest.at, newest.text[:200], newest.inbound,
        )  # fmt: skip


def test_a_second_call_adds(seeded):
    call_command("seed_inbox", contacts=3, messages=2, verbosity=0)
    assert Account.objects.get() == seeded
    assert (Contact.objects.count(), Message.objects.count()) == (63, 1502)


def test_the_migration_fills_what_was_there(seeded):
    Conversation.objects.update(news_pk=None, trouble="")
    f.message(Conversation.objects.first(), "Waits", inbound=False, state="queued", due_at=None)
    f.message(Conversation.objects.last(), "Who knows", inbound=False, state="unknown", vendor_id=None)
    expected = recount()
    Conversation.objects.update(news_pk=None, trouble="")
    import_module("integrations.migrations.0005_inbox_scale").fill(apps, None)
    assert {row[0]: row[1:] for row in Conversation.objects.values_list("pk", "news_pk", "trouble")} == expected
    assert {trouble for _, trouble in expected.values()} >= {"held", "unknown"}
