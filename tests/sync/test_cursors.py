"""Cursors are typed, and rows that the previous release stored are read."""

import pytest

from integrations.models import SyncRun, SyncStream, ThreadSync
from integrations.sync import request
from integrations.sync.checkpoints import ListCursor, NumberedPages
from integrations.sync.contacts import ContactsCursor
from integrations.sync.conversations import ConversationsCursor
from integrations.sync.deletions import MissingRows
from integrations.sync.messages import MessagesCursor
from integrations.sync.thread import ThreadCursor

from .support import connected, differences, finish

SKIPPED = {"code": "list_skipped", "params": {"list": "tags"}, "quote": ""}
TIME = "2026-01-02T03:04:05+00:00"

# What the previous release stored, in the middle of a run.
STORED_BEFORE = [
    ({"skipped": SKIPPED}, ListCursor(skipped=SKIPPED)),
    ({"page": 3, "idle": 2, "ids": [7, 8]}, NumberedPages(page=3, idle_pages=2, page_ids=(7, 8))),
    (
        {"how": "pages", "page": 4, "began_with": 25, "again": True, "listed": 20, "idle": 0, "ids": [1]},
        ContactsCursor(endpoint="pages", page=4, expected=25, second_pass=True, seen_before=20, page_ids=(1,)),
    ),
    (
        {"quick": True, "how": "list", "page": 2, "ordered": False, "head": TIME, "idle": 0, "ids": [1]},
        ContactsCursor(quick=True, endpoint="list", page=2, ordered=False, newest=TIME, page_ids=(1,)),
    ),
    (
        {"all": True, "how": "pages", "page": 2, "ordered": False, "idle": 0, "ids": [1]},
        ContactsCursor(whole_list=True, endpoint="pages", page=2, ordered=False, page_ids=(1,)),
    ),
    (
        {"head": TIME, "offset": 98, "overlaps": True, "ordered": False, "idle": 1, "ids": [1, 2]},
        ConversationsCursor(
            newest=TIME, offset=98, overlaps=True, ordered=False, idle_pages=1, page_ids=(1, 2)
        ),
    ),
    ({"planned": True, "place": [TIME, 12], "refused": 2}, MessagesCursor(True, (TIME, 12), 2)),
    ({"after": 0}, MissingRows(after=0)),
    (
        {
            "deep": True, "page": 2, "size": 100, "step": 1, "rising": True, "head": [1.5, 9], "ids": [9, 8],
            "pages": 1, "began": TIME, "held": True,
        },
        ThreadCursor(
            deep=True, page=2, size=100, step=1, oldest_first=True, newest=(1.5, 9), page_ids=(9, 8), pages=1,
            started_at=TIME, held_back=True,
        ),
    ),
    (
        {"deep": True, "before": 44, "head": [], "ids": [44]},
        ThreadCursor(deep=True, before=44, newest=(), page_ids=(44,)),
    ),
    ({"refused": TIME}, ThreadCursor(refused_as_of=TIME)),
]  # fmt: skip


@pytest.mark.parametrize("stored, cursor", STORED_BEFORE)
def test_a_cursor_of_the_previous_release_is_read(stored, cursor):
    assert type(cursor).from_json(stored) == cursor
    assert type(cursor).from_json(stored | {"unknown": 1}) == cursor
    assert set(cursor.to_json()) >= {"version"}


@pytest.mark.parametrize("cursor", [cursor for _, cursor in STORED_BEFORE])
def test_a_stored_cursor_reads_back_the_same(cursor):
    stored = cursor.to_json()
    assert stored["version"] == 1
    assert type(cursor).from_json(stored) == cursor
    assert type(cursor).from_json(stored | {"of a later release": 1}) == cursor


@pytest.mark.parametrize("kind", sorted({type(cursor) for _, cursor in STORED_BEFORE}, key=str))
def test_an_empty_row_is_the_beginning(kind):
    assert kind.from_json({}) == kind()


def test_a_thread_that_is_not_being_read_has_an_empty_cursor():
    assert ThreadCursor().to_json() == {}


def _as_before(kind, stored: dict) -> dict:
    """The cursor in the previous release's form, with every key it stored."""
    old = {field: key for key, field in kind.old_keys.items()}
    return {old.get(name, name): value for name, value in stored.items() if name != "version"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("start", [request.start_full, request.start_comparison])
def test_a_run_in_progress_goes_on_after_the_upgrade(world, start):
    """Before each step every cursor is as the previous release would have left it."""
    kinds = {"numbers": NumberedPages, "tags": NumberedPages, "contacts": ContactsCursor, "messages": MessagesCursor}
    kinds |= dict.fromkeys(("open", "closed", "outbound"), ConversationsCursor)
    seen = set()

    def downgrade(run):
        for stream in run.streams.all():
            kind = kinds.get(stream.name, ListCursor)
            if stream.cursor:
                seen.add(stream.name)
                SyncStream.objects.filter(pk=stream.pk).update(cursor=_as_before(kind, stream.cursor))
        for thread in ThreadSync.objects.exclude(cursor={}):
            ThreadSync.objects.filter(pk=thread.pk).update(cursor=_as_before(ThreadCursor, thread.cursor))

    run = finish(start(connected()), downgrade)
    assert run.state == SyncRun.State.DONE
    assert seen >= {"contacts", "deleted", "open", "lost", "messages", "tags"}
    assert differences(world) == []
