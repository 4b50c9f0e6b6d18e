"""A write that a user waits for begins when the writer is free, and waits no longer than any other."""

import sqlite3
import threading

import pytest
from django.db import OperationalError, connection, transaction

from integrations.db.immediate_transaction import immediate_transaction
from integrations.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer():
    """Another writer; SQLite only."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own matter")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def waits() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        return cursor.fetchone()[0]


def test_it_waits_for_the_writer(writer):
    before = waits()
    threading.Timer(0.1, writer.execute, ["COMMIT"]).start()
    with immediate_transaction():
        assert waits() == before, "what follows may wait as long as ever"
        Heartbeat.objects.create(name="soon")
    assert Heartbeat.objects.filter(name="soon").exists()
    assert waits() == before


def test_it_gives_up_after_the_databases_patience(writer, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with pytest.raises(OperationalError, match="locked"), immediate_transaction():
        Heartbeat.objects.create(name="never")
    writer.execute("COMMIT")
    with immediate_transaction():
        Heartbeat.objects.create(name="later")
    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["later"]


def test_it_is_a_transaction():
    with pytest.raises(ZeroDivisionError), immediate_transaction():
        Heartbeat.objects.create(name="undone")
        raise ZeroDivisionError
    with transaction.atomic():
        with immediate_transaction():
            Heartbeat.objects.create(name="inner")
        transaction.set_rollback(True)
    assert not Heartbeat.objects.exists()
