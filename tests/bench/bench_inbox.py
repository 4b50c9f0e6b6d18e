"""The inbox's pages with 200 and with 10,000 conversations in the same run: how much slower are they?

`make bench` prints the ratios. Queries are counted as well, since a ratio alone may hide a query per row.
"""

import statistics
import time

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import Conversation

ROUNDS = 15


def measure(client: Client, address: str) -> tuple[float, int]:
    """Median seconds of server time, and queries."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    number = len(queries.captured_queries)
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        client.get(address)
        times.append(time.perf_counter() - begun)
    return statistics.median(times), number


@pytest.mark.django_db
def test_list_and_thread_by_size(capsys):
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("bench", password="x"))
    found: dict[str, list[tuple[float, int]]] = {}
    for contacts, messages in ((200, 4_000), (9_800, 196_000)):
        call_command("seed_inbox", contacts=contacts, messages=messages, verbosity=0)
        thread = Conversation.objects.newest_first().values_list("pk", flat=True).first()
        pages = {"list": "/inbox/", "unread": "/inbox/?show=unread", "thread": f"/inbox/{thread}/"}
        for name, address in pages.items():
            found.setdefault(name, []).append(measure(client, address))
    with capsys.disabled():
        print("\npage      200 conversations   10,000 conversations   ratio   queries")
        for name, ((small, few), (large, many)) in found.items():
            print(f"{name:8} {small * 1000:12.1f} ms {large * 1000:19.1f} ms {large / small:10.2f}   {few} / {many}")
    assert all(few >= many or many <= 12 for (_, few), (_, many) in found.values())
