"""Searches, by the inbox and by stock `icontains`: the program behind bench_search.

`python -m tests.bench.searches CONTACTS MESSAGES` fills the database of DATABASE_URL, unless it holds as many already,
measures in it, and prints rows of [kind, what is typed, rows found, p50, p95, p50 of stock, p95 of stock], in ms.
"""

import json
import sys
import time
from collections.abc import Callable

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Max, Min  # noqa: E402

from integrations.inbox import found, queries  # noqa: E402
from integrations.models import Account, Contact, Conversation, Membership, Message  # noqa: E402

from .support import percentile  # noqa: E402

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
    ("phrase", '"the price still"'),
    ("a number", "4711"),
    ("nowhere", "xylophone"),
    ("phone", "{phone}"),
    ("phone, its end", "{end}"),
    ("name", "garcia"),
    ("name, rare", "zoe quist"),
    ("accent", "senor"),
    ("no blanks (Japanese)", "予約"),
)


def fill(contacts: int, messages: int) -> None:
    """Rows of seed_inbox, and words that are as rare as KINDS says."""
    call_command("seed_inbox", contacts=contacts, messages=messages, verbosity=0, stdout=sys.stderr)
    ends = Message.objects.aggregate(first=Min("at"), last=Max("at"))
    long_ago = ends["first"] + (ends["last"] - ends["first"]) / 2
    changes = [
        ("kingfisher", messages // 5 or 1, None),
        ("gearbox", 2000, None),
        ("refund", 333, None),
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
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    contact = Contact.objects.order_by("pk")[contacts // 2]
    Contact.objects.filter(pk=contact.pk).update(first_name="Zoë", last_name="Quist", full_name="Zoë Quist")


def person():
    """An agent of the seeded account, beside a small account of which nothing may be hidden."""
    user, new = get_user_model().objects.get_or_create(username="bench", defaults={"is_staff": True})
    if new:
        for account in Account.objects.all():
            Membership.objects.create(user=user, account=account)
        other = Account.objects.create(label="Other", webhook_secret="x", webhook_digest="other")
        Membership.objects.create(user=user, account=other)
    return user


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


def main(contacts: int, messages: int) -> None:
    if Message.objects.count() < messages:
        fill(contacts, messages)
    user = person()
    phone = Contact.objects.order_by("pk")[contacts // 3].phone
    shown = f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    lines = []
    for kind, words in KINDS:
        typed = words.format(phone=shown, end=phone[-6:])
        cut = []

        def ours(typed=typed, cut=cut) -> int:
            result = found.find(user, queries.Filters(q=typed))
            cut.append(result.cut)
            return len(result.rows)

        rows, middle, late = timed(ROUNDS, ours)
        print(kind, typed, rows, round(middle, 1), round(late, 1), any(cut), file=sys.stderr, flush=True)
        _, stock_middle, stock_late = timed(STOCK_ROUNDS, lambda typed=typed, kind=kind: stock(user, kind, typed))
        lines.append([kind, typed, rows, middle, late, stock_middle, stock_late, any(cut)])
    print(json.dumps(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
