"""The commands against a vendor written independently of the product: see choices.py for all it may do.

More seeds: ``SECONDVENDOR_SEEDS=100-140 python -m pytest tests/secondvendor -k whole_life``.
"""

import os
import time
from datetime import timedelta

import pytest

from .cache import Portal, differences
from .data import moment
from .play import change
from .server import BAD_NUMBER, Vendor

pytestmark = [pytest.mark.processes]
SEEDS = os.environ.get("SECONDVENDOR_SEEDS", "10")
FIRST, _, LAST = SEEDS.partition("-")
NEW, LATE = "+14155550123", "+14155550777"


def kept_the_limit(vendor: Vendor) -> None:
    assert vendor.limit.refused == 0
    assert vendor.limit.most() <= vendor.limit.limit


def sends(vendor: Vendor, portal: Portal, number: str, text: str, code: int, posts: int, wait: int = 60) -> None:
    done = portal.send(number, text, expect=None, wait=wait)
    taken = [row for row in vendor.sent if row["text"] == text]
    assert (done.returncode, len(taken)) == (code, posts), f"{text}: {done.stderr}"


def somebody(vendor: Vendor, *, textable: bool = True, talked: bool = True) -> str | None:
    """The number of such a contact."""
    account = vendor.account
    known = {row["contact_id"] for row in account.conversations.values()}
    for row in account.contacts.values():
        if account.textable(row) == textable and (row["id"] in known) == talked:
            return row["number"]
    return None


each_seed = pytest.mark.parametrize(
    "seed", range(int(FIRST), int(LAST) + 1) if LAST else [int(seed) for seed in SEEDS.split(",")]
)


@each_seed
def test_a_whole_life_is_read(meet, seed):
    vendor, portal = meet(seed, locked_thread=None)
    portal.sync()
    assert differences(vendor, portal) == []
    assert portal.sync()["changed"] == 0
    change(vendor)
    assert portal.sync()["changed"] > 0
    assert differences(vendor, portal) == []
    status = portal.status()
    assert status["state"] == "connected"
    assert status["contacts"] == len(vendor.account.contacts)
    assert status["conversations"] == len(vendor.account.conversations)
    kept_the_limit(vendor)


@each_seed
def test_a_whole_life_is_written(meet, seed):
    vendor, portal = meet(seed, locked_thread=None)
    change(vendor)
    portal.sync()
    known, unheard = somebody(vendor) or NEW, somebody(vendor, talked=False)
    out = somebody(vendor, textable=False)
    sends(vendor, portal, known, "Hi & <b>hello</b>\nsecond line", 0, 1)
    sends(vendor, portal, NEW, "Hi, you are new", 0, 1)
    if unheard:
        sends(vendor, portal, unheard, "Hi, the first text", 0, 1)
    if out:
        sends(vendor, portal, out, "must not leave", 1, 0)
    sends(vendor, portal, known, "please refuse me", 1, 1)
    with vendor.lock:
        vendor.account.add_contact(LATE, opt_out=True)
    sends(vendor, portal, LATE, "opted out, and we do not know it", 1, 0)
    settled(vendor, portal)


@each_seed
def test_a_whole_life_with_a_lost_answer(meet, seed):
    vendor, portal = meet(seed, locked_thread=None)
    change(vendor)
    portal.sync()
    known = somebody(vendor) or NEW
    sends(vendor, portal, known, "Hi", 0, 1)
    time.sleep(1)  # what two texts in one second do is another test's matter
    vendor.trouble = {"POST /messages": "drop"}
    sends(vendor, portal, known, "the answer is lost", 2, 1, wait=4)
    time.sleep(1)
    portal.sync()
    settled(vendor, portal)
    own = portal.rows("SELECT text, state FROM integrations_message WHERE client_uuid IS NOT NULL")
    lost = [row["state"] for row in own if row["text"] == "the answer is lost"]
    assert lost in (["sent"], ["delivered"])


def settled(vendor: Vendor, portal: Portal) -> None:
    """After one more sync the cache holds what the vendor does, and every text left at most once."""
    portal.sync()
    assert differences(vendor, portal) == []
    texts = [row["text"] for row in vendor.sent]
    assert len(texts) == len(set(texts)), "something was sent twice"
    status = portal.status()
    assert status["state"] == "connected"
    assert status["outbox"]["queued"] == status["outbox"]["sending"] == status["outbox"]["unknown"] == 0
    kept_the_limit(vendor)


def test_a_number_that_cannot_be_texted(meet):
    vendor, portal = meet(3, size="empty", refusal="422")
    portal.sync()
    sends(vendor, portal, BAD_NUMBER, "to nobody", 1, 1)


def test_a_token_that_lives_for_seconds(meet):
    """It rotates under a sync that must wait for the limit, and nothing is lost."""
    vendor, portal = meet(5, size="middle", token="jwt_exp", limit=20, period=2.0, locked_thread=None)
    vendor.life = 5  # from the next token on: until the first call processes may start as slowly as they do
    portal.write("UPDATE integrations_credential SET renew_at = '2026-01-01 00:00:00'")
    portal.sync()
    assert vendor.renewals >= 2
    assert differences(vendor, portal) == []
    kept_the_limit(vendor)


def test_one_conversation_is_somebody_elses(meet):
    vendor, portal = meet(4, size="small", locked_thread=403)
    portal.sync()
    assert differences(vendor, portal) == []


def test_short_pages_in_the_middle(meet):
    vendor, portal = meet(
        4, size="middle", contacts="meta", short_pages=True, contacts_length=False, locked_thread=None
    )
    portal.sync()
    assert differences(vendor, portal) == []


@pytest.mark.parametrize("envelope", ["meta", "data"])
def test_threads_told_oldest_first(meet, envelope):
    vendor, portal = meet(
        4, size="small", paginated=envelope, paginated_order="oldest", thread_cap=20, locked_thread=None
    )
    account = vendor.account
    talk = next(row for row in account.conversations.values() if not row["closed_at"])
    with vendor.lock:
        for step in range(50):
            account.add_message(talk, f"Before {step}", "received", moment() - timedelta(hours=1))
    portal.sync()
    with vendor.lock:
        for step in range(5):
            account.add_message(talk, f"After {step}", "received")
    portal.sync()
    assert differences(vendor, portal) == []


def test_values_go_away_with_their_keys(meet):
    vendor, portal = meet(101, size="middle", empty="missing", opt_out="flag", unread="unread", locked_thread=None)
    portal.sync()
    account = vendor.account
    talks = list(account.conversations.values())
    closed = next(row for row in talks if row["closed_at"])
    owned = next(row for row in talks if row["owner_id"] and row is not closed)
    with vendor.lock:
        account.add_message(closed, "I am back", "received")
        account.add_message(owned, "Hello?", "received")
        owned["owner_id"] = None
        person = next(row for row in account.contacts.values() if row["opt_out"])
        person |= {"opt_out": False, "opt_out_at": None, "owner_id": None, "updated_at": moment()}
    portal.sync()
    assert differences(vendor, portal) == []


def test_a_second_text_in_the_same_second(meet):
    vendor, portal = meet(103, size="small", last_message="absent", locked_thread=None)
    # The vendor's clock is ahead, so that the first sync, however slow this machine is, still reads within that second.
    account, now = vendor.account, moment() + timedelta(minutes=1)
    talk = next(row for row in account.conversations.values() if not row["closed_at"])
    with vendor.lock:
        account.add_message(talk, "one", "received", now)
    portal.sync()
    with vendor.lock:
        account.add_message(talk, "two", "received", now)
    portal.sync()
    assert differences(vendor, portal) == []
