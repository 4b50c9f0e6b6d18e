"""The inbox in every state that rows and a few keys can bring about: one portal, without a worker or a Salesmsg."""

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import states
from tests.harness.portal import Portal

from . import LOOKS, Camera
from .rows import SCENE

# One of them has morning now, so that the pictures look like a day at work.
ZONES = (
    "Pacific/Honolulu", "America/Los_Angeles", "America/Denver", "America/New_York", "America/Sao_Paulo",
    "Atlantic/Azores", "Europe/London", "Europe/Berlin", "Europe/Athens", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka",
    "Asia/Bangkok", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "Pacific/Tongatapu",
)  # fmt: skip
TOOTH = """<body style="margin:0;display:grid;place-items:center;height:100vh;background:linear-gradient(%s)">
<svg viewBox="0 0 60 40" width="300"><path fill="#fff" stroke="#8aa" d="%s"/></svg>"""
DRAWN = (
    ("160deg,#d7e8ef,#8fb5c9", "M22 8c-6 0-9 5-7 12 1 5 2 13 5 13s3-8 6-8 3 8 6 8 4-8 5-13c2-7-1-12-7-12-3 0-5 1-8 0z"),
    (
        "160deg,#f4e3cf,#d9a97c",
        "M24 6c-7 1-8 8-6 14 2 5 1 14 5 14s2-9 6-9 2 9 6 9 3-9 5-14c2-6 1-13-6-14-3 0-7 0-9 0z",
    ),
)


PARK = "You can park behind the house – the entrance is in Mill Street, by the library."


@dataclass(frozen=True)
class Shot:
    """A picture: its name, where, what to do there; who is signed in; `more` for the browser."""

    name: str
    path: str
    act: Callable[[Page], None] | None = None
    who: str = "ada"
    more: dict = field(default_factory=dict)


# --- What is done on a page before the picture -----------------------------------------------------------------------


def both(*acts: Callable[[Page], None]) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        for one in acts:
            one(page)

    return act


