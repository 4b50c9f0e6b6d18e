"""The limit (section 3) and what /sandbox/state reports."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from integrations.sandbox import limit


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """The limit's clock: stands still until the test adds seconds to `clock.now`."""
    hand = SimpleNamespace(now=100.0)
    monkeypatch.setattr(limit, "time", SimpleNamespace(monotonic=lambda: hand.now))
    return hand


def test_one_too_many_blocks_everything_for_a_period(start, clock):
    vendor = start(rate=6, period=60)
    other = vendor.pat()
    assert [vendor.get("/user").status_code for _ in range(6)] == [200] * 6
    over = vendor.get("/user")
    assert (over.status_code, over.json()) == (429, {"message": "Too Many Requests"})
    assert not [name for name in over.headers if "ratelimit" in name.lower() or name == "Retry-After"]
    vendor.use(other)  # another token of the same organisation
    assert vendor.get("/contacts").status_code == 429
    assert vendor.post("/messages/1", params={"message": "x"}).status_code == 429
    assert vendor.get("/nowhere").status_code == 429
    state = vendor.state()  # own addresses are outside the limit
    assert state["too_many"] == 4 and state["status"] == {"200": 6, "429": 4} and state["messages"] == []
    clock.now += 59
    assert vendor.get("/user").status_code == 429
    clock.now += 2
    assert vendor.get("/user").status_code == 200


def test_the_window_slides(start, clock):
    vendor = start(rate=4, period=60)
    for _ in range(2):
        vendor.get("/user")
    clock.now += 40
    for _ in range(2):
        vendor.get("/user")
    clock.now += 30  # the first two have left, the other two have not
    assert [vendor.get("/user").status_code for _ in range(3)] == [200, 200, 429]


def test_many_at_once_are_counted_right(start, clock):
    vendor = start(rate=30, period=20)

    def call(_):
        return vendor.get("/user").status_code

    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(call, range(60)))
    assert states.count(200) == 30 and states.count(429) == 30
    state = vendor.state()
    assert state["requests"] == 60 and state["max_in_period"] == 60 and state["rate"] == 30


def test_token_calls_count_where_the_credential_is_known(start, clock):
    vendor = start(rate=2, period=30)
    code = vendor.code()
    assert vendor.token(grant_type="refresh_token", refresh_token="unknown").status_code == 400
    pair = vendor.exchange(code=code).json()
    again = vendor.token(grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert again.status_code == 200
    third = vendor.token(grant_type="refresh_token", refresh_token=again.json()["refresh_token"])
    assert third.status_code == 429
    anonymous = vendor.token(grant_type="refresh_token", refresh_token="unknown")
    assert anonymous.status_code == 400


def test_state_tells_what_came(start):
    vendor = start()
    contact = vendor.any_contact()
    thread = vendor.thread_of(contact)["id"]
    for text in ("one", "two", "three"):
        vendor.post(f"/messages/{thread}", params={"message": text})
    vendor.get("/contacts", page=1)
    vendor.put(f"/api/v4/contacts/{contact['id']}", json={"first_name": "Newname"})
    vendor.get("/nowhere")
    vendor.get("/nowhere", token="x")
    state = vendor.state()
    assert state["requests"] == sum(state["by_endpoint"].values()) == 8
    assert state["by_endpoint"]["POST /messages/{conversation}"] == 3
    assert state["by_endpoint"]["GET (unknown)"] == 2
    assert state["by_endpoint"]["PUT /api/v4/contacts/{contact}"] == 1
    assert [m["body"] for m in state["messages"]] == ["one", "two", "three"]
    first = state["messages"][0]
    assert first["conversation_id"] == thread and first["contact_id"] == contact["id"] and first["user_id"] == 60031
    assert first["id"] and first["at"] and first["status"] and 0 <= time.time() - first["received"] < 60
    assert state["contacts_edited"][0]["changes"] == {"first_name": "Newname"}
    assert state["webhooks"] == {"sent": 0, "failed": 0}
    vendor.own("reset-counters", {})
    empty = vendor.state()
    assert empty["requests"] == empty["max_in_period"] == 0 and empty["messages"] == empty["contacts_edited"] == []


def test_the_most_in_any_period_is_remembered(start, clock):
    vendor = start(rate=100, period=60)
    for _ in range(7):
        vendor.get("/user")
    clock.now += 61
    vendor.get("/user")
    assert vendor.state()["max_in_period"] == 7
