"""The schema: migrations are complete, apply, and leave what the code relies on."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_ready_says_so(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
def test_sqlite_begins_with_the_write_lock():
    """What keeps read-then-write transactions of several processes from being refused."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own matter")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
    other = connection.copy("other")
    try:
        with transaction.atomic():
            other.settings_dict["OPTIONS"] = other.settings_dict["OPTIONS"] | {"timeout": 0.05}
            with pytest.raises(Exception, match="locked"), other.cursor() as cursor:
                cursor.execute("BEGIN IMMEDIATE")
    finally:
        other.close()
