"""The members and tags that the thread page offers, in one query."""

from django.db.models import BooleanField, CharField, Exists, OuterRef, Value

from ...models import Member, Membership, Tag

MEMBERS = 200
LABELS = 300


def read_choices(user, account_id: int) -> tuple[list[Member], list[str]]:
    """Return the first MEMBERS members of the account by name and the first LABELS tag labels."""
    members = Member.objects.filter(account=account_id).order_by("full_name", "pk").values("pk")[:MEMBERS]
    tags = Tag.objects.filter(account=account_id).order_by("label", "pk").values("pk")[:LABELS]
    mine = Membership.objects.filter(user=user, member=OuterRef("pk"))
    taken = Membership.objects.filter(member=OuterRef("pk")).exclude(user=user)
    no, none = Value(False, BooleanField()), Value("", CharField())
    # The limits are in subqueries because SQLite allows no LIMIT in a part of a UNION.
    people = Member.objects.filter(pk__in=members).order_by()
    people = people.values_list(Value(1), "pk", "vendor_id", "full_name", "email", Exists(mine), Exists(taken))
    labels = Tag.objects.filter(pk__in=tags).order_by().values_list(Value(2), "pk", "vendor_id", "label", none, no, no)
    rows = sorted(people.union(labels, all=True), key=lambda row: (row[0], row[3], row[1]))
    found = []
    for kind, pk, vendor_id, name, email, is_me, is_taken in rows:
        if kind == 1:
            member = Member(pk=pk, account_id=account_id, vendor_id=vendor_id, full_name=name, email=email)
            member.is_me, member.is_taken = bool(is_me), bool(is_taken)
            found.append(member)
    return found, [row[3] for row in rows if row[0] == 2]
