"""The inbox without a mouse, and updates that arrive while a user reads, types or has a menu open."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.harness.sandbox import wait_for

from . import states

pytestmark = [pytest.mark.browser]
FOCUS = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
ARRIVES = """
import time
from django.utils import timezone
from integrations.models import *
from tests import factories as make
for pk in PKS:
    talk = Conversation.objects.get(pk=pk)
    number = time.time_ns() // 1000
    make.message(talk, "WORDS", at=timezone.now(), vendor_id=number, rank=number)
    make.touch(talk)
print(json.dumps(True))
"""


@pytest.fixture
def filled(page: Page, scene):
    """The portal with every state in it, and a signed-in user."""
    ours, told = scene
    states.enter(page, ours, told["demo"])
    return ours, told["pks"]


def at(page: Page) -> str:
    return page.evaluate(FOCUS)


def test_a_day_without_a_mouse(page: Page, filled):
    ours, pks = filled
    page.goto(f"{ours.url}/inbox/")
    rows = page.locator("#rows .row-link")
    keys = page.keyboard
    page.evaluate("document.activeElement.blur()")

    # In the list j and k move and open nothing; at the end older ones come.
    keys.press("j")
    assert at(page) == rows.nth(0).get_attribute("id")
    keys.press("j")
    keys.press("k")
    assert at(page) == rows.nth(0).get_attribute("id")
    expect(page.locator("#pane > [data-open]")).to_have_count(0)
    shown = rows.count()
    rows.nth(shown - 1).focus()
    keys.press("j")
    expect(rows.nth(shown)).to_be_focused()

    # Enter opens, and the text can be typed at once; letters are letters then.
    page.locator(f"#row-{pks['every']}").focus()
    keys.press("Enter")
    expect(page.locator("#composer-text")).to_be_focused()
    keys.type("jrea/?gi")
    expect(page.locator("#composer-text")).to_have_value("jrea/?gi")

    # Escape goes to the messages, then to the list; r and Enter come back.
    keys.press("Escape")
    assert at(page) == "thread-scroll"
    keys.press("Enter")
    assert at(page) == "composer-text"
    keys.press("Escape")
    keys.press("Escape")
    assert at(page) == f"row-{pks['every']}"
    keys.press("r")
    assert at(page) == "composer-text"
    keys.press("Escape")

    # In a thread j opens the next one, and the reader stays a reader.
    before = page.url
    keys.press("j")
    expect(page).not_to_have_url(before)
    expect(page.locator("#thread-scroll")).to_be_focused()
    keys.press("k")
    expect(page).to_have_url(before)
    expect(page.locator("#thread-scroll")).to_be_focused()

    # The menu of a: arrows, the first letters, Escape; taking one keeps a place for the focus.
    expect(page.locator("#assign-menu")).to_have_attribute("aria-keyshortcuts", "a")
    keys.press("a")
    items = page.locator(".menu[open] .menu-item")
    expect(items.first).to_be_focused()
    keys.press("ArrowUp")
    expect(items.last).to_be_focused()
    keys.type("bea")
    expect(page.locator(".menu-item", has_text="Bea Lund")).to_be_focused()
    keys.press("Escape")
    assert at(page) == "assign-menu"
    keys.press("a")
    keys.type("car")
    keys.press("Enter")
    expect(page.locator("#assign-menu .menu-word")).to_have_text("Carla Diaz")
    assert at(page) == "assign-menu"
    keys.press("Escape")

    # In a panel that chooses something, letters are not for the page behind it.
    page.locator("#emoji-open").click()
    expect(page.locator("#emoji-panel .emoji").first).to_be_focused()
    keys.type("e")
    expect(page.locator("#emoji-panel")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#emoji-panel")).to_have_count(0)
    expect(page.locator("#close-button")).to_have_text("Close")
    keys.press("Escape")

    # e closes and opens again.
    keys.press("e")
    expect(page.locator("#close-button")).to_have_text("Reopen")
    keys.press("e")
    expect(page.locator("#close-button")).to_have_text("Close")
    keys.press("/")
    assert at(page) == "list-q"
    keys.press("Escape")

    # The palette: a command by its words, a conversation by its name.
    keys.press("Control+k")
    expect(page.locator("#palette-q")).to_be_focused()
    keys.type("unass")
    option = page.get_by_role("option", name="Unassign", exact=True)
    expect(option).to_have_attribute("aria-selected", "true")
    keys.press("Enter")
    expect(page.locator("#assign-menu .menu-word")).to_have_text("Unassigned")
    keys.press("Control+k")
    keys.type("planned mont")
    expect(page.get_by_role("option", name="Planned Montgomery")).to_be_visible()
    keys.press("Enter")
    expect(page).to_have_url(re.compile(rf"/inbox/{pks['planned']}/"))
    expect(page.locator("#composer-text")).to_be_focused()
    keys.press("Escape")

    # The list of keys, and its switch.
    keys.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    keys.press("e")
    page.get_by_label("Enable single-key shortcuts").uncheck()
    keys.press("Escape")
    expect(page.locator("#close-button")).not_to_have_attribute("aria-keyshortcuts", "e")
    keys.press("r")
    assert at(page) == "thread-scroll"
    page.evaluate("localStorage.removeItem('keys-off')")
    keys.press("r")
    assert at(page) == "composer-text"
    keys.press("Escape")
    for letter, path in (("o", "/outbox/"), ("s", "/sync/"), ("i", "/inbox/")):
        keys.press("g")
        keys.press(letter)
        expect(page).to_have_url(ours.url + path)
        page.wait_for_load_state()

    # An empty list keeps no focus in the search.
    page.goto(f"{ours.url}/inbox/?show=failed&box=999999")
    keys.press("/")
    assert at(page) == "list-q"
    keys.press("Escape")
    keys.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    expect(page.locator("#list-q")).to_have_value("")
    assert page.complaints == []


def test_updates_move_nothing_and_take_nothing(page: Page, filled):
    ours, pks = filled
    told = """window.told = []; window.hiddenNow = false;
      Object.defineProperty(document, "hidden", {get: () => window.hiddenNow});
      window.Notification = class {
        static permission = "granted";
        static async requestPermission() { return "granted"; }
        constructor(title, more) { window.told.push([title, more.body]); window.note = this; }
        close() {}
      };
      document.addEventListener("portal:sound", () => window.told.push("sound"));"""
    page.add_init_script(told)
    page.goto(f"{ours.url}/inbox/{pks['long']}/")
    rows = page.locator("#rows .row-link")

    def arrives(words: str, *names: str) -> None:
        """A message for each, and the page shows it."""
        ours.query(ARRIVES.replace("PKS", str([pks[name] for name in names])).replace("WORDS", words))
        if names != ("long",):  # its row shows the draft that is in the composer
            expect(page.locator("#rows")).to_contain_text(words)
        if "long" in names:
            expect(page.locator("#messages")).to_contain_text(words)

    # Both scrolled up, the caret in the middle of a selection, something half composed.
    area = page.locator("#composer-text")
    area.fill("Friday at ten suits us")
    area.evaluate("(area) => area.setSelectionRange(7, 13, 'backward')")
    page.locator("#list-scroll").evaluate("(box) => { box.scrollTop = 400; }")
    page.locator("#thread-scroll").evaluate("(box) => { box.scrollTop = -900; }")
    places = """() => {
      const top = (box, inner) => {
        const edge = document.querySelector(box).getBoundingClientRect().top;
        const seen = [...document.querySelectorAll(inner)].find((one) => one.getBoundingClientRect().bottom > edge + 4);
        return [seen.id, Math.round(seen.getBoundingClientRect().top)];
      };
      const area = document.querySelector("#composer-text");
      const {value, selectionStart, selectionEnd, selectionDirection} = area;
      return [top("#list-scroll", "#rows .row-link"), top("#thread-scroll", ".message"),
        value, selectionStart, selectionEnd, selectionDirection, document.activeElement.id];
    }"""
    before = page.evaluate(places)
    arrives("While you read", "long", "closed")
    after = page.evaluate(places)
    assert after[2:] == before[2:]
    for (key, top), (key_before, top_before) in zip(after[:2], before[:2], strict=True):
        assert key == key_before and abs(top - top_before) <= 1  # a pixel of rounding
    expect(page.locator("#new-pill")).to_be_visible()
    tools = page.context.new_cdp_session(page)
    area.evaluate("(area) => area.setSelectionRange(area.value.length, area.value.length)")
    tools.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    arrives("While you compose", "long")
    tools.send("Input.insertText", {"text": "日本"})
    expect(area).to_have_value("Friday at ten suits us日本")

    # A row that has the focus keeps it where it moves to; a menu stays open on the item that has it.
    row = page.locator(f"#row-{pks['stopped']}")
    row.focus()
    arrives("While a row has the focus", "stopped")
    expect(row).to_be_focused()
    expect(rows.first).to_have_attribute("id", f"row-{pks['stopped']}")
    page.locator("#thread-scroll").focus()
    page.keyboard.press("a")
    page.keyboard.type("carla")
    owner = "from integrations.models import *\n" + ARRIVES.replace("WORDS", "While a menu is open").replace(
        "    make.touch(talk)",
        "    talk.owner = Member.objects.get(full_name='Ben Okafor')\n    talk.save()\n    make.touch(talk)",
    )
    ours.query(owner.replace("PKS", str([pks["long"]])))
    expect(page.locator("#assign-menu .menu-word")).to_have_text("Ben Okafor")
    expect(page.locator(".menu-item", has_text="Carla Diaz")).to_be_focused()
    page.keyboard.press("Escape")

    # A row that leaves the list hands the focus to its neighbour; a button that goes with its message, to the thread.
    page.goto(f"{ours.url}/inbox/{pks['every']}/?show=unread")
    gone = page.locator(f"#row-{pks['stopped']}")
    gone.focus()
    closed = "from integrations.models import *\nfrom tests import factories as make\n"
    closed += "ReadMark.objects.update_or_create(user_id=1, conversation_id=PK, defaults={'message_pk': 10**9})\n"
    closed += "make.touch(Conversation.objects.get(pk=PK))\nprint(json.dumps(True))"
    ours.query(closed.replace("PK", str(pks["stopped"])))
    expect(gone).to_have_count(0)
    expect(page.locator(".row-link:focus")).to_have_count(1)
    cancels = page.locator("#messages").get_by_role("button", name="Cancel")
    expect(cancels).to_have_count(2)
    cancels.first.focus()
    page.keyboard.press("Enter")
    expect(cancels).to_have_count(1)
    expect(page.locator("#pane :focus")).to_have_count(1)
    area.fill("Sent by the button")
    page.locator("#composer-send").click()
    expect(page.locator("#messages")).to_contain_text("Sent by the button")
    expect(area).to_be_focused()
    page.keyboard.press("Escape")

    # Sound and notifications: nothing until asked for, nothing of the text until asked for.
    assert page.evaluate("told") == []
    page.locator("#alerts-bell").click()
    page.get_by_label("Play a sound").check()
    page.get_by_label("Show a notification").check()
    page.keyboard.press("Escape")
    assert page.evaluate("told.splice(0)") == ["sound"]
    page.evaluate("window.hiddenNow = true; document.dispatchEvent(new Event('visibilitychange'))")
    ours.query(ARRIVES.replace("PKS", str([pks["clash"]])).replace("WORDS", "A secret"))
    page.evaluate("window.dispatchEvent(new Event('online'))")  # asks at once
    wait_for("the page told of the message", lambda: page.evaluate("told.length"))
    assert page.evaluate("told.splice(0)") == ["sound", ["New message from Ann Montgomery", ""]]
    page.evaluate("note.onclick()")
    expect(page).to_have_url(re.compile(rf"/inbox/{pks['clash']}/"))
    assert page.complaints == []
