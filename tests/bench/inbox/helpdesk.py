"""django-helpdesk's ticket list with as many tickets as we have conversations, as JSON of `measure`'s form.

It runs in an environment that holds the packages of requirements-bench.txt: `python -m tests.bench.inbox.helpdesk
TICKETS ROUNDS`. What is measured is the request by which its list page gets its rows: open tickets, the newest first.
"""

import json
import os
import random
import sys
import time
from datetime import timedelta

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.inbox.helpdesk_settings"
EACH = 5  # follow-ups of a ticket: its list shows the last one


def fill(tickets: int) -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone
    from helpdesk.models import FollowUp, Queue, Ticket

    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser("root", "root@example.com", "x")
    queue, now, chance = Queue.objects.create(title="Front desk", slug="front"), timezone.now(), random.Random(3)
    for start in range(0, tickets, 2000):
        places = range(start, min(start + 2000, tickets))
        made = Ticket.objects.bulk_create(
            Ticket(
                queue=queue,
                title=f"Question {place}",
                status=chance.choice((1, 1, 2, 4)),
                description="Does it work?",
                submitter_email=f"somebody{place}@example.com",
                created=now - timedelta(seconds=37 * place),
                modified=now,
            )
            for place in places
        )
        FollowUp.objects.bulk_create(
            FollowUp(ticket=ticket, date=now - timedelta(minutes=number), comment="An answer", public=True)
            for ticket in made
            for number in range(EACH)
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def measure(rounds: int) -> dict:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from helpdesk.query import query_to_base64

    client = Client()
    client.force_login(get_user_model().objects.get(username="root"))
    chosen = {"filtering": {"status__in": [1, 2]}, "sorting": "created", "sortreverse": True, "search_string": ""}
    address = f"/datatables_ticket_list/{query_to_base64(chosen)}?draw=1&start=0&length=30"
    made: list[str] = []

    def counting(execute, sql, params, many, context):
        made.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counting):
        answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    assert len(answer.json()["data"]) == 30
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        client.get(address)
        times.append(time.perf_counter() - begun)
    return {"queries": len(made), "times": times}


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
    print(json.dumps({"django-helpdesk: list, open": measure(int(sys.argv[2]))}))
