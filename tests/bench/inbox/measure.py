"""Server time and queries of the inbox's pages on a seeded database (DATABASE_URL), as JSON:

{page: {"queries": most of any request, "times": seconds of each request}}. `python -m tests.bench.inbox.measure N`
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
LOOKED_AT = 20  # requests of each page whose queries are counted, at most

Ask = Callable[[], str]  # the address of one request


def pages(chance: random.Random) -> Iterator[tuple[str, str, Ask, dict]]:
    """(name, person, address of each request, headers)."""
    from django.db.models import Count

    from integrations import cursors
    from integrations.inbox.conversation_list import queries
    from integrations.management.commands.seed_inbox import LABEL
    from integrations.models import Conversation, Inbox, Message

    its = Conversation.objects.filter(account__label=LABEL)
    threads = list(its.values_list("pk", "latest_at"))
    boxes = list(Inbox.objects.filter(account__label=LABEL).values_list("pk", flat=True))
    some = chance.sample([pk for pk, _ in threads], min(2000, len(threads)))
    counted = Message.objects.filter(conversation__in=some).order_by().values("conversation").annotate(n=Count("pk"))
    long = [(row["conversation"], row["n"]) for row in counted.filter(n__gt=60)]

    def thread() -> str:
        return f"/inbox/{chance.choice(threads)[0]}/"

    def further() -> str:
        pk, at = chance.choice(threads)
        return f"/inbox/rows/?before={cursors.format_cursor(at, pk)}"

    def earlier() -> str:
        pk, number = chance.choice(long)
        places = Message.objects.filter(conversation=pk).order_by("at", "rank").values_list("at", "rank")
        return f"/inbox/{pk}/older/?until={cursors.format_cursor(*places[chance.randint(51, number - 1)])}"

    def fixed(address: str) -> Ask:
        return lambda: address

    for person in ("agent", "root"):
        for show in queries.FILTERS:
            yield f"list, {show}", person, fixed(f"/inbox/?show={show}"), {}
        yield "list, one inbox", person, lambda: f"/inbox/?box={chance.choice(boxes)}", {}
        yield "list, open of one inbox", person, lambda: f"/inbox/?show=open&box={chance.choice(boxes)}", {}
        yield "list, further down", person, further, {}
        yield "thread, whole page", person, thread, {}
        yield "thread beside the list", person, thread, {"HX-Request": "true", "HX-Target": "pane"}
        if long:
            yield "thread, older messages", person, earlier, {}
    yield "unread, all but one read", "tidy", fixed("/inbox/?show=unread"), {}
    yield "list, mine", "tidy", fixed("/inbox/?show=mine"), {}


def measured(client, ask: Ask, headers: dict, rounds: int) -> dict:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    most, times = 0, []
    for _ in range(min(LOOKED_AT, rounds)):
        address = ask()
        with CaptureQueriesContext(connection) as made:
            assert client.get(address, headers=headers).status_code == 200, address
        most = max(most, len(made))
    for _ in range(rounds):
        address = ask()
        begun = time.perf_counter()
        client.get(address, headers=headers)
        times.append(time.perf_counter() - begun)
    return {"queries": most, "times": times}


def main(rounds: int) -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client

    found = {}
    for name, person, ask, headers in pages(random.Random(7)):
        client = Client()
        client.force_login(get_user_model().objects.get(username=person))
        found[f"{name} ({person})"] = one = measured(client, ask, headers, rounds)
        print(f"{name} ({person}): {1000 * sorted(one['times'])[rounds // 2]:.1f} ms", file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]))
