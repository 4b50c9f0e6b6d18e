"""Every envelope of section 4, and nothing else."""

import pytest

from integrations.salesmsg.errors import Unreadable
from integrations.salesmsg.pages import Meta, one_or_many, rows, single

ROWS = [{"id": 1}, {"id": 2}]
META = {"current_page": 2, "last_page": 9, "per_page": 10, "total": 83}
READ = Meta(total=83, last_page=9, page=2)


@pytest.mark.parametrize(
    ("payload", "meta"),
    [
        (ROWS, Meta()),
        ({"data": ROWS}, Meta()),
        ({"data": ROWS, "meta": META, "links": {"next": None}}, READ),
        ({"data": ROWS, "meta": {"total": "83", "last_page": "9", "current_page": "2"}}, READ),
        ({"data": ROWS, "meta": None}, Meta()),
        ({"data": ROWS, "meta": []}, Meta()),
        ({"data": ROWS, **META, "from": 11, "next_page_url": None}, READ),
        ({"results": ROWS}, Meta()),
        ({"results": ROWS, "tags": []}, Meta()),
        ({"data": {"conversations": ROWS}}, Meta()),
        ({"data": {"conversations": ROWS}, "meta": META}, READ),
        ({"data": {"data": ROWS, **META}}, READ),
        *[
            ({key: ROWS}, Meta())
            for key in ["conversations", "messages", "contacts", "teams", "numbers", "tags", "members"]
        ],
    ],
)
def test_rows(payload, meta):
    assert rows(payload, "GET /x") == (ROWS, meta)


@pytest.mark.parametrize("payload", [None, [], {"data": []}, {"results": []}, {"data": {"messages": []}}])
def test_empty_pages(payload):
    assert rows(payload, "GET /x")[0] == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        "",
        "words",
        7,
        True,
        {"message": "Server Error"},
        {"message": "No.", "errors": []},
        {"data": None},
        {"data": {}},
        {"data": "x"},
        {"data": {"id": 1, "tags": ROWS}},
        {"id": 1, "tags": ROWS},  # one contact
        {"conversations": ROWS, "contacts": ROWS},
        {"unheard_of": ROWS},
        ["a", "b"],
        [ROWS],
        {"data": [{"id": 1}, None]},
        {"messages": ["The number is wrong."]},
    ],
)
def test_anything_else_is_loud(payload):
    with pytest.raises(Unreadable) as caught:
        rows(payload, "GET /x")
    assert caught.value.endpoint == "GET /x"
    assert "GET /x" in str(caught.value)


ONE = {"id": 5, "name": "x", "contact": {"id": 6}}


@pytest.mark.parametrize(
    "payload",
    [
        ONE,
        {"data": ONE},
        {"contact": ONE},
        {"message": ONE},
        {"data": {"conversation": ONE}},
        {"message": "Saved.", "contact": ONE},
        {"contact": ONE, "conversation": {"name": "without id"}},
    ],
)
def test_single(payload):
    assert single(payload, "PUT /x") is ONE


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        [ONE],
        {},
        "x",
        {"id": None},
        {"id": 0},
        {"id": ""},
        {"name": "x"},
        {"data": [ONE]},
        {"data": None},
        {"data": {"name": "x"}},
        {"contact": ONE, "conversation": ONE},  # which?
        {"type": "success", "message": "Done"},
        {"error": {"name": "mockRequestNotFoundError"}},
    ],
)
def test_no_single(payload):
    with pytest.raises(Unreadable):
        single(payload, "PUT /x")


def test_ids_as_strings_count():
    assert single({"id": "5"}, "x") == {"id": "5"}


@pytest.mark.parametrize(
    ("payload", "ids"),
    [
        (None, []),
        ([], []),
        (ROWS, [1, 2]),
        ({"data": ROWS}, [1, 2]),
        (ONE, [5]),
        ({"data": ONE}, [5]),
        ({"id": 5, "messages": [{"id": 8}]}, [5]),
    ],
)
def test_one_or_many(payload, ids):
    assert [row["id"] for row in one_or_many(payload, "x")] == ids


def test_neither_one_nor_many():
    with pytest.raises(Unreadable):
        one_or_many({"message": "What?"}, "x")
