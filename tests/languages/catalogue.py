"""Reads .po files and what the sources say, without any tool but Python."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import templatize

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "salesmsg_portal" / "locale"
LANGUAGES = ("de",)
DOMAINS = ("django", "djangojs")
# What stays English: commands and checks are for administrators, the sandbox stands in for the vendor.
UNTOLD = [".venv", "tests", "staticfiles", "static/vendor", "templates/sandbox", "integrations/sandbox"]
UNTOLD += ["integrations/management", "integrations/migrations", "docs"]

# Name of a function -> which arguments are (context, msgid, plural).
FUNCTIONS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}")


@dataclass(frozen=True, order=True)
class Key:
    """What a text is found by."""

    msgid: str
    plural: str = ""
    context: str = ""


@dataclass
class Entry:
    key: Key
    texts: list[str] = field(default_factory=list)
    fuzzy: bool = False


def path_of(language: str, domain: str, ending: str = "po") -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.{ending}"


def entries(path: Path) -> list[Entry]:
    """All entries of a .po file but its header."""
    found = []
    for block in re.split(r"\n\s*\n", path.read_text("utf-8")):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if match := re.match(r"(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (?=\")", line):
                name = match[1]
                line = line[match.end() :]
                parts[name] = ""
            if line.startswith('"'):
                parts[name] += ast.literal_eval(line)
        if parts.get("msgid"):
            texts = [text for name, text in sorted(parts.items()) if name.startswith("msgstr")]
            key = Key(parts["msgid"], parts.get("msgid_plural", ""), parts.get("msgctxt", ""))
            found.append(Entry(key, texts, bool(re.search(r"^#,.*fuzzy", block, re.MULTILINE))))
    return found


def said(domain: str) -> dict[Key, str]:
    """Every text that the sources say through gettext, with one file that does."""
    reads = {"django": (("*.py", _python), ("*.html", _template)), "djangojs": (("*.js", _script),)}[domain]
    found: dict[Key, str] = {}
    for pattern, read in reads:
        for path in sorted(ROOT.rglob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            if not any(name == one or name.startswith(one + "/") for one in UNTOLD):
                for key in read(path.read_text("utf-8")):
                    found.setdefault(key, name)
    return found


def _python(source: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in FUNCTIONS and (key := _key(FUNCTIONS[name], node.args)):
                yield key


def _key(places: tuple, arguments: list[ast.expr]) -> Key | None:
    texts = []
    for place in places:
        if place is None:
            texts.append("")
        elif place < len(arguments) and isinstance(arguments[place], ast.Constant):
            texts.append(arguments[place].value)
        else:
            return None
    return Key(texts[1], texts[2], texts[0])


_CALL = re.compile(r"\b(n?p?gettext|_)\((?=\s*u?['\"])")


def _template(source: str) -> Iterator[Key]:
    """Django makes Python-like text of a template for xgettext; the calls in it are Python."""
    yield from _calls(templatize(source))


def _script(source: str) -> Iterator[Key]:
    yield from _calls(re.sub(r"(?m)^\s*//.*$", "", source))


def _calls(text: str) -> Iterator[Key]:
    for match in _CALL.finditer(text):
        arguments, place = [], match.end()
        while literal := _LITERAL.match(text, place):
            arguments.append(ast.Constant(ast.literal_eval(literal[1].removeprefix("u"))))
            place = literal.end()
            if text[place : place + 1] != ",":
                break
            place += 1
        if key := _key(FUNCTIONS[match[1]], arguments):
            yield key


_LITERAL = re.compile(r"""\s*(u?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))\s*""", re.DOTALL)
