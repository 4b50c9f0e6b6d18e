"""What a page does to its texts and targets in two fonts, in numbers: nothing may be too small to hit or be cut off."""

from playwright.sync_api import Page

from tests.harness import fonts

# The narrow font makes the smallest targets; the wide one, spaced as WCAG 1.4.12 says, needs the most room.
LOOKS = ((fonts.WIDE, True), (fonts.NARROW, False))
MEASURE = """() => {
  const LEAST = 23.5;
  const found = new Set();
  const shown = (element) => element.checkVisibility({opacityProperty: true, visibilityProperty: true})
    && !element.closest(".visually-hidden, .skip-link, .skip-to-content-link");
  const name = (element) => [element.localName, ...element.classList].join(".");
  const tell = (what, element) => found.add(
    `${what}: ${name(element.parentElement)} > ${name(element)}: ${element.textContent.trim().slice(0, 40)}`
  );

  // Targets under 24 x 24 px (WCAG 2.5.8). A tick box is one with its label, a link in a sentence is as high as a line.
  const big = ({width, height}) => width >= LEAST && height >= LEAST;
  const labelled = (element) => element.matches("[type=checkbox], [type=radio]")
    && [...element.labels].some((label) => big(label.getBoundingClientRect()));
  const inSentence = (element) => getComputedStyle(element).display === "inline"
    && [...element.parentElement.childNodes].some(({nodeName, data}) => nodeName === "#text" && data.trim().length > 2);
  for (const element of document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=option]")) {
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1 || !shown(element)) continue;
    if (!big(box) && !labelled(element) && !inSentence(element)) {
      tell(`small (${Math.round(box.width)} x ${Math.round(box.height)})`, element);
    }
  }

  // Texts out of the box or the window that shows them. What scrolls may be longer; what ends in dots has a title or is
  // a link to the whole.
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!node.data.trim() || holder.closest("script, style, option, noscript") || !shown(holder)) continue;
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    if (text.width < 2 || text.height < 2) continue;
    let [settled, floats] = [false, false];
    for (let outer = holder; outer && outer !== document.body && !settled; outer = outer.parentElement) {
      const style = getComputedStyle(outer);
      const box = outer.getBoundingClientRect();
      const wide = text.right > box.right + 1 || text.left < box.left - 1;
      const high = text.bottom > box.bottom + 1.5 || text.top < box.top - 1.5;
      const painted = style.display !== "inline"
        && (style.borderRightWidth !== "0px" || style.backgroundColor !== "rgba(0, 0, 0, 0)");
      floats ||= /absolute|fixed/.test(style.position);
      settled = true;
      if (box.width <= 1 || style.clipPath !== "none" || style.webkitLineClamp !== "none") continue;
      if (wide && /auto|scroll/.test(style.overflowX) || high && /auto|scroll/.test(style.overflowY)) continue;
      if (wide && style.overflowX !== "visible") {
        if (style.textOverflow !== "ellipsis") tell("cut off", holder);
        else if (!outer.closest("[title], .row-link, .palette-option")) tell("dots without a title", holder);
      } else if (high && style.overflowY !== "visible") {
        tell("cut off below", holder);
      } else if (painted && !floats && (wide || high)) {
        tell("leaves its box", holder);
      } else {
        settled = false;
      }
    }
    if (!settled && text.right > document.documentElement.clientWidth + 1) tell("out of the window", holder);
  }
  return [...found];
}"""


def misfits(page: Page) -> list[str]:
    """What does not fit on the open page in any theme or size; the page stays in the last of them."""
    found = []
    for family, spaced in LOOKS:
        fonts.wear(page, family, spaced)
        look = f"{family}{', spaced' if spaced else ''}, {page.viewport_size['width']} px"
        found += [f"{what} ({look})" for what in page.evaluate(MEASURE)]
    return found
