"""Every page and state is accessible: axe-core finds nothing serious, nothing is cut off or too small to hit.

Light and dark, wide and as narrow as 320 px, in two fonts, with text spaced as WCAG 1.4.12 says.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.harness.sandbox import PATIENCE

from . import measures, states

pytestmark = [pytest.mark.browser]
AXE = (Path(__file__).resolve().parents[1] / "vendor" / "axe" / "axe.min.js").read_text()
# WCAG 2.2 to AA and axe's own good practice; of what is found, each once with the first element and why.
RUN = """async ([where, root, only]) => {
  // Colours of another scheme arrive with the next frame.
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  document.getAnimations().forEach((one) => { if (one.effect.getTiming().iterations !== Infinity) one.finish(); });
  const options = {resultTypes: ["violations"]};
  if (only.length) options.runOnly = {type: "rule", values: only};
  else options.rules = {"target-size": {enabled: true}};
  // Django's search box is named by the picture beside it.
  if (location.pathname.startsWith("/admin/") && !only.length) options.rules["label-title-only"] = {enabled: false};
  const {violations} = await axe.run(root, options);
  return violations.filter(({impact}) => ["serious", "critical"].includes(impact)).map(({id, nodes}) => (
    `${id} (${where}), ${nodes.length} times: ${nodes[0].target.join(" ")}: ${nodes[0].failureSummary}`
  ));
}"""
BY_LOOK = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
# Wider than the window, the page itself or what can be pressed; bars and tables of numbers may be pushed.
SIDEWAYS = """() => {
  const {scrollWidth, clientWidth} = document.documentElement;
  const out = [...document.querySelectorAll("a, button, input, select, textarea, summary")].filter((element) => {
    const {left, right, width} = element.getBoundingClientRect();
    if (!width || element.closest(".tabs, .rail-nav, .table-wrap, .skip-link, .visually-hidden")) return false;
    return element.checkVisibility() && (left < -1 || right > clientWidth + 1);
  }).map((element) => `cut off at ${clientWidth} px: ${element.outerHTML.slice(0, 120)}`);
  return scrollWidth > clientWidth + 1 ? [`${scrollWidth} px wide at ${clientWidth}`, ...out] : out;
}"""
DJANGOS = "/admin/"  # scrolls its tables


def look(page: Page, url: str, path: str, act, root: str = "html") -> list[str]:
    """What is wrong with one state: everything wide and in the light, what depends on the look narrow and dark, too.

    axe measures targets in both fonts: wide in the wide one, narrow in the narrow one.
    """
    page.set_viewport_size({"width": 1280, "height": 850})
    page.emulate_media(color_scheme="light")
    page.goto(url + path, wait_until="domcontentloaded")
    if act:
        act(page)
    if states.dialog(page):
        root = "dialog[open]"  # what is behind it was a state before
    page.evaluate(AXE)
    found = page.evaluate(RUN, ["light, 1280", root, []]) + measures.misfits(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 640})
    if act:
        act(page)
    found += measures.misfits(page) + page.evaluate(RUN, ["dark, 320", root, BY_LOOK])
    return found if path.startswith(DJANGOS) else found + page.evaluate(SIDEWAYS)


def all_states() -> Iterator:
    for who, table in (("demo", states.STATES), ("empty", states.EMPTY), ("", states.NOBODY)):
        for place, (name, path, act) in enumerate(table):
            # The list beside a thread is the one that the first state looked at.
            root = "#pane" if name.startswith(("thread", "inbox, new")) and place % 8 else "html"
            yield pytest.param(who, path, act, root, id=name)


@pytest.fixture(scope="module")
def eyes(chromium, scene) -> Iterator[Callable[[str], Page]]:
    """The page of a signed-in or an anonymous user; one for all states."""
    ours, told = scene
    pages: dict[str, Page] = {}

    def page_of(who: str) -> Page:
        if who not in pages:
            context = chromium.new_context(timezone_id="Europe/Berlin", reduced_motion="reduce")
            context.set_default_timeout(PATIENCE * 1000)
            pages[who] = context.new_page()
            if who:
                states.enter(pages[who], ours, told[who])
        return pages[who]

    yield page_of
    for page in pages.values():
        page.context.close()


@pytest.mark.parametrize(("who", "path", "act", "root"), list(all_states()))
def test_no_state_shuts_anybody_out(eyes, scene, who, path, act, root):
    ours, told = scene
    found = look(eyes(who), ours.url, path.format(**told["pks"]), act, root)
    assert found == [], "\n".join(found)
