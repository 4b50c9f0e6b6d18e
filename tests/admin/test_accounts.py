"""Accounts in the admin: the label and who has access; nothing else."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, AuditEntry, Budget, BudgetBlock, Member, Membership
from tests.accounts import build
from tests.accounts.conftest import signed_in

RIGHTS = (
    "view_account", "change_account", "add_membership", "change_membership", "delete_membership", "view_user",
)  # fmt: skip


def form(account):
    return reverse("admin:integrations_account_change", args=[account.pk])


def data(label, *memberships):
    sent = {
        "label": label,
        "memberships-TOTAL_FORMS": str(len(memberships)),
        "memberships-INITIAL_FORMS": str(sum("id" in row for row in memberships)),
    }
    for place, row in enumerate(memberships):
        sent |= {f"memberships-{place}-{name}": str(value) for name, value in row.items()}
    return sent


@pytest.fixture
def boss(account):
    user = build.person("boss", permissions=RIGHTS)
    build.member(user, account, Membership.Role.MANAGER)
    return signed_in(user)


def test_people_get_access_and_it_is_noted(boss, account):
    newcomer = build.person("newcomer")
    own = Membership.objects.get()
    rows = [
        {"id": own.pk, "account": account.pk, "user": own.user_id, "role": "manager"},
        {"account": account.pk, "user": newcomer.pk, "role": "agent"},
    ]
    assert boss.post(form(account), data(account.label, *rows)).status_code == 302
    assert Membership.objects.get(user=newcomer).role == Membership.Role.AGENT
    entry = AuditEntry.objects.get(action="membership.added")
    assert (entry.user.username, entry.account) == ("boss", account)


def test_a_new_label_writes_only_the_label(boss, account):
    """Workers write the row all the time; the form's copy of it is old."""
    own = Membership.objects.get()
    row = {"id": own.pk, "account": account.pk, "user": own.user_id, "role": "manager"}
    Account.objects.update(last_error="written by a worker")
    sent = data("Front office", row) | {"state": "disconnected", "webhook_digest": "x"}
    boss.post(form(account), sent)
    fresh = Account.objects.get()
    assert (fresh.label, fresh.last_error, fresh.state) == ("Front office", "written by a worker", account.state)
    assert fresh.webhook_digest == account.webhook_digest


def test_an_agent_cannot_make_himself_a_manager(account):
    user = build.person("agent", permissions=RIGHTS)
    own = build.member(user, account)
    client = signed_in(user)
    row = {"id": own.pk, "account": account.pk, "user": user.pk, "role": "manager"}
    assert client.post(form(account), data("Mine", row)).status_code == 403
    own.refresh_from_db()
    assert own.role == Membership.Role.AGENT


def test_only_members_of_this_organisation_are_offered(boss, account, other):
    Member.objects.create(account=account, vendor_id=1, full_name="Maya Okafor")
    Member.objects.create(account=other, vendor_id=2, full_name="Foreign Person")
    shown = boss.get(form(account)).content.decode()
    assert "Maya Okafor" in shown
    assert "Foreign Person" not in shown


def test_the_form_leads_to_the_accounts_page(boss, account):
    assert f'href="{reverse("accounts:detail", args=[account.pk])}"' in boss.get(form(account)).content.decode()


def test_blocks_of_the_budget_are_shown_and_cannot_be_changed(boss, account):
    now = timezone.now()
    books = Budget.objects.create(account=account)
    BudgetBlock.objects.create(budget=books, at=now, until=now + timedelta(seconds=75))
    shown = boss.get(form(account)).content.decode()
    assert "for 75 s" in shown
    assert f"0 of {settings.SALESMSG_RATE_LIMIT} calls" in shown
    assert f'href="{reverse("outbox:page")}"' in shown
    assert "blocks-" not in shown
