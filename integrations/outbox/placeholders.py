"""Placeholders in texts: our merge fields, and the spellings of other products.

static/inbox/placeholders.js has the same tables. Expressions use only what Python and JavaScript read the same way.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

CUSTOM = "field:"  # prefix of custom fields: {field:plan}
OWN = frozenset({"first_name", "last_name", "full_name", "phone", "email"})

_LETTER = r"A-Za-z\u00c0-\u024f\u0300-\u1fff\u3040-\ud7a3"
_REST = _LETTER + r"0-9_.\-\u200b-\u200d\u2060\ufeff"
_WORDS = rf"[{_LETTER}][{_REST}]+(?:[ \u00a0][{_REST}]+){{0,2}}"  # one to three words
_NAME = rf"[{_LETTER}][{_REST} \u00a0]{{1,60}}"
_SURE = rf"[{_LETTER}][{_LETTER}_.]{{3,40}}"
_BEFORE, _AFTER = rf"(?<![{_LETTER}0-9_", rf"(?![{_LETTER}0-9_"

# (expression, which words count). Group 1 is the name, group 2 what follows it, such as a fallback. Earlier ones win.
# "any": any word; "known": a word of the tables; "field": a word for one of our fields; "sure": a word that
# occurs only in placeholders.
SHAPES = [
    (r"\{\{\s*\$\{([^{}\n]{1,80})\}([^{}\n]{0,80})\}\}", "any"),  # Braze
    (r"\{\{\{?([^{}\n]{1,120})\}\}\}?", "any"),  # Liquid, Handlebars
    (r"\{%([^%\n]{1,120})%\}", "any"),
    (r"<%=?([^%<>\n]{1,120})%>", "any"),
    (r"\*\|([^|*\n]{1,80})\|\*", "any"),  # Mailchimp
    (rf"\{{!\s*\$?([{_LETTER}][^{{}}\n]{{0,80}})\}}", "any"),  # Salesforce
    (r"\{\s*((?:[Ff][Ii][Ee][Ll][Dd]):[^{}|\n]{1,80})(\|[^{}\n]*)?\}", "any"),  # our custom fields
    (rf"[$#]?\{{\$?\s*({_WORDS})\s*(\|[^{{}}\n]*)?\}}", "any"),
    (rf"{_BEFORE}%])%%([{_LETTER}](?:[^%\n]{{0,58}}[{_LETTER}0-9])?)%%(?!%)", "any"),
    (rf"%\(([{_LETTER}_]{{3,40}})\)s", "any"),  # Python
    (rf"(?<!<)<<\s*({_NAME}?)\s*>>(?!>)", "known"),
    (rf"\[\[\s*({_NAME}?)\s*\]\]", "known"),
    (rf"\[%?\s*({_NAME}?)\s*%?\](?!\()", "known"),
    (rf"{_BEFORE}%])%({_NAME}?)%{_AFTER}%])", "field"),
    (rf"(?<!<)<\s?({_NAME}?)\s?>(?!>)", "field"),
    (rf"\(\(\s*({_NAME}?)\s*\)\)", "field"),
    (rf"{_BEFORE}])__({_SURE}?)__{_AFTER}])", "sure"),
    (rf"\u00ab\s?({_NAME}?)\s?\u00bb", "sure"),  # Word
    (rf"{_BEFORE}.@])@({_SURE})@?{_AFTER}@])", "sure"),
    (rf"{_BEFORE}#])#({_SURE})#{_AFTER}#])", "sure"),
    (rf"{_BEFORE}~])~({_SURE})~{_AFTER}~])", "sure"),
    (rf"{_BEFORE}:]):({_SURE}):{_AFTER}:])", "sure"),
    (rf"{_BEFORE}\-])-({_SURE})-{_AFTER}\-])", "sure"),
    (rf"{_BEFORE}$])\$({_SURE})\$?{_AFTER}$])", "sure"),
    (rf"\{{{{1,3}}\s*({_SURE}){_AFTER}])", "half"),  # a brace that is not closed
    (rf"{_BEFORE}])({_SURE})\s*\}}{{1,3}}", "half"),
]

# Words, without case, accents, spaces and signs, that stand for one of our fields.
FIELD_WORDS = {
    "first_name": "firstname fname first givenname forename vorname prenom nombre primernombre nome primeironome",
    "last_name": "lastname lname surname familyname nachname familienname zuname apellido apellidos nom nomdefamille "
    "sobrenome apelido ultimonome",
    "full_name": "name fullname nombrecompleto nomcomplet nomecompleto vollername vollstandigername",
    "phone": "phone phonenumber mobile mobilephone mobilenumber cell cellphone telefon telefonnummer handynummer "
    "telephone telefono telefone celular numerodetelefono",
    "email": "email emailaddress mail mailadresse emailadresse correo correoelectronico courriel",
}
# Words that templates leave to be filled in, and that we have no field for.
OTHER_WORDS = (
    "company companyname business businessname organization organisation agent agentname repname sendername date time "
    "day appointment appointmentdate appointmenttime duedate address city link url amount price ordernumber "
    "invoicenumber title empresa entreprise firma unternehmen fecha hora datum uhrzeit adresse direccion endereco data "
    "signature"
)
# Words that say whose field it is: {{contact.first_name}}, [Customer Name].
OWNER_WORDS = (
    "contact customer client recipient person lead subscriber member patient guest student custom customfield "
    "customfields field fields attribute attributes profile kontakt kunde contacto cliente destinatario contato"
)
# The sender's own: [Your Name].
SENDER_WORDS = "your my our dein ihr tu su votre mon seu"
SURE_WORDS = (
    "firstname fname lastname lname fullname givenname familyname phonenumber emailaddress vorname nachname prenom "
    "primernombre nombrecompleto nomcomplet nomecompleto primeironome nomdefamille"
)
FIELDS = {word: field for field, words in FIELD_WORDS.items() for word in words.split()}
_OTHER, _SURE_WORDS = frozenset(OTHER_WORDS.split()), frozenset(SURE_WORDS.split())
_OWNERS = sorted(OWNER_WORDS.split(), key=len, reverse=True)  # the longest first
_COMPILED = [(re.compile(expression), counts) for expression, counts in SHAPES]
_SIGNS = re.compile(r"[{}\[\]%<>|(_@#~:$«-]")
_FALLBACK = re.compile(
    r"(?:default|fallback)\s*[:=]\s*[\"'\u2018-\u201f]?([^\"\u201c-\u201f|]*?)[\"'\u2018-\u201f]?\s*(?:\||$)"
)
_QUOTES = " \"'\u2018\u2019\u201c\u201d"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder found in a text. field: the merge field it stands for, or "". own: written as our merge field."""

    start: int
    end: int
    text: str
    field: str
    fallback: str | None = None
    own: bool = False
    closed: bool = True  # False: half of a pair of braces is missing

    @property
    def spelling(self) -> str:
        """The same as our merge field, such as {first_name|there}."""
        return f"{{{self.field}}}" if self.fallback is None else f"{{{self.field}|{self.fallback}}}"


