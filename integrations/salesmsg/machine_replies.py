"""Recognizes texts that a phone wrote: reactions to a text, and automatic replies.

A phone without iMessage or RCS gets a reaction as a text of its own: `Liked “See you at ten.”`. The English wordings
are those of iOS and Google Messages; of Spanish, French, German and Portuguese only those that are certain.

Strict on purpose: what a person may have typed is a person's. Nothing may stand beside the reaction and its quotation.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 1600


class Kind(StrEnum):
    LIKED = "liked"
    LOVED = "loved"
    LAUGHED = "laughed"
    EMPHASIZED = "emphasized"
    QUESTIONED = "questioned"
    DISLIKED = "disliked"
    EMOJI = "emoji"
    REMOVED = "removed"


@dataclass(frozen=True)
class Reaction:
    """A reaction. `emoji`: what it adds or removes. `quoted`: the text it names as far as it is quoted; empty for a
    picture or another file."""

    kind: Kind
    emoji: str
    quoted: str


LIKE, HEART, LAUGH, EXCLAMATION, QUESTION, DISLIKE, STICKER = "👍", "❤️", "😂", "‼️", "❓", "👎", "🖼️"

# In a wording "…" is the quotation, "{}" an emoji, and a straight quotation mark any quotation mark.
WORDINGS: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    (
        Kind.LIKED,
        LIKE,
        (
            *("Liked …", "Le gustó …", "Le ha gustado …", "A aimé …", 'A ajouté un "J\'aime" à …'),
            *('A attribué la mention "J\'aime" à …', "Gefällt …", "Gefällt: …", 'Hat … mit "Gefällt mir" markiert'),
            *("Curtiu …", "Gostou de …"),
        ),
    ),
    (
        Kind.LOVED,
        HEART,
        (
            *("Loved …", "Le encantó …", "Le ha encantado …", "A adoré …", 'A attribué la mention "Adore" à …'),
            *("Liebt …", "Hat … mit einem Herz markiert", "Adorou …", "Amou …"),
        ),
    ),
    (
        Kind.LAUGHED,
        LAUGH,
        (
            *("Laughed at …", "Le dio risa …", "Se rió de …", "Se ha reído de …", "A ri de …", "A ri à …"),
            *("Lacht über …", "Hat über … gelacht", "Riu de …"),
        ),
    ),
    (
        Kind.EMPHASIZED,
        EXCLAMATION,
        (
            *("Emphasized …", "Emphasised …", "Exclamó por …", "Enfatizó …", "Ha enfatizado …"),
            *("A mis en évidence …", "A souligné …", "Betont …", "Hat … betont", "Hat … hervorgehoben", "Enfatizou …"),
        ),
    ),
    (
        Kind.QUESTIONED,
        QUESTION,
        (
            *("Questioned …", "Dudó sobre …", "Cuestionó …", "Ha cuestionado …", "A posé une question sur …"),
            *("A questionné …", "Hinterfragt …", "Hat … hinterfragt", "Hat … infrage gestellt", "Questionou …"),
        ),
    ),
    (
        Kind.DISLIKED,
        DISLIKE,
        (
            *("Disliked …", "No le gustó …", "No le ha gustado …", "N'a pas aimé …", "Gefällt nicht …"),
            *("Gefällt nicht: …", 'Hat … mit "Gefällt mir nicht" markiert', "Não curtiu …", "Não gostou de …"),
        ),
    ),
    (
        Kind.EMOJI,
        "",
        (
            *(
                "Reacted {} to …",
                "Reacted with {} to …",
                "{} to …",
                "Reaccionó con {} a …",
                "Reaccionó {} a …",
                "{} a …",
            ),
            *("A réagi avec {} à …", "A réagi {} à …", 'A attribué la mention "{}" à …', "{} à …"),
            *("Hat mit {} auf … reagiert", "Reagierte mit {} auf …", "{} auf …", "{} zu …"),
            *("Reagiu com {} a …", "Reagiu {} a …", "{} para …"),
        ),
    ),
    (Kind.EMOJI, STICKER, ("Reacted with a sticker to …",)),
    (
        Kind.REMOVED,
        "",
        (
            *("Removed {} from …", "Removed a {} from …", "Removed the {} from …", "Removed {} reaction from …"),
            *(
                "Eliminó {} de …",
                "Quitó {} de …",
                "A retiré {} de …",
                "A supprimé {} de …",
                "A retiré la réaction {} à …",
            ),
            *("Hat {} von … entfernt", "Removeu {} de …"),
        ),
    ),
    (
        Kind.REMOVED,
        LIKE,
        (
            *("Removed a like from …", 'Eliminó un "Me gusta" de …', "A retiré un J'aime de …"),
            *("A supprimé un J'aime de …", 'A retiré la mention "J\'aime" de …', 'Hat "Gefällt mir" von … entfernt'),
            *("Removeu uma curtida de …",),
        ),
    ),
    (
        Kind.REMOVED,
        HEART,
        (
            *("Removed a heart from …", "Eliminó un corazón de …", "Quitó un corazón de …", "A retiré un cœur de …"),
            *("A supprimé un cœur de …", 'A retiré la mention "Adore" de …', "Hat ein Herz von … entfernt"),
            *("Removeu um coração de …",),
        ),
    ),
    (
        Kind.REMOVED,
        LAUGH,
        ("Removed a laugh from …", "Eliminó una risa de …", "A retiré un rire de …", "Removeu uma risada de …"),
    ),
    (
        Kind.REMOVED,
        EXCLAMATION,
        (
            *(
                "Removed an exclamation from …",
                "Removed an exclamation mark from …",
                "Removed an exclamation point from …",
            ),
            *("Eliminó una exclamación de …", "A retiré un point d'exclamation de …", "Removeu uma exclamação de …"),
            *("Hat ein Ausrufezeichen von … entfernt",),
        ),
    ),
    (
        Kind.REMOVED,
        QUESTION,
        (
            *("Removed a question mark from …", "Eliminó un signo de interrogación de …"),
            *("A retiré un point d'interrogation de …", "Hat ein Fragezeichen von … entfernt"),
            *("Removeu um ponto de interrogação de …",),
        ),
    ),
    (
        Kind.REMOVED,
        DISLIKE,
        ("Removed a dislike from …", 'Eliminó un "No me gusta" de …', 'Hat "Gefällt mir nicht" von … entfernt'),
    ),
)
# What phones write for a file instead of a quotation.
FILES = (
    *("an image", "a photo", "a video", "a movie", "an attachment", "an audio message", "a voice message", "a sticker"),
    *("una imagen", "una foto", "un video", "un vídeo", "un archivo adjunto", "un mensaje de audio"),
    *("une image", "une photo", "une vidéo", "une pièce jointe", "un message audio"),
    *("ein Bild", "ein Foto", "ein Video", "einen Anhang", "eine Audionachricht"),
    *("uma imagem", "uma foto", "um vídeo", "um anexo", "uma mensagem de áudio"),
)
_CLOSERS = {"“": "”", "”": "”", '"': '"', "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹"}
_MARKS = "".join(_CLOSERS)

# Google Messages surrounds its parts with invisible characters. U+200D and U+FE0F are parts of emoji.
_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SPACES = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_APOSTROPHES = re.compile("[’‘ʼ`´′＇]")
_ELLIPSIS = re.compile(r"(?:…|\.{3})$")


def _pattern(wording: str) -> re.Pattern[str]:
    pieces = {"…": "(?P<quotation>.+)", "{}": r"(?P<emoji>[^\s\w]\S{0,15})", '"': rf"\s*[{_MARKS}]\s*", " ": r"\s+"}
    parts = (pieces.get(part) or re.escape(part) for part in re.split(r'(…|\{\}|"| )', wording) if part)
    # French and Spanish phones begin some of them with a small letter.
    first = "[Aa]" if wording.startswith("A ") else wording[0] if wording[0].isalpha() else ""
    whole = "".join(parts)
    return re.compile(first + whole[1:] if first else whole, re.DOTALL)


_WORDINGS = tuple((kind, emoji, _pattern(wording)) for kind, emoji, wordings in WORDINGS for wording in wordings)
_NAMES_SOMETHING = re.compile(f"[{_MARKS}]|{'|'.join(FILES)}")


def read_reaction(text: str) -> Reaction | None:
    """Return the reaction that a text consists of, or None."""
    text = _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()
    if not text or len(text) > LONGEST or not _NAMES_SOMETHING.search(text):
        return None
    text = _APOSTROPHES.sub("'", text)
    for kind, emoji, pattern in _WORDINGS:
        if (found := pattern.fullmatch(text)) is None:
            continue
        quoted = "" if found["quotation"] in FILES else _read_quotation(found["quotation"])
        written = found.groupdict().get("emoji")
        if quoted is not None and (written is None or _is_emoji(written)):
            return Reaction(kind, emoji or written or "", quoted)
    return None


def _read_quotation(text: str) -> str | None:
    """Return the text between quotation marks; None if the first one closes before the end, or something is missing."""
    closers = _CLOSERS.get(text[0], "")
    if len(text) < 3 or text[-1] not in closers:
        return None
    depth = 1
    for before, mark, after in zip(text, text[1:-1], text[2:], strict=False):
        opens = mark == text[0] and (
            mark not in closers or ((before.isspace() or before == text[0]) and not after.isspace())
        )
        depth += opens
        depth -= not opens and mark in closers
        if not depth:
            return None  # `Liked "the first" and "the second"` is a person's
    return text[1:-1].strip() or None


def _is_emoji(text: str) -> bool:
    """Return whether it is a symbol or an emoji: no letter, digit or quotation mark."""
    categories = {unicodedata.category(char)[0] for char in text}
    return not categories & {"L", "N"} and ("S" in categories or text[0] in "‼⁉") and not set(text) & set(_MARKS)


def is_cut(quoted: str) -> bool:
    """Return whether the phone has quoted only the beginning of a text."""
    return _ELLIPSIS.search(quoted) is not None


def comparable(text: str) -> str:
    """Return what stays of a text on its way to a phone and back: no spaces, no kind of quotation mark, no case."""
    text = unicodedata.normalize("NFKC", _ELLIPSIS.sub("", _INVISIBLE.sub("", text).strip())).casefold()
    return "".join(char for char in _APOSTROPHES.sub("'", text) if not char.isspace() and char not in _MARKS)


# ---- automatic replies ----------------------------------------------------------------------------------------------

# Of small letters without accents. Each must begin the text.
AUTO_REPLIES = (
    # a label before the reply
    r"(?:auto[- ]?(?:reply|response)|automat(?:ic|ed) (?:reply|response|message)|out of office(?: reply)?|"
    r"respuesta automatica|mensaje automatico|fuera de la oficina|reponse automatique|message automatique|"
    r"absence du bureau|automatische (?:antwort|nachricht)|abwesenheits(?:notiz|meldung)|resposta automatica|"
    r"mensagem automatica|fora do escritorio) ?(?:[:\])]|- |$)",
    # a sentence that says so
    r"(?:this is|you have reached) an? (?:automat(?:ed|ic)|auto-?generated) (?:reply|response|message|text)\b",
    r"(?:este es un mensaje|esta es una respuesta) automatic[oa]\b",
    r"(?:ceci est|il s'agit d')\s?une? (?:message|reponse) automatique\b",
    r"dies(?:e nachricht wurde automatisch|es ist eine automatische) (?:erstellt|erzeugt|versendet|"
    r"antwort|nachricht)\b",
    r"est[ae] e uma (?:mensagem|resposta) automatica\b",
    # while driving: iOS, then Android Auto
    r"i(?:'m| am) (?:currently )?driving with (?:do not disturb|(?:the )?(?:driving )?focus)\b",
    r"estoy (?:conduciendo|manejando) (?:con|y tengo) .{0,40}(?:no molestar|concentracion|enfoque)",
    r"je conduis (?:avec|et) .{0,40}(?:ne pas deranger|concentration)",
    r"ich fahre .{0,40}(?:nicht storen|fokus)",
    r"estou (?:dirigindo|conduzindo|a conduzir) com .{0,40}(?:nao perturb|nao incomod|foco)",
    r"i(?:'m| am) driving right now\W*(?:sent (?:from|by|with) android auto\W*|auto-?reply\W*)?$",
    r"i(?:'m| am) driving right now\W+i'll get back to you (?:later|as soon as (?:i can|possible))\W*$",
    # no notifications
    r"i(?:'m| am) not receiving notifications\b.{0,20}\bif this is urgent",
    r"no (?:estoy recibiendo|recibo) notificaciones\b.{0,40}\burgente",
    r"je ne recois (?:pas|aucune|plus)\b.{0,20}\bnotifications?\b.{0,40}\burgent",
    r"ich (?:erhalte|bekomme) (?:\w+ )?keine (?:mitteilungen|benachrichtigungen)\b.{0,60}\bdringend",
    r"nao estou recebendo notificacoes\b.{0,40}\burgente",
    # out of office
    r"(?:thank you|thanks) for (?:your (?:message|text|e-?mail)|contacting (?:me|us)|texting)[.!,]? (?:i am|i'm|we are|"
    r"we're) (?:currently |now )?(?:out of (?:the )?office|away from)\b",
    r"(?:i am|i'm|we are|we're) (?:currently )?out of (?:the )?office\b.{0,120}\b(?:limited access|"
    r"(?:up)?on my return)\b",
    r"gracias por (?:su|tu) (?:mensaje|correo)[.!,]? (?:actualmente )?(?:estoy|me encuentro) (?:\w+ )?(?:fuera de la "
    r"oficina|ausente)\b",
    r"merci (?:pour|de) votre (?:message|mail|e-mail)[.!,]? (?:actuellement )?je suis (?:\w+ )?(?:absente?|"
    r"en conges?)\b",
    r"(?:vielen )?dank fur ihre (?:nachricht|e-?mail)[.!,]? (?:leider )?(?:ich bin|bin ich) (?:\w+ ){0,5}"
    r"(?:nicht im (?:buro|haus)|abwesend|ausser haus)\b",
    r"obrigad[oa] (?:pela sua|pela|por sua) mensagem[.!,]? (?:no momento )?estou (?:\w+ )?(?:fora do escritorio|"
    r"ausente)\b",
)
_AUTO_REPLY = re.compile(rf"[\W_]*(?:{'|'.join(AUTO_REPLIES)})", re.DOTALL)


def is_auto_reply(text: str) -> bool:
    """Return whether a text is an automatic reply. A question is a person's."""
    plain = _SPACES.sub(" ", _APOSTROPHES.sub("'", _INVISIBLE.sub("", text[: LONGEST + 1])).replace("\n", " ")).strip()
    plain = "".join(char for char in unicodedata.normalize("NFKD", plain.casefold()) if not unicodedata.combining(char))
    return not plain.endswith("?") and _AUTO_REPLY.match(plain) is not None
