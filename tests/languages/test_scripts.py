"""Our scripts say nothing past gettext: no sentence, no label, no date of one language. Read as text, not run."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from .catalogue import ROOT

SCRIPTS = sorted(path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts)

# What ends before a "/" that begins an expression, not a division.
_EXPRESSION = re.compile(r"(?:[(,=:\[!&|?{};+<>]|\breturn|^)\s*$")
_PART = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<literal>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<slash>/)|(?P<tick>`)""",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n\[])+/[a-z]*")

_TOLD = re.compile(r"\b(?:n?p?gettext)\(\s*$")
_TOLD_FURTHER = re.compile(r"\b(?:ngettext|n?pgettext)\(\s*§[^§]*§(?:\s*,\s*§[^§]*§)?\s*,\s*$")
# Where a text for people is put.
_SHOWN = re.compile(
    r"""(?:\.(?:textContent|innerText|placeholder|title|alt|ariaLabel)|\b(?:words|said|label|note|question))\s*\+?=(?!=)[^;\n(]*$"""
    r"""|setAttribute\(\s*§(?:aria-label|title|placeholder|alt|aria-description)§\s*,[^;\n(]*$"""
    r"""|§?(?:aria-label|placeholder|title)§?:\s*$"""
    r"""|\b(?:alert|confirm|prompt|say|problem|Notification)\(\s*$"""
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"(?!use strict$)\s*[^\W\d_]+[.,:;!?]? [^\W\d_]+[.,:;!?]?(?: |$)")
_CODE = re.compile(
    r"class(?:Name)?\s*[:=]\s*$|\b(?:matches|closest|querySelector(?:All)?)(?:\?\.)?\(\s*$"
)  # and selectors
_JOINED = re.compile(r"(?:^|\s)[^\W\d_]{2,}[,:]? \$\{\}|\$\{\}[,:]? [^\W\d_]{2,}(?:[\s.,:!?]|$)")
_FORMAT = re.compile(
    r"\.toLocale(?:Date|Time)?String\(\s*(?!document\.documentElement\.lang\b)|\bIntl\.\w+\(\s*[\"'][a-z]+-"
)


@dataclass
class Literal:
    before: str  # the code before it, with §§ for each literal, and §aria-label§ for a name
    text: str
    template: bool = False


def literals(source: str) -> list[Literal]:
    """Every string of a script, but those inside of a template's braces; comments and patterns are none."""
    found, code, place = [], "", 0
    while match := _PART.search(source, place):
        code += source[place : match.start()]
        place = match.end()
        if match["literal"]:
            text = match["literal"][1:-1]
            found.append(Literal(code, text))
            code += f"§{text}§" if re.fullmatch(r"[a-z-]+", text) else "§§"
        elif match["slash"]:
            pattern = _REGEX.match(source, match.start()) if _EXPRESSION.search(code) else None
            code += "§§" if pattern else "/"
            place = pattern.end() if pattern else place
        elif match["tick"]:
            place, text = _template(source, place)
            found.append(Literal(code, text, template=True))
            code += "§§"
    return found


def _template(source: str, place: int) -> tuple[int, str]:
    """Where a template ends that begins at `place`, and its text with "${}" for whatever is filled in."""
    text, depth = "", 0
    while depth or source[place] != "`":
        if source.startswith("${", place):
            text += "" if depth else "${}"
            depth, place = depth + 1, place + 2
            continue
        if depth and source[place] in "{}":
            depth += 1 if source[place] == "{" else -1
        elif not depth:
            text += source[place]
        place += 1
    return place + 1, text


def untold(source: str) -> list[str]:
    """The texts for people that a script says past gettext."""
    found = []
    for one in literals(source):
        words = _WORD.findall(one.text)
        if not words or (not one.template and (_TOLD.search(one.before) or _TOLD_FURTHER.search(one.before))):
            continue
        shown = _SHOWN.search(one.before) and one.text != "Unicode"
        joined = one.template and _JOINED.search(one.text)
        sentence = _SENTENCE.match(one.text) and not _CODE.search(one.before)
        if shown or joined or sentence:
            found.append(one.text)
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT / "static").as_posix())
def test_no_script_speaks_english_by_itself(path: Path):
    source = path.read_text("utf-8")
    assert not untold(source), "say it through gettext, then `make messages`"
    assert not _FORMAT.findall(source), "dates and numbers go by document.documentElement.lang"
    # What is not written out where it is said, no catalogue finds.
    assert not re.findall(r"\bn?p?gettext\(\s*(?![\"'])[^)]*", source)


@pytest.mark.parametrize(
    "source",
    [
        'out.textContent = "Copied";',
        'const words = ["Not", "sent"];',
        'let words = "now";',
        "words = `${minutes} min`;",
        "words.push(`${over} too many`);",
        'button.setAttribute("aria-label", "Remove");',
        'const made = element("div", { "aria-label": "Emoji" });',
        'say("Searching…");',
        'const group = ready ? "All others" : gettext("Recent");',
        'list.push("Nothing found. Names are searched.");',
        'const why = n === 1 ? "one picture" : "several pictures";',
        'x = /["\']/.test(y); out.title = "Hello"; // "more"',
    ],
)
def test_hard_coded_words_are_noticed(source):
    assert untold(source)


@pytest.mark.parametrize(
    "source",
    [
        'out.textContent = gettext("Copied");',
        'x = interpolate(ngettext("%s text was sent", "%s texts were sent", n), [n]);',
        '// "Some words here"\nbox.querySelector("[data-region], .message, #older");',
        'const values = { role: "combobox", class: "notice notice-warn" };',
        'form.id = `reply-${id}`; at = `#rows > .row[data-key="${key}"] .row-text`;',
    ],
)
def test_what_machines_read_is_let_be(source):
    assert not untold(source)


def test_formats_of_one_language_are_noticed():
    assert _FORMAT.search('at.toLocaleTimeString("en-US", {})') and _FORMAT.search("at.toLocaleString()")
    assert not _FORMAT.search("at.toLocaleTimeString(document.documentElement.lang, {})")
