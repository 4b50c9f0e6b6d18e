"""No code translates, compares or looks up words that a person or Salesmsg could have written.

tests/languages/test_words_from_outside.py shows it on pages; this reads it from the sources.
"""

import ast
import re
from collections.abc import Iterator

from django.template.base import Lexer, TokenType

from .sources import ROOT, sources

# Each function's arguments that must be literal: (context,) message, (plural).
FUNCTIONS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (0,)),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"), (0, 1)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
# (module, what is translated): why it is no stored word.
TRANSLATED: dict[tuple[str, str], str] = {}
# (module, what is compared or looked up): whose word it is.
COMPARED = {
    ("accounts.forms", "Bearer"): "HTTP's, in front of a token that was pasted with it",
    ("admin.message", "(no text)"): "the portal's, for a text that is empty",
    ("salesmsg.envelopes", "ISO with Z"): "the probe's names of formats",
    ("salesmsg.envelopes", "ISO with offset"): "the probe's names of formats",
    ("salesmsg.envelopes", "with fractions"): "the probe's names of formats",
    ("salesmsg.envelopes", "another format"): "the probe's names of formats",
    ("salesmsg.error_mapping", "action is unauthori[sz]ed|scope"): "Salesmsg's, documented in section 2.5",
    ("salesmsg.error_mapping", "missing authentication token"): "Salesmsg's, documented in section 2.5",
    ("salesmsg.error_mapping", "token|unauthori[sz]ed|unauthenticated|explicit deny"):
        "Salesmsg's, documented in section 2.5",
    ("sync.probe", "newest first"): "the probe's name of an order",
    ("templatetags.portal", 'rel="nofollow noopener noreferrer"'): "HTML that Django made a moment ago",
}  # fmt: skip
HEADERS = {
    "Accept", "Accept-Encoding", "Allow", "Connection", "Content-Length", "Content-Type", "Referer", "Retry-After",
    "User-Agent",
}  # fmt: skip
CATEGORIES = {"Cc", "Cf", "Cs", "Me", "Mn", "Nd", "Pd", "Zl", "Zp", "Zs"}  # of Unicode
BROWSER = {"AbortError", "ArrowDown", "ArrowUp", "End", "Enter", "Escape", "Files", "Home", "Tab"}
# Words as people write them, not codes as programs do: "Call", "not sent".
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]|^[A-Z][a-z]")
LOOKING = {
    "compile", "count", "endswith", "find", "findall", "finditer", "fullmatch", "get", "index", "match", "partition",
    "pop", "removeprefix", "removesuffix", "replace", "rpartition", "search", "split", "startswith", "sub",
}  # fmt: skip
ENGLISH = (".sandbox", ".migrations")  # stand in for Salesmsg, and carry over rows from before
PEOPLE = (".salesmsg.keywords",)  # reads what contacts write, which is its task
SOURCES = {name: source for name, (source, _package) in sources("integrations", "salesmsg_portal").items()}
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def variables(source: str) -> set[str]:
    """What a module translates that is no literal."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            words = [node.args[place] for place in FUNCTIONS.get(name, ()) if place < len(node.args)]
            found |= {ast.unparse(one) for one in words if not _literal(one)}
    return found


def _literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_modules_translate_literals():
    found = {(name, said) for name, source in SOURCES.items() for said in variables(source)}
    assert found == set(TRANSLATED)


def compared(source: str) -> set[str]:
    """The sentences that a module compares with something, or looks up or for."""
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {words for place in _compared(tree) for words in _strings(place, named) if SENTENCE.search(words)}


def _compared(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                yield from [node.left, *node.comparators]
            case ast.Dict():
                yield from (key for key in node.keys if key)
            case ast.Set():
                yield from node.elts
            case ast.MatchValue():
                yield node.value
            case ast.Call(func=ast.Attribute(attr=name)) if name in LOOKING:
                yield from node.args


def _strings(node: ast.expr, named: dict[str, ast.expr]) -> Iterator[str]:
    """The texts of a literal, of one in gettext, or of a constant of the module."""
    match node:
        case ast.Constant(value=str(words)):
            yield words
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from _strings(part, named)
        case ast.Call(func=ast.Name(id=name), args=parts) if name in FUNCTIONS:
            for part in parts:
                yield from _strings(part, named)
        case ast.Name(id=name) if isinstance(named.get(name), ast.Constant):
            yield from _strings(named[name], {})


def test_modules_compare_codes():
    found = {
        (name.removeprefix("integrations."), words)
        for name, source in SOURCES.items()
        if not any(part in name for part in ENGLISH + PEOPLE)
        for words in compared(source)
        if words not in HEADERS | CATEGORIES
    }
    assert found == set(COMPARED)


def test_scripts_compare_codes():
    looks = re.compile(r"""(?:[!=]==?|\bcase|(?:includes|startsWith|endsWith|indexOf)\()\s*["'`]([^"'`]+)["'`]""")
    scripts = [path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts]
    found = {words for path in scripts for words in looks.findall(path.read_text("utf-8")) if SENTENCE.search(words)}
    assert len(scripts) > 10
    assert found <= BROWSER


def test_templates_compare_codes():
    looks = re.compile(r"""(?:[!=]=|\bin)\s*_?\(?["']([^"']+)["']|["']([^"']+)["']\)?\s*(?:[!=]=|in\b)""")
    found = set()
    for path in TEMPLATES:
        for token in Lexer(path.read_text("utf-8")).tokenize():
            if token.token_type == TokenType.BLOCK and token.contents.startswith(("if ", "elif ")):
                found |= {words for pair in looks.findall(token.contents) for words in pair}
    assert "failed" in found
    assert not [words for words in found if SENTENCE.search(words)]


def tags(source: str) -> list[str]:
    """The tags of a template that translate a variable, or nothing but variables."""
    found, block = [], None
    for token in Lexer(source).tokenize():
        is_block = token.token_type == TokenType.BLOCK
        name, _, rest = token.contents.partition(" ") if is_block else ("", "", "")
        if name in ("translate", "trans") and not re.match(r"\s*[\"']", rest):
            found.append(token.contents)
        if name in ("blocktranslate", "blocktrans"):
            block = [token.contents, ""]
        elif name in ("endblocktranslate", "endblocktrans"):
            if not re.search(r"[^\W\d_]", block[1]):
                found.append(block[0])
            block = None
        elif block and token.token_type == TokenType.TEXT:
            block[1] += token.contents
    return found


def test_templates_translate_literals():
    found = {path.relative_to(ROOT).as_posix(): tags(path.read_text("utf-8")) for path in TEMPLATES}
    assert len(found) > 100
    assert not {name: said for name, said in found.items() if said}


def test_a_translated_variable_is_noticed():
    source = '_("A") + gettext(error.text) + ngettext("a", words, 2) + gettext(f"{a}")'
    assert variables(source) == {"error.text", "words", "f'{a}'"}
    template = '{% translate "A" %}{% translate name %}{% blocktranslate with a=b %}{{ a }}{% endblocktranslate %}'
    assert tags(template) == ["translate name", "blocktranslate with a=b"]
    assert not tags("{% blocktranslate with a=b %}To {{ a }}{% endblocktranslate %}")


def test_a_compared_sentence_is_noticed():
    for source in (
        'text == "Call"',
        '{"Call": 1}.get(text)',
        'text in ("sms", _("Call"))',
        'text.startswith("Call")',
        'WORD = "Call"\nif WORD in text: pass',
        'match text:\n    case "Call": pass',
    ):
        assert compared(source) == {"Call"}, source
    assert not compared('state == "failed" and say("Call") and {"kind": "Call"}')
