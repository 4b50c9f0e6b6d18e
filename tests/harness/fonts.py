"""Two very different fonts for the browser tests: what these measure depends on no font of the machine.

Chromium sees these two alone and draws every page in the wide one, or in that of BROWSER_FONT ("wide", "narrow").
`wear` draws the open page in another, so that one page is measured in both without being loaded twice.
"""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[1] / "vendor" / "fonts"
WIDE, NARROW = "DejaVu Sans", "Roboto Condensed"
FAMILIES = {"wide": WIDE, "narrow": NARROW}
CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{cache}</cachedir>
  <match target="pattern"><edit name="family" mode="append" binding="weak"><string>{family}</string></edit></match>
</fontconfig>
"""
# Text spaced as WCAG 1.4.12 asks every page to bear.
SPACING = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }
"""
# A style sheet of a script, because the portal's content security policy allows none from elsewhere.
WEAR = """(styles) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  document.adoptedStyleSheets = [sheet];
  return document.body.offsetHeight;
}"""


def chosen() -> str:
    """The font of every page that wears no other."""
    return FAMILIES[os.environ.get("BROWSER_FONT", "wide")]


def environment() -> dict[str, str]:
    """The environment of a Chromium that knows the two fonts only."""
    folder = Path(tempfile.mkdtemp(prefix="fonts-"))
    configuration = folder / "fonts.conf"
    configuration.write_text(CONFIGURATION.format(folder=FOLDER, cache=folder, family=chosen()))
    return dict(os.environ) | {"FONTCONFIG_FILE": str(configuration)}


def wear(page: Page, family: str, spaced: bool = False) -> None:
    """Draws the open page in this font, with `spaced` as far apart as WCAG 1.4.12 says."""
    page.evaluate(WEAR, f'* {{ font-family: "{family}" !important; }} {SPACING if spaced else ""}')


def used(page: Page, selector: str) -> list[str]:
    """The names of the font files that draw the text of an element, as the browser reports them."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    told = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    session.detach()
    return [one["familyName"] for one in told]
