"""The webhook's address: only the secret opens it, everything that can be stored is stored, nothing is believed."""

import contextlib
import json
import logging
import socket
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from integrations.models import Account, Contact, Conversation, Message, WebhookEvent
from integrations.webhooks import views
from integrations.webhooks.views import LARGEST
from salesmsg_portal.demo import Process
from tests import factories
from tests.harness.environment import around
from tests.harness.sandbox import free_port, wait_for
from tests.tokens.vendor import at_once, database_url, queued, stored

RECEIVED = {"event": "message.received", "data": {"message": {"id": 7, "conversation_id": 9, "body": "Hello"}}}


@pytest.fixture
def account(db):
    return factories.connected_account()


def address(account, secret=None) -> str:
    return f"/webhooks/salesmsg/{secret or factories.SECRET.format(account.label)}/".replace(" ", "%20")


def post(account, body, client=None, **how):
    body = json.dumps(body) if isinstance(body, dict) else body
    return (client or Client(enforce_csrf_checks=True)).post(
        address(account), body, content_type=how.pop("content_type", "application/json"), **how
    )


def test_an_event_is_stored_as_it_came_and_queued(account, django_capture_on_commit_callbacks):
    before = timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(account, RECEIVED)
    assert (answer.status_code, answer.content) == (200, b"OK")
    event = WebhookEvent.objects.get()
    assert json.loads(event.body) == RECEIVED
    assert (event.account, event.name, event.state) == (account, "message.received", WebhookEvent.State.NEW)
    assert queued() == [("integrations.tasks.process_events", (account.pk,))]
    account.refresh_from_db()
    assert account.last_event_at >= before


def test_its_words_are_not_believed(account):
    """Anyone who learns the address can write anything: none of it reaches the cache."""
    forged = {
        "event": "message.received",
        "data": {
            "message": {"id": 7, "conversation_id": 9, "body": "Pay to my account"},
            "contact": {"id": 5, "number": "+13055550142", "first_name": "Mallory"},
            "organization_id": 666,
        },
    }
    assert post(account, forged).status_code == 200
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()
    assert not Contact.objects.exists()
    hits = {where for where, text in stored() if "Mallory" in text or "Pay to my" in text}
    assert hits == {"integrations_webhookevent.body"}


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "delete"])
@pytest.mark.parametrize("secret", ["wrong", "webhook-secret-of-", "%00", "ü", "a" * 3000, "%ed%a0%80"])
def test_a_wrong_secret_is_not_found(account, method, secret):
    answer = getattr(Client(), method)(address(account, secret))
    assert answer.status_code == 404
    assert not WebhookEvent.objects.exists()
    account.refresh_from_db()
    assert account.last_event_at is None


def test_the_digest_of_the_secret_is_no_secret(account):
    """What the database shows does not open the door."""
    assert Client().post(address(account, account.webhook_digest)).status_code == 404


def test_each_account_has_its_own(account):
    other = factories.connected_account("Northside Clinic")
    post(other, RECEIVED)
    assert WebhookEvent.objects.get().account == other


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_is_answered(account, method):
    answer = getattr(Client(), method)(address(account))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(account, method):
    answer = getattr(Client(), method)(address(account))
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 200), (LARGEST + 1, 413), (5_000_000, 413)])
def test_the_bound(account, size, status):
    assert post(account, "x" * size).status_code == status
    assert WebhookEvent.objects.count() == (status == 200)


@pytest.mark.parametrize("announced", ["0", "10", "-1", "many", "", str(10**30)])
def test_a_length_that_lies(account, announced):
    answer = post(account, "x" * 1000, CONTENT_LENGTH=announced)
    assert answer.status_code == (413 if announced == str(10**30) else 200)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"text"',
        '{"event": 7}',
        '{"event": null}',
        '{"event": {"a": 1}}',
        '{"event": "' + "n" * 500 + '"}',
        '{"event": "nul\\u0000nul"}',
        '{"event": "half\\ud800half"}',
        '{"event": "\\udfff"}',
        "nul\0nul",
        b"\xff\xfe\x00\x80",
        "emoji 🎉 שלום",
        "[" * 200_000,
        '{"event":' * 25_000,
        '{"event": ' + "9" * 10_000 + "}",
        '{"event": NaN}',
        "<html>",
        "a=1&b=2",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_odd_bodies_are_kept(account, body):
    answer = post(account, body)
    assert answer.status_code == 200
    event = WebhookEvent.objects.get()
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    assert event.body == text.replace("\0", "")
    assert len(event.name) <= 120


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"])
def test_any_content_type(account, kind):
    assert post(account, json.dumps(RECEIVED), content_type=kind).status_code == 200
    assert WebhookEvent.objects.get().name == "message.received"


