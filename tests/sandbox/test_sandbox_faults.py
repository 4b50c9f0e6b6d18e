"""Trouble on demand, and whether the write took effect."""

import time

import pytest
import requests

from integrations.sandbox import faults


@pytest.fixture
def trouble(start):
    """A sandbox, one of its threads, and a way to make trouble for sends only."""
    vendor = start(contacts=5)
    thread = vendor.thread_of(vendor.any_contact())["id"]

    def make(kind: str, **more):
        vendor.own("faults", {"kind": kind, "match": "POST /messages"} | more)

    def send():
        return vendor.post(f"/messages/{thread}", params={"message": "Did it arrive?"}, timeout=60)

    def arrived() -> int:
        return len(vendor.state()["messages"])

    return vendor, make, send, arrived


@pytest.mark.parametrize(("kind", "effect"), [("drop-before", 0), ("drop-after", 1)])
def test_a_dropped_connection(trouble, kind, effect):
    vendor, make, send, arrived = trouble
    make(kind)
    with pytest.raises(requests.ConnectionError):
        send()
    state = vendor.state()
    assert arrived() == effect and state["by_endpoint"]["POST /messages/{conversation}"] == 1
    assert state["status"]["dropped"] == 1
    assert vendor.get("/user").status_code == 200  # no other call is hit
    vendor.own("faults", {"kind": "none"})
    assert send().status_code == 200 and arrived() == effect + 1


@pytest.mark.parametrize(("kind", "status", "effect"), [("500", 500, 0), ("504", 504, 1)])
def test_server_errors(trouble, kind, status, effect):
    _, make, send, arrived = trouble
    make(kind)
    answer = send()
    assert answer.status_code == status and answer.json()["message"] and arrived() == effect


def test_half_an_answer(trouble):
    _, make, send, arrived = trouble
    make("truncate")
    answer = send()
    assert answer.status_code == 200 and arrived() == 1
    with pytest.raises(ValueError):
        answer.json()


def test_a_connection_that_breaks_within_the_answer(trouble):
    _, make, send, arrived = trouble
    make("cut")
    with pytest.raises(requests.RequestException):
        send()
    assert arrived() == 1


def test_html_instead_of_json(trouble):
    _, make, send, arrived = trouble
    make("html")
    answer = send()
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE") and arrived() == 0


def test_slow_answers_come_after_all(trouble):
    _, make, send, arrived = trouble
    make("slow", seconds=0.3)
    began = time.monotonic()
    assert send().status_code == 200 and time.monotonic() - began >= 0.3 and arrived() == 1


def test_429_out_of_the_blue_blocks(trouble):
    vendor, make, send, arrived = trouble
    make("429", count=1)
    assert send().status_code == 429 and arrived() == 0
    assert vendor.get("/user").status_code == 429
    vendor.own("reset-counters", {})
    assert vendor.get("/user").status_code == 200


def test_a_count_runs_out_and_a_share_is_kept(trouble):
    vendor, make, send, _ = trouble
    make("500", count=2)
    assert [send().status_code for _ in range(4)] == [500, 500, 200, 200]
    make("500", share=0.5)
    states = [send().status_code for _ in range(60)]
    assert 15 < states.count(500) < 45
    assert vendor.own("faults")[0]["hits"] == states.count(500)


def test_faults_by_flag(start):
    vendor = start(contacts=1, faults=("slow=0.2:1:GET /user", "500:1:GET /teams"))
    assert vendor.get("/teams").status_code == 500
    began = time.monotonic()
    assert vendor.get("/user").status_code == 200 and time.monotonic() - began >= 0.2


@pytest.mark.parametrize("text", ["nonsense", "500:2", "slow=x", "500:a"])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError):
        faults.parse(text)


def test_nonsense_by_http_is_refused(vendor):
    answer = vendor.session.post(f"{vendor.url}/sandbox/faults", json={"kind": "earthquake"})
    assert answer.status_code == 422 and "earthquake" in answer.json()["message"]
    answer = vendor.session.post(f"{vendor.url}/sandbox/settings", json={"webhook": "ftp://x", "speed": 1})
    assert answer.status_code == 422 and "speed" in answer.json()["message"]
