"""Who works in a seeded inbox: run before and after `seed_inbox`, with DATABASE_URL of that database.

`python -m tests.bench.inbox.persons before|after`
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
SMALL = 200  # conversations of the second account


def before() -> None:
    """A superuser, an agent of two accounts who is linked to a Salesmsg member, and one who has read everything."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from integrations.management.commands.seed_inbox import LABEL
    from integrations.models import Account, Membership

    call_command("seed_inbox", contacts=SMALL, messages=SMALL * 5, stdout=sys.stderr)
    Account.objects.filter(label=LABEL).update(label="A second account", webhook_digest="second")
    call_command("seed_inbox", contacts=1, messages=1, stdout=sys.stderr)
    people = get_user_model().objects
    people.create_superuser("root", password="x")
    for name in ("agent", "tidy"):
        user = people.create_user(name, password="x", is_staff=True)
        for account in Account.objects.all() if name == "agent" else Account.objects.filter(label=LABEL):
            Membership.objects.create(user=user, account=account, member=account.members.order_by("pk").first())


def after() -> None:
    """Tidy has read everything but the conversation with the oldest last message."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.db.models import F

    from integrations.models import Conversation, ReadMark

    tidy = get_user_model().objects.get(username="tidy")
    news = Conversation.objects.for_user(tidy).filter(news_pk__isnull=False)
    ReadMark.objects.filter(user=tidy).delete()
    marks = (
        ReadMark(user=tidy, conversation_id=pk, message_pk=newest)
        for pk, newest in news.order_by(F("latest_at").desc()).values_list("pk", "news_pk")[: news.count() - 1]
    )
    ReadMark.objects.bulk_create(marks, batch_size=5000)
    with connection.cursor() as cursor:
        # What autovacuum does sooner or later.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


if __name__ == "__main__":
    django.setup()
    {"before": before, "after": after}[sys.argv[1]]()