def typed(text: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        area = page.locator("#composer-text")
        area.fill("")
        area.press_sequentially(text)

    return act


def newer_draft(page: Page) -> None:
    """As if this page had been opened before the other device saved."""
    page.evaluate("document.getElementById('composer-draft').value = 1")
    page.locator("#composer-text").fill("Half an hour, I think.")
    expect(page.locator("#draft-offer")).to_be_visible()


def note(text: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.locator("#write-note").click()
        page.locator("#note-text").press_sequentially(text)
        page.wait_for_timeout(500)

    return act


def moved_on(page: Page) -> None:
    """As a page that was drawn before the last text came: by the plain form, which knows only what it showed."""
    page.locator("#composer-text").fill("Yes, from nine to one.")
    page.evaluate("""() => {
      const form = document.getElementById("composer");
      form.querySelector("[name=seen]").value = Number(form.querySelector("[name=seen]").value) - 1;
      form.submit();
    }""")
    expect(page.locator("#composer-error")).to_contain_text("while you were writing")


def unfilled(page: Page) -> None:
    page.locator("#composer-text").fill("Hi {first_name}, your invoice of {date} is attached.")
    page.locator("#composer-send").click()
    page.wait_for_timeout(500)


def commands(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.locator(".palette-list [role=option]").first).to_be_visible()


def slash(page: Page) -> None:
    page.locator("#composer-text").press_sequentially("/")
    expect(page.locator("#replies-list").get_by_role("option").first).to_be_visible()


def refused_edit(page: Page) -> None:
    # On a phone the card stands behind a button.
    states.unfold(".thread-more")(page)
    card = page.locator(".side:visible, .thread-more-body:visible").last
    card.locator(".contact-quick > summary").click()
    expect(card.locator(".contact-quick input.input").first).to_be_focused()
    card.locator(".contact-quick input[name=email]").fill("carla at example")
    card.locator("[id$=quick-save]").click()
    expect(card.locator(".error")).to_be_visible()


def timeline(page: Page) -> None:
    states.unfold(".thread-more")(page)
    page.locator(".contact-timeline > summary").locator("visible=true").last.click()
    page.wait_for_timeout(500)
    page.locator(".contact-timeline").locator("visible=true").last.scroll_into_view_if_needed()


def somebody_writes(page: Page) -> None:
    expect(page.locator("#thread-here")).to_contain_text("writing")


def choose(page: Page) -> None:
    folder = page.shown.directory
    page.locator("#composer-text").fill("These two, to compare:")
    page.get_by_label("Add pictures").set_input_files([folder / f"picture{place}.png" for place in range(len(DRAWN))])
    page.wait_for_timeout(300)


def cut(page: Page) -> None:
    page.evaluate("(html) => document.getElementById('rows').insertAdjacentHTML('beforeend', html)", page.told["cut"])
    page.locator(".found-cut").scroll_into_view_if_needed()


def night(page: Page) -> None:
    """Late in the evening in New York."""
    page.clock.set_system_time("2026-11-12T04:42:00Z")
    page.reload()
    page.wait_for_timeout(500)


SHOTS = [
    Shot("inbox-list", "/inbox/"),
    Shot("inbox-mine", "/inbox/?show=mine"),
    Shot("inbox-search", "/inbox/?q=invoice"),
    Shot("inbox-hit", "/inbox/{long}/?q=invoice&at={hit}"),
    Shot("inbox-more", "/inbox/?q=invoice", cut),
    Shot("inbox-nothing", "/inbox/?q=zirconia"),
    Shot("inbox-snoozed", "/inbox/?show=snoozed"),
    Shot("inbox-mentions", "/inbox/?show=mentions"),
    Shot("inbox-failed", "/inbox/?show=failed"),
    Shot("inbox-none-failed", "/inbox/?show=failed", who="fresh"),
    Shot("inbox-empty", "/inbox/", who="fresh"),
    Shot("inbox-welcome", "/inbox/", who="novice"),
    Shot("inbox-first-sync", "/inbox/", who="starter"),
    Shot("inbox-new", "/inbox/new/"),
    Shot("inbox-help", "/inbox/{plain}/", states.press("?")),
    Shot("inbox-palette", "/inbox/{plain}/", commands),
    Shot("inbox-alerts", "/inbox/", states.click("#alerts-bell")),
    Shot("inbox-german", "/inbox/{noted}/", more={"locale": "de-DE"}),
    Shot("thread-states", "/inbox/{states}/", states.unfold(".tries")),
    Shot("thread-draft", "/inbox/{draft}/"),
    Shot("thread-two-devices", "/inbox/{draft}/", newer_draft),
    Shot("thread-notes", "/inbox/{noted}/"),
    Shot("thread-note-written", "/inbox/{noted}/", note("@rosa is the new one sent?")),
    Shot("thread-mention", "/inbox/{noted}/", note("Can you look, @")),
    Shot("thread-claim", "/inbox/{free}/"),
    Shot("thread-owner", "/inbox/{free}/", states.press("a")),
    Shot("thread-who-are-you", "/inbox/{free}/", states.press("a"), who="mia"),
    Shot("thread-snooze", "/inbox/{plain}/", states.click("#snooze-menu")),
    Shot("thread-snoozed", "/inbox/{snoozed}/"),
    Shot("thread-writing", "/inbox/{here}/", somebody_writes),
    Shot("thread-moved-on", "/inbox/{moved}/", moved_on),
    Shot("thread-replies", "/inbox/{plain}/", slash),
    Shot("thread-unfilled", "/inbox/{plain}/", unfilled),
    Shot("thread-emoji", "/inbox/{plain}/", states.click("#emoji-open")),
    Shot("thread-pictures-chosen", "/inbox/{pictures}/", choose),
    Shot("thread-pictures", "/inbox/{pictures}/"),
    Shot(
        "thread-cost",
        "/inbox/{plain}/",
        typed(PARK),
    ),
    Shot("thread-hints", "/inbox/{first}/", night),
    Shot("thread-opted-out", "/inbox/{stopped}/"),
    Shot("thread-blocked", "/inbox/{blocked}/"),
    Shot("thread-closed", "/inbox/{closed}/"),
    Shot("thread-planned", "/inbox/{planned}/"),
    Shot("thread-card", "/inbox/{plain}/", states.unfold(".thread-more")),
    Shot("thread-edit-refused", "/inbox/{plain}/", refused_edit),
    Shot("thread-timeline", "/inbox/{clash}/", timeline),
    Shot("replies", "/inbox/replies/"),
    Shot("replies-write", "/inbox/replies/new/"),
    Shot("sync-folded", "/sync/", who="toni"),
    Shot("admin", "/admin/", who="toni"),
    Shot("admin-contacts", "/admin/integrations/contact/", who="toni"),
]
NAMES = [shot.name for shot in SHOTS]


def take(browser: Browser, camera: Camera) -> None:
    """Builds the rows up, takes the pictures, and tears it down."""
    with tempfile.TemporaryDirectory() as folder:
        portal = Portal(Path(folder), "http://127.0.0.1:9", QUIET_HOURS="21-8")
        for place, drawn in enumerate(DRAWN):
            page = browser.new_page(viewport={"width": 320, "height": 240})
            page.set_content(TOOTH % drawn)
            page.screenshot(path=Path(folder) / f"picture{place}.png")
            page.close()
        try:
            told = portal.query(f"FOLDER = {folder!r}\n{SCENE}")
            portal.start_web()
            for look, options in LOOKS.items():
                _look(browser, camera, portal, told, look, options)
        finally:
            portal.stop()


def _look(browser: Browser, camera: Camera, portal: Portal, told: dict, look: str, options: dict) -> None:
    zone = min(ZONES, key=lambda name: abs(datetime.now(ZoneInfo(name)).hour * 60 + datetime.now().minute - 630))
    contexts: dict[str, BrowserContext] = {}
    for shot in SHOTS:
        if not camera.wants(shot.name):
            continue
        key = shot.name if shot.more or shot.act is night else shot.who
        if key not in contexts:
            context = browser.new_context(**options, **shot.more, timezone_id=zone, reduced_motion="reduce")
            context.set_default_timeout(6000)
            context.add_cookies([{"name": "tz", "value": zone, "url": portal.url}])
            contexts[key] = context
        page = contexts[key].new_page()
        page.told, page.shown = told, portal
        _anew(portal, told)
        states.enter(page, portal, told["sessions"][shot.who])
        page.goto(portal.url + shot.path.format(**told["pks"]))
        page.wait_for_timeout(300)
        if shot.act:
            shot.act(page)
            page.wait_for_timeout(150)
        camera.shoot(page, shot.name + look)
        page.close()
    for context in contexts.values():
        context.close()


def _anew(portal: Portal, told: dict) -> None:
    """What was typed and read for the picture before is not there for the next one."""
    with closing(sqlite3.connect(portal.directory / "portal.sqlite3", timeout=10)) as own, own:
        own.execute("DELETE FROM integrations_draft WHERE conversation_id != ?", [told["pks"]["draft"]])
        own.execute("UPDATE integrations_draft SET text = ?, revision = 3", ["About forty minutes. Please"])
        own.execute("DELETE FROM integrations_readmark WHERE id > ?", [told["marks"]])
        own.execute("UPDATE integrations_mention SET read_at = NULL")