def test_copies_within_ten_minutes_are_counted(account, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(4):
            assert post(account, RECEIVED).status_code == 200
    event = WebhookEvent.objects.get()
    assert event.repeats == 3
    assert len(queued()) == 1
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=10, seconds=1))
    post(account, RECEIVED)
    assert sorted(WebhookEvent.objects.values_list("repeats", flat=True)) == [0, 3]


def test_what_differs_is_no_copy(account):
    other = factories.connected_account("Northside Clinic")
    post(account, RECEIVED)
    post(account, RECEIVED | {"event": "message.sent"})
    post(other, RECEIVED)
    assert list(WebhookEvent.objects.values_list("repeats", flat=True)) == [0, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_copies_at_the_same_moment_are_one_event():
    account = factories.connected_account()
    answers = at_once(8, lambda _: post(account, RECEIVED).status_code)
    assert answers == [200] * 8
    assert WebhookEvent.objects.get().repeats == 7
    assert len(queued()) == 1


def test_an_account_that_is_disconnected_still_keeps_what_comes(account):
    Account.objects.update(state=Account.State.DISCONNECTED)
    assert post(account, RECEIVED).status_code == 200
    assert WebhookEvent.objects.count() == 1


def test_the_secret_in_the_path_is_not_logged(account, caplog, monkeypatch):
    """Django names the path of every refused and every crashed request."""
    caplog.set_level(logging.DEBUG)
    client = Client(raise_request_exception=False)
    assert post(account, "x" * (LARGEST + 1), client).status_code == 413
    assert client.put(address(account)).status_code == 405
    assert client.post(address(account, "an-older-secret")).status_code == 404
    monkeypatch.setattr(views, "writer", None)
    assert post(account, RECEIVED, client).status_code == 500
    lines = [record.getMessage() for record in caplog.records if record.name == "django.request"]
    assert len(lines) == 4
    assert all("/webhooks/salesmsg/…/" in line for line in lines)
    assert "webhook-secret-of" not in caplog.text
    assert "an-older-secret" not in caplog.text


# --- without Content-Length, through a real server ------------------------------------------------------------------


@pytest.fixture
def served(transactional_db, tmp_path):
    """gunicorn, as the demo and the image have it, on the database of this test."""
    port = free_port()
    environment = around() | {
        "DJANGO_SETTINGS_MODULE": "salesmsg_portal.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "DATABASE_URL": database_url(),
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    process = Process("web", [*command, "salesmsg_portal.wsgi"], environment, tmp_path / "web.log")

    def up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for("the web server listens", up)
    yield port
    process.terminate()
    process.finish(5)


def chunked(port: int, path: str, chunks: list[bytes]) -> int:
    """Posts in chunks, without saying how long it will be; the status."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        wire.sendall(head.encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have heard enough
            for chunk in chunks:
                wire.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            wire.sendall(b"0\r\n\r\n")
        return int(wire.recv(100).split()[1])


@pytest.mark.processes
def test_a_body_without_a_length(served):
    account = factories.connected_account()
    body = json.dumps(RECEIVED).encode()
    assert chunked(served, address(account), [body[:10], body[10:]]) == 200
    assert json.loads(WebhookEvent.objects.get().body) == RECEIVED
    assert chunked(served, address(account), [b"x" * LARGEST]) == 200
    assert chunked(served, address(account), [b"x" * LARGEST, b"x"]) == 413
    assert WebhookEvent.objects.count() == 2
