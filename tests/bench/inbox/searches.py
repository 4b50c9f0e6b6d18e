"""Searches, by the inbox and by stock `icontains`, in the seeded database of DATABASE_URL.

`python -m tests.bench.inbox.searches words` puts in words that are as rare as KINDS says; `… measure` prints rows of
[kind, what is typed, rows found, p50, p95, p50 of stock, p95 of stock, whether it was cut short], in ms, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Max, Min  # noqa: E402

from integrations.inbox.conversation_list import queries, search_results  # noqa: E402
from integrations.models import Contact, Conversation, Message  # noqa: E402
from tests.bench.support import percentile  # noqa: E402

ROUNDS, STOCK_ROUNDS = 25, 3
# (kind, what is typed): how often each word stands there is `fill`'s doing, or that of seed_inbox.
KINDS = (
    ("rare word", "kingfisher"),
    ("0.05 % of texts", "gearbox"),
    ("0.3 % of texts", "refund"),
    ("1 %, only long ago", "coupon"),
    ("10 % of texts", "invoice"),
    ("40 % of texts", "you"),
    ("prefix, 3 letters", "inv"),
    ("prefix, 1 letter", "k"),
    ("two words", "parcel refund"),
    ("phrase", '"blue heron"'),
    ("a number", "4711"),
    ("nowhere", "xylophone"),
    ("phone", "{phone}"),
    ("phone, its end", "{end}"),
    ("name", "garcia"),
    ("name, rare", "zoe quist"),
    ("accent", "senor"),
    ("no blanks (Japanese)", "予約"),
)


def words() -> None:
    """Puts them into texts of seed_inbox, evenly."""
    ends = Message.objects.aggregate(first=Min("at"), last=Max("at"), pk=Max("pk"))
    messages = ends["pk"]
    long_ago = ends["first"] + (ends["last"] - ends["first"]) / 2
    changes = [
        ("kingfisher", messages // 5 or 1, None),
        ("gearbox", 2000, None),
        ("refund", 333, None),
        ("blue heron", 700, None),
        ("Señor", 1500, None),
        ("明日の予約を確認", 3000, None),
        ("coupon", 100, long_ago),
    ]
    with connection.cursor() as cursor:
        for place, (word, every, until) in enumerate(changes):
            sql = "UPDATE integrations_message SET text = text || %s WHERE id %% %s = %s"
            params = [f" {word}", every, (7 + place) % every]
            if until is not None:
                sql, params = sql + " AND at < %s", [*params, connection.ops.adapt_datetimefield_value(until)]
            cursor.execute(sql, params)
    contact = _in_the_middle(2)
    Contact.objects.filter(pk=contact.pk).update(first_name="Zoë", last_name="Quist", full_name="Zoë Quist")


def _in_the_middle(part: int) -> Contact:
    keys = Contact.objects.aggregate(first=Min("pk"), last=Max("pk"))
    return Contact.objects.filter(pk__gte=keys["first"] + (keys["last"] - keys["first"]) // part).order_by("pk")[0]


def timed(rounds: int, call: Callable) -> tuple[int, float, float]:
    """(rows, p50, p95) in milliseconds; the first round is not counted."""
    rows = call()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        times.append((time.perf_counter() - begun) * 1000)
    return rows, percentile(times, 0.5), percentile(times, 0.95)


def stock(user, kind: str, typed: str) -> int:
    """What one writes first: LIKE over the column, newest first, as many rows."""
    if kind.startswith(("name", "phone")):
        digits = "".join(char for char in typed if char.isdigit())
        wanted = {"contact__phone__contains": digits} if digits else {"contact__full_name__icontains": typed}
        rows = Conversation.objects.for_user(user).filter(**wanted).order_by("-latest_at", "-pk")
    else:
        wanted = {"text__icontains": typed.strip('"')}
        rows = Message.objects.for_user(user).filter(**wanted).order_by("-at", "-pk")
    return len(rows.defer("raw")[: queries.ROWS])


def measure() -> None:
    user = get_user_model().objects.get(username="agent")
    phone = _in_the_middle(3).phone
    shown = f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    lines = []
    for kind, words in KINDS:
        typed = words.format(phone=shown, end=phone[-6:])
        cut = []

        def ours(typed=typed, cut=cut) -> int:
            result = search_results.search_inbox(user, queries.Filters(q=typed))
            cut.append(result.cut)
            return len(result.rows)

        rows, middle, late = timed(ROUNDS, ours)
        print(kind, typed, rows, round(middle, 1), round(late, 1), any(cut), file=sys.stderr, flush=True)
        _, stock_middle, stock_late = timed(STOCK_ROUNDS, lambda typed=typed, kind=kind: stock(user, kind, typed))
        lines.append([kind, typed, rows, middle, late, stock_middle, stock_late, any(cut)])
    print(json.dumps(lines))


if __name__ == "__main__":
    {"words": words, "measure": measure}[sys.argv[1]]()