def find_placeholders(text: str, custom: Collection[str] = ()) -> list[Placeholder]:
    """The placeholders of a text, in order. custom: keys of custom fields that other spellings may stand for."""
    if not _SIGNS.search(text):
        return []
    keys = {plain_word(key): f"{CUSTOM}{key}" for key in custom}
    found: list[Placeholder] = []
    for expression, counts in _COMPILED:
        for match in expression.finditer(text):
            start, end = match.span()
            if any(start < one.end and one.start < end for one in found):
                continue
            if (placeholder := _read(match, counts, keys)) is not None:
                found.append(placeholder)
    return sorted(found, key=lambda one: one.start)


def replace_placeholders(text: str, replacements: Iterable[tuple[Placeholder, str]]) -> str:
    """The text with each placeholder replaced by its string."""
    parts, end = [], 0
    for placeholder, replacement in replacements:
        parts += [text[end : placeholder.start], replacement]
        end = placeholder.end
    return "".join([*parts, text[end:]])


def tables() -> dict[str, object]:
    """The tables that static/inbox/placeholders.js has too; there, commas separate words."""
    words = {"other": OTHER_WORDS, "owners": OWNER_WORDS, "senders": SENDER_WORDS, "sure": SURE_WORDS}
    return {
        "shapes": SHAPES,
        "fields": {field: listed.replace(" ", ",") for field, listed in FIELD_WORDS.items()},
        **{name: listed.replace(" ", ",") for name, listed in words.items()},
    }


def plain_word(name: str) -> str:
    """ "Prénom", "First Name" → "prenom", "firstname"."""
    return "".join(char for char in unicodedata.normalize("NFKD", name).lower() if char.isalnum())


def _read(match: re.Match[str], counts: str, custom: dict[str, str]) -> Placeholder | None:
    whole, inside = match.group(), match.group(1).strip()
    more = (match.group(2) or "").strip() if match.re.groups > 1 else ""
    if counts == "any" and re.match(r"\{[^{$!%]", whole) and (own := _own(inside)):
        return Placeholder(*match.span(), whole, own, more[1:].strip() if more else None, own=True)
    if not more and (cut := re.search(r"[|,:]", inside)):
        inside, more = inside[: cut.start()], inside[cut.start() :]
    word = _owned(inside)
    if counts == "any":
        accepted = any(char.isalnum() for char in inside)
    elif counts == "known":
        accepted = _is_known(inside)
    else:
        accepted = word in (FIELDS if counts == "field" else _SURE_WORDS)
    if not accepted:
        return None
    field = FIELDS.get(word) or custom.get(word, "")
    return Placeholder(*match.span(), whole, field, _fallback(whole, more) if field else None, closed=counts != "half")


def _fallback(whole: str, more: str) -> str | None:
    """What follows a name, as the text to use when the field is empty. None if it is another filter."""
    if named := _FALLBACK.search(more):
        return named.group(1).strip()
    return more[1:].strip(_QUOTES) if more and not whole.startswith("{{") else None


def _own(inside: str) -> str:
    """Our field of this name, or ""."""
    name = inside.strip()
    if name[: len(CUSTOM)].lower() == CUSTOM:
        return CUSTOM + name[len(CUSTOM) :].strip()
    return name.lower() if name.lower() in OWN else ""


def _owned(name: str) -> str:
    """The word of a field without its owner: "contact.first_name" → "firstname". "" for another owner's."""
    *owners, last = [part for part in name.split(".") if plain_word(part)] or [""]
    if any(plain_word(owner) not in _OWNERS for owner in owners):
        return ""
    word = plain_word(last)
    for owner in _OWNERS:
        if word.startswith(owner) and word[len(owner) :] in FIELDS:
            return word[len(owner) :]
    return word


def _is_known(name: str) -> bool:
    """Whether a word in brackets is one that templates leave to be filled in."""
    word = _owned(name)
    if name.lower().startswith(("insert ", "insert_")):
        return True
    words = [word, *(word[len(sender) :] for sender in SENDER_WORDS.split() if word.startswith(sender))]
    return any(one in FIELDS or one in _OTHER for one in words)
