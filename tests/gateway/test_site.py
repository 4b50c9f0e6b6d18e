"""What every page and every start gets: the policy, the viewer's zone, health, and the system's checks."""

import pytest
from django.core.checks import run_checks
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, RequestFactory
from django.utils import timezone

from integrations import access, health, middleware
from integrations.models import AuditEntry, Membership
from tests import factories

GOOD_QUEUE = {
    "timeout": 60, "retry": 90, "catch_up": False, "max_attempts": 3, "queue_limit": 1,
    "broker_class": "integrations.jobs.Queue",
}  # fmt: skip


def found() -> set[str]:
    return {problem.id for problem in run_checks() if problem.id and problem.id.startswith("salesmsg")}


def test_the_settings_of_the_tests_pass():
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *(("FIELD_ENCRYPTION_KEYS", keys, "salesmsg.E001") for keys in ([], ["no-key"], ["ü"])),
        *(("SALESMSG_RATE_LIMIT", limit, "salesmsg.E002") for limit in (0, -1)),
        *(("SALESMSG_RATE_PERIOD", period, "salesmsg.E002") for period in (0, -1.0)),
        *(
            (name, address, "salesmsg.E003")
            for name in ("SALESMSG_BASE_URL", "SALESMSG_TOKEN_URL", "SALESMSG_REFRESH_URL")
            for address in ("http://api.example.com/x", "ftp://localhost", "", "http://localhost.example.com")
        ),
        *(
            ("Q_CLUSTER", GOOD_QUEUE | change, "salesmsg.E004")
            for change in (
                {"retry": 60},
                {"retry": 59},
                {"timeout": None},
                {"timeout": 40},
                {"catch_up": True},
                {"max_attempts": 0},
                {"queue_limit": 2},
                {"bulk": 10},
                {"broker_class": "django_q.brokers.orm.ORM"},
            )
        ),
        *(("SALESMSG_TIMEOUT", times, "salesmsg.E005") for times in ((5.0,), (0.0, 35.0), (5.0, 90.0))),
        ("SALESMSG_ACCEPTS_FOR", 79.0, "salesmsg.E005"),
        *(("QUIET_HOURS", hours, "salesmsg.E006") for hours in ("21", "21-25", "nine-five")),
        ("Q_CLUSTER", GOOD_QUEUE | {"redis": "redis://localhost"}, "salesmsg.W002"),
    ],
)
def test_each_check_fires(settings, name, value, expected):
    setattr(settings, name, value)
    assert expected in found()


@pytest.mark.parametrize("missing", ["timeout", "retry", "catch_up", "max_attempts", "queue_limit", "broker_class"])
def test_the_queue_of_defaults_is_refused(settings, missing):
    settings.Q_CLUSTER = {name: value for name, value in GOOD_QUEUE.items() if name != missing}
    assert "salesmsg.E004" in found()


def test_a_second_key_that_is_none_is_named_by_its_place_not_its_value(settings):
    settings.FIELD_ENCRYPTION_KEYS = [*settings.FIELD_ENCRYPTION_KEYS, "my-secret-that-is-no-key"]
    problems = [problem for problem in run_checks() if problem.id == "salesmsg.E001"]
    assert "Key 2" in problems[0].msg
    assert "my-secret" not in str(problems[0])


def test_loopback_may_be_plain(settings):
    for name in ("SALESMSG_BASE_URL", "SALESMSG_TOKEN_URL", "SALESMSG_REFRESH_URL"):
        setattr(settings, name, "http://127.0.0.1:8900/x")
    assert found() == set()


# --- the policy ---------------------------------------------------------------------------------------------------


def policy(client: Client, path: str) -> dict[str, str]:
    header = client.get(path).headers["Content-Security-Policy"]
    return {rule.split()[0]: " ".join(rule.split()[1:]) for rule in header.split(";")}


@pytest.mark.parametrize("path", ["/healthz", "/admin/login/", "/accounts/", "/nowhere", "/webhooks/salesmsg/x/"])
def test_every_answer_carries_the_policy(client, db, path):
    rules = policy(client, path)
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in str(rules)


def test_forms_may_lead_to_the_consent_page_and_nowhere_else(settings, db):
    settings.SALESMSG_AUTHORIZE_URL = "https://app.salesmessage.com/auth/oauth?x=1"
    assert policy(Client(), "/healthz")["form-action"] == "'self' https://app.salesmessage.com"


@pytest.mark.parametrize("base", ["https://api.salesmessage.com", "http://127.0.0.1:8900"])
def test_pictures_only_from_the_portal(settings, db, base):
    settings.SALESMSG_BASE_URL = base
    told = policy(Client(), "/healthz")
    assert told["img-src"] == "'self' blob:"
    assert told["default-src"] == "'none'"
    assert "media-src" not in told


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        *(
            (odd, "UTC")
            for odd in ("", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 5000, "ü", "\0")
        ),
    ],
)
def test_the_zone_of_the_viewer(cookie, zone):
    seen = []
    request = RequestFactory().get("/")
    request.COOKIES["tz"] = cookie
    middleware.viewer_time_zone(lambda _: seen.append(timezone.get_current_timezone_name()))(request)
    assert seen == [zone]
    assert timezone.get_current_timezone_name() == "UTC", "the next request starts fresh"


# --- health -------------------------------------------------------------------------------------------------------


def test_live_without_a_database(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready(client, db):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


def test_not_ready_while_a_migration_is_missing(client, db):
    MigrationRecorder.Migration.objects.filter(app="integrations").delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "migrations pending"})


def test_not_ready_without_a_database(client, monkeypatch):
    def gone(_):
        raise OperationalError("could not connect to server: secret-host:5432")

    monkeypatch.setattr(health, "MigrationExecutor", gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "secret-host" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_only_read(client, path):
    assert client.post(path).status_code == 405


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "staff", "superuser", "active", "may"),
    [
        (None, True, False, True, False),
        (Membership.Role.AGENT, True, False, True, False),
        (Membership.Role.MANAGER, True, False, True, True),
        (Membership.Role.MANAGER, False, False, True, False),
        (Membership.Role.MANAGER, True, False, False, False),
        (None, True, True, True, True),
        (None, False, True, True, False),
        (None, True, True, False, False),
    ],
)
def test_who_manages(db, role, staff, superuser, active, may):
    account, other = factories.connected_account(), factories.connected_account("Northside Clinic")
    user = factories.person("somebody", superuser=superuser, is_staff=staff)
    user.is_active = active
    user.save()
    if role:
        factories.membership(user, account, role)
    assert access.can_manage(user, account) == access.can_connect(user) == may
    assert access.can_manage(user, other) == (may and superuser)


def test_the_audit_keeps_its_measure(db):
    access.record_audit(None, AuditEntry.Action.SYNC_PAUSED, None, bulk=7, fields=["first_name", "email"])
    assert AuditEntry.objects.get().detail == "bulk text 7 · first_name, email"
