"""Recognizes opt-out, opt-in and help keywords in inbound texts, in five languages.

Sources: the vendor's words (salesmsg-api.md, section 8); the FCC's words of 2024, "stop", "quit", "end", "revoke",
"opt out", "cancel", "unsubscribe", and its "any reasonable means" (47 CFR 64.1200(a)(10)); HELP and INFO from the CTIA
messaging principles. The other languages follow what carriers and senders commonly accept.

A keyword must stand alone: decoration, thanks and a signature may surround it, a sentence may not. What only sounds
like an opt-out is left to a person: `seems_opt_out`.
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from .machine_replies import read_reaction


class Keyword(StrEnum):
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"


# Longer texts come from mail gateways; only their first line is read.
LONGEST = 1600
MOST_SIGNATURE_LINES = 6

# Words that mean an opt-out whatever the conversation is about; thanks may surround them.
CLEAR_OUT = (
    # English
    *("stop", "stop all", "unsubscribe", "unsubscribe me", "unsub", "opt out", "opt me out", "revoke"),
    *("unsuscribe", "unsubcribe", "unsubscibe", "unsubscribed", "stop to end", "stop to opt out"),
    # Spanish. "para" is left out: it is also "for", and an answer like "para mañana" is often sent in two texts.
    *("alto", "parar", "pare", "paren", "baja", "dar de baja", "darme de baja", "darse de baja", "deme de baja"),
    *("detener", "detenga", "detenganse", "desuscribir", "desuscribirme", "desuscribirse", "cancelar suscripcion"),
    *("cancelar la suscripcion", "cancelar mi suscripcion", "desinscribir", "desinscribirme"),
    # French
    *("arret", "arrete", "arretez", "arreter", "arrett", "desabonner", "desabonnez moi", "desabonnement"),
    *("desabonne", "me desabonner", "se desabonner", "desinscrire", "desinscrivez moi", "desinscription"),
    *("me desinscrire", "se desinscrire"),
    # German
    *("stopp", "stoppen", "abmelden", "abmeldung", "abbestellen", "abbestellung", "aufhoren", "aufhoeren", "austragen"),
    # Portuguese
    *("parem", "descadastrar", "descadastre", "descadastrar me", "me descadastrar", "me descadastre"),
    *("cancelar inscricao", "cancelar a inscricao", "cancelar assinatura", "desinscrever"),
)
# Opt-outs when alone, but also ordinary answers: "please cancel" may be about an appointment.
PLAIN_OUT = ("cancel", "cancel all", "end", "quit", "cancelar", "salir", "fin", "ende", "beenden", "sair", "fim")

# The vendor takes YES as an opt-in, so it is one only while the contact is opted out: the caller must check that.
# "sí", "oui", "ja" and "sim" are left out: no carrier takes them, and people answer questions with them.
IN = (
    *("start", "yes", "unstop", "opt in", "subscribe", "resubscribe"),
    *("inicio", "iniciar", "empezar", "comenzar", "suscribir", "suscribirme", "commencer", "demarrer", "reabonner"),
    *("anmelden", "starten", "abonnieren", "comecar", "inscrever"),
)
HELP = ("help", "info", "ayuda", "aide", "hilfe", "ajuda")

POLITE = (
    *("please", "pleas", "plese", "pls", "plz", "plss", "kindly", "thank you", "thank u", "thankyou", "many thanks"),
    *("thanks", "thx", "thnx", "tks", "tnx", "ty", "sorry", "por favor", "porfavor", "porfa", "muchas gracias"),
    *("gracias", "sil vous plait", "s il vous plait", "sil te plait", "s il te plait", "svp", "stp", "merci beaucoup"),
    *("merci", "vielen dank", "danke schon", "danke", "bitte", "muito obrigado", "muito obrigada", "obrigado"),
    *("obrigada", "obg", "pfv", "pf"),
)

CLOSINGS = (
    *(
        "best",
        "best regards",
        "kind regards",
        "warm regards",
        "regards",
        "cheers",
        "sincerely",
        "yours",
        "respectfully",
    ),
    *("saludos", "saludos cordiales", "atentamente", "un saludo", "cordialement", "bien cordialement", "salutations"),
    *("mfg", "lg", "vg", "gruss", "grusse", "viele grusse", "liebe grusse", "mit freundlichen grussen"),
    *("atenciosamente", "att", "abracos", "cumprimentos"),
)
# What mail and phone apps add, normalized. Their end is bounded so that they stay one line.
APP_SIGNATURE = re.compile(
    r"(?:^|\b)(?:sent (?:from|via|with|using) (?:my |the )?(?:\w+ ){0,4}(?:iphone|ipad|ios|android|phone|mobile|galaxy|"
    r"samsung|pixel|outlook|yahoo|gmail|aol|mail|blackberry|device|smartphone|watch|tablet|macbook|mac)"
    r"|(?:\w+ ){1,3}outlook (?:for|pour|para|fur) (?:ios|android|mac|windows)"
    r"|holen sie sich outlook|envoye (?:(?:de|depuis|a partir de|a partir|avec) )(?:mon|ma|mail|yahoo|d?outlook)"
    r"|von meinem (?:\w+ ){1,3}(?:gesendet|geschickt)|gesendet (?:von|mit) (?:mein|der|mail|outlook|yahoo)"
    r"|enviado (?:desde|do|de|a partir do|con|com) (?:mi|meu|yahoo|outlook|mail|el|o)\b).{0,60}$"
)
QUOTED_REPLY = re.compile(
    r"on .{4,80} wrote|le .{4,80} a ecrit|am .{4,80} schrieb.{0,60}|el .{4,80} escribio|em .{4,80} escreveu"
)
# Words that no name, company or job title carries: a line with one of them is text, not a signature.
SENTENCE_WORDS = frozenset(
    "i im ill ive you your youre we us me my mine he him she her it its they them their this that these those the an "
    "is are was were be been am do does did dont not no never have has had will wont would can cant could should must "
    "and but or if so as to from for with without about on at in by up out off until till before after when what why "
    "how who where which there here now later today tonight tomorrow yesterday monday tuesday wednesday thursday friday "
    "saturday sunday morning afternoon evening noon week month january february march april june july august september "
    "october november december call text send come go get give take make wait let lets see look tell say said ask need "
    "want know think like love stop start cancel end quit yes ok okay hello hi hey good great nice sure more again "
    "anymore all every everything nothing appointment order orders booking reservation meeting delivery subscription "
    "plan payment invoice visit messages message texts number wrong spam service haircut cleaning lesson class "
    "yo mi tu su el la los las un una es son esta no por que cuando cita pedido reserva manana hoy lunes martes "
    "miercoles jueves viernes sabado domingo je tu il elle nous vous le les une est sont mon ma mes votre pas que demain "
    "lundi mardi mercredi jeudi vendredi samedi dimanche rendezvous commande ich du sie er es wir der die das ein eine "
    "ist sind mein meine nicht kein keine heute morgen montag dienstag mittwoch donnerstag freitag samstag sonntag "
    "termin bestellung eu voce ele ela nao meu minha um uma hoje amanha segunda terca quarta quinta sexta "
    "consulta".split()
)
NAME_PARTICLES = frozenset("de la las los del der den von van zu du da do dos das e y and und et bin al di".split())

# ---- comparison form ----------------------------------------------------------------------------------------------

_APOSTROPHES = re.compile("['’‘ʼ`´′＇]")
_EMOTICON = re.compile(r"(?<!\S)(?:[:;=]['-]?[a-z0-9]|<3)(?!\S)")
_SPELLED = re.compile(r"\b[a-z](?: [a-z]\b){2,}")
_COMPOUND = re.compile(r"\b(opt|stop|un) (out|in|all|subscribe|stop)\b")
_COMPOUNDS = frozenset({"optout", "optin", "stopall", "unsubscribe", "unstop"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")  # letters by category, blank on the screen
# Letters in black circles and squares have no compatibility form.
_BLACK_LETTERS = {first + i: chr(97 + i) for first in (0x1F150, 0x1F170) for i in range(26)}


def normalize(text: str) -> str:
    """Return the comparison form: plain lower-case letters and digits, words separated by one space.

    Accents, invisible characters and apostrophes disappear; punctuation, symbols and emoji separate words. Spelled
    letters are joined (S.T.O.P), and so are the compounds "opt out", "opt in", "stop all", "un subscribe", "un stop".
    Normalizing twice changes nothing.
    """
    text = _APOSTROPHES.sub("", text.translate(_BLACK_LETTERS))
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = _EMOTICON.sub(" ", _APOSTROPHES.sub("", text))
    text = " ".join("".join(map(_plain, text)).split())
    text = _SPELLED.sub(lambda run: run.group().replace(" ", ""), text)
    return _COMPOUND.sub(_join_compound, text)


def _plain(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category[0] in "LN" and char not in _FILLERS:
        return char
    return " " if category[0] in "PS" else ""


def _join_compound(match: re.Match[str]) -> str:
    joined = match[1] + match[2]
    return joined if joined in _COMPOUNDS else match[0]


def _squeeze(normalized: str) -> str:
    return normalized.replace(" ", "")


def _squeezed(words: Iterable[str]) -> frozenset[str]:
    return frozenset(_squeeze(normalize(word)) for word in words) - {""}


_CLEAR_OUT = _squeezed(CLEAR_OUT)
_OUT = _CLEAR_OUT | _squeezed(PLAIN_OUT)
_IN = _squeezed(IN)
_HELP = _squeezed(HELP)
_CLOSINGS = _squeezed(CLOSINGS)
_POLITE = re.compile(rf"\b(?:{'|'.join(POLITE)})\b")


def _without_thanks(normalized: str) -> str:
    return " ".join(_POLITE.sub(" ", normalized).split())


# ---- keywords -----------------------------------------------------------------------------------------------------


def find_keyword(text: str, extra_out: Iterable[str] = (), extra_in: Iterable[str] = ()) -> Keyword | None:
    """Return the keyword that a text consists of, or None.

    The whole text must be the keyword, or its first line with nothing but a signature after it. Opt-out words may be
    repeated, and the clear ones surrounded by "please" and "thanks". A question is not a decision: "stop?" is None.
    extra_out, extra_in: more words of an account, in any writing; they take precedence, an opt-out over an opt-in.

    OPT_IN includes YES, so it counts only if the contact is opted out.
    """
    lines = _content_lines(text)
    if not lines:
        return None
    more_out, more_in = _squeezed(extra_out), _squeezed(extra_in)
    found = _keyword_alone(" ".join(lines), more_out, more_in)
    if found is None and len(lines) > 1:
        found = _keyword_alone(lines[0], more_out, more_in)
        clear = _is_clear_out(normalize(lines[0]))
        if found and not _is_signature(lines[1:], clear):
            found = None
    if found is None:
        found = _keyword_before_name(lines)
    asks = any(mark in line for line in lines for mark in "?？¿❓❔")
    return None if asks and found is not Keyword.HELP else found


def _content_lines(text: str) -> list[str]:
    """Return the lines that have letters or digits, without what an app added and without a quoted reply."""
    lines: list[str] = []
    for line in text.strip()[: LONGEST + 1].splitlines():
        plain = normalize(line)
        if lines and (line.lstrip().startswith(">") or QUOTED_REPLY.fullmatch(plain)):
            break
        if _is_delimiter(line) and lines:
            lines.append("--")
            continue
        kept = APP_SIGNATURE.sub("", plain).strip()
        if kept:
            lines.append(line.strip() if kept == plain else kept)
        if len(text.strip()) > LONGEST and lines:
            return lines if len(line) <= LONGEST else []
    while lines and lines[-1] == "--":
        lines.pop()
    return lines


def _is_delimiter(line: str) -> bool:
    """Return whether a line separates a signature, as "-- " does in mail (RFC 3676, section 4.3)."""
    return re.fullmatch(r"\s*(?:[-–—_=*~]{2,}|—)\s*", line) is not None


def _keyword_alone(text: str, more_out: frozenset[str], more_in: frozenset[str]) -> Keyword | None:
    plain = normalize(text)
    word = _squeeze(plain)
    if word in more_out:
        return Keyword.OPT_OUT
    if word in more_in:
        return Keyword.OPT_IN
    if word in _OUT or _is_clear_out(plain) or (plain and all(each in _OUT for each in plain.split())):
        return Keyword.OPT_OUT
    if word in _IN:
        return Keyword.OPT_IN
    return Keyword.HELP if word in _HELP else None


def _is_clear_out(plain: str) -> bool:
    """Return whether a normalized text is clear opt-out words and thanks, and nothing else."""
    bare = _without_thanks(plain)
    word = _squeeze(bare)
    return bool(bare) and (
        word in _CLEAR_OUT or all(each in _CLEAR_OUT for each in bare.split()) or not word.replace("stop", "")
    )


def _keyword_before_name(lines: list[str]) -> Keyword | None:
    """Recognize "STOP - Maria"; only after clear words, because "Cancel - Haircut" looks the same."""
    parts = re.split(r"\s+[-–—―~|]+\s*", lines[0], maxsplit=1)
    if len(parts) == 2 and _is_clear_out(normalize(parts[0])) and _is_signature([parts[1], *lines[1:]], clear=True):
        return Keyword.OPT_OUT
    return None


# ---- signatures ---------------------------------------------------------------------------------------------------


def _is_signature(lines: list[str], clear: bool) -> bool:
    """Return whether every line is part of a signature: thanks, a closing, a name, a company, a phone, an address.

    After a delimiter line ("--") short lines without a question are enough. clear: the word before is a clear opt-out,
    so that thanks and one capitalized word count; after "Cancel" they do not: "Cancel / Haircut", "Yes / please".
    """
    if len(lines) > MOST_SIGNATURE_LINES:
        return False
    for i, line in enumerate(lines):
        if line == "--":
            return all(len(rest) <= 60 and "?" not in rest for rest in lines[i + 1 :])
        if not all(_is_signature_part(part, clear) for part in re.split(r"[,|•·]\s*", line) if part.strip()):
            return False
    return True


def _is_signature_part(part: str, clear: bool) -> bool:
    part = part.strip()
    plain = normalize(part)
    if _squeeze(plain) in _CLOSINGS or (clear and not _without_thanks(plain)):
        return True
    if re.fullmatch(r"(?:[a-z]{1,6}[.:]?\s*)?[+(]*\d[\d\s().+/-]{5,20}", part, re.IGNORECASE):
        return True
    if re.fullmatch(r"\S+@\S+\.\w+|(?:https?://|www\.)\S+", part, re.IGNORECASE):
        return True
    dashed = re.match(r"[-–—―~*]+\s*", part)
    return _is_name(part[dashed.end() :] if dashed else part, single=clear or bool(dashed), any_case=bool(dashed))


def _is_name(part: str, single: bool, any_case: bool) -> bool:
    """Return whether a line is a name: one to four capitalized words, none of which belongs in a sentence."""
    words = [word for word in part.split() if normalize(word) and normalize(word) not in NAME_PARTICLES]
    if not words or len(words) > 4 or (len(words) == 1 and not single):
        return False
    return all(_is_name_word(word, any_case) for word in words)


def _is_name_word(word: str, any_case: bool) -> bool:
    plain = normalize(word)
    letters = _squeeze(plain)
    return (
        letters.isalpha()
        and not any(mark in word for mark in "?!:;")
        and (any_case or next(char for char in word if char.isalpha()).isupper())
        and letters not in SENTENCE_WORDS
        and not (letters.endswith("ing") and len(letters) > 4)
    )


# ---- what only sounds like an opt-out -------------------------------------------------------------------------------

_EN_TEXTS = (
    r"(?:texts?|txts?|messages?|msgs?|sms|spam|notifications?|alerts|promos?|promotions?|ads|solicitations?|marketing)"
)
_EN_TEXTING = (
    r"(?:texting|txting|messaging|msging|contacting|spamming|bothering|harassing|emailing|calling|annoying|writing|"
    r"pestering|soliciting)"
)
_EN_LIST = (
    r"(?:lists?|database|system|texts?|messages?|records|contacts?|thread|chat|this|everything|crm|campaigns?|numbers)"
)
_ES_TEXTS = r"(?:mensajes?|mensajitos|textos?|sms|publicidad|propaganda|promociones|notificaciones|spam)"
_FR_TEXTS = r"(?:messages?|sms|textos?|pubs?|publicites?|notifications?|promos?|spams?)"
_FR_WRITE = r"(?:envoyer|ecrire|contacter|spammer|harceler|deranger|appeler|importuner|solliciter|texter)"
_DE_TEXTS = r"(?:nachrichten?|sms|texte|werbung|mitteilungen|benachrichtigungen|werbenachrichten|werbe sms)"
_DE_WRITE = r"(?:schreiben|anschreiben|schicken|senden|kontaktieren|anrufen|texten|belastigen|nerven|simsen)"
_PT_TEXTS = r"(?:mensagens|mensagem|msgs?|sms|textos|propagandas?|promocoes|notificacoes|spam|publicidade)"

# Each is searched in one clause, normalized and without thanks; "$" is the end of the clause.
SOUNDS = (
    # English: stop texting
    rf"\b(?:stop|quit|cease) (?:\w+ (?:and |or )?)?{_EN_TEXTING}(?: (?:me|us|this (?:number|phone)|my (?:number|phone|cell)|here)\b|$)",
    rf"\b(?:stop|quit|cease) {_EN_TEXTING} (?:any ?more|now|already|people|immediately)\b",
    rf"\b(?:stop|quit) sending (?:me |us )?(?:\w+ ){{0,2}}?(?:{_EN_TEXTS}|these|this|stuff|things|me|us)$",
    rf"\b(?:stop|quit) sending (?:me|us) (?:\w+ ){{0,2}}?{_EN_TEXTS}\b",
    rf"\b(?:stop|stopall|end|cancel|cease)(?: (?:all|the|these|those|your|any|with the|with these|sending))* {_EN_TEXTS}"
    r"(?: (?:me|now|to (?:me|this number)|from .{1,30}))?$",
    rf"(?<!got )(?<!have )(?<!had )(?<!received )(?<!are )\bno (?:more|further) (?:\w+ )?(?:{_EN_TEXTS}|texting|messaging"
    r"|calls|contact)$",
    r"\b(?:dont|do not|never|not to) (?:ever )?(?:\w+ or )?(?:text|txt|message|msg|contact|write|spam|bother|disturb|sms)"
    r"(?: (?:me|us|this (?:number|phone)|my (?:number|phone|cell)))?"
    r"(?: (?:any ?more|again|ever|any longer|back|here|at all|on this number|at this number))*$",
    r"\b(?:dont|do not|never) (?:ever )?call(?: (?:me|us))?(?: (?:this|my) (?:number|phone|cell))?"
    r" (?:any ?more|again|ever again|list)$",
    r"\b(?:dont|do not|never) call (?:this|my) (?:number|phone|cell)\b",
    rf"\b(?:dont|do not|never) send (?:me |us )?(?:(?:any|more|anymore|these|your|further) ){{0,2}}{_EN_TEXTS}?"
    r"(?:any ?more|again)?$",
    rf"\b(?:dont|do not|no longer|never) (?:want|wish|need|like|care)(?: to (?:receive|get|have|hear))?"
    rf"(?: (?:any|more|anymore|further|these|your|such|from|you|this|all|of|to get|to receive))* {_EN_TEXTS}\b",
    r"\b(?:dont|do not|no longer) (?:want|wish) to (?:receive|get|hear)(?: (?:any|more|anything|this|these|from|you|them))*"
    r"(?: any ?more)?$",
    r"\b(?:dont|do not) want to be (?:contacted|texted|messaged|bothered)\b",
    # English: the list, the number, the consent
    rf"\b(?:remove|take|drop|get|delete|strike) (?:me|us|my (?:number|name|phone|cell|info|contact)|this number)(?: out)?"
    rf" (?:off|from|of)(?: of)? (?:\w+ ){{0,4}}?{_EN_LIST}$",
    r"\b(?:remove|delete|lose|erase|forget) (?:me|us|my (?:number|phone number|cell|info|contact info)|this number)"
    r"(?: now| immediately| asap| already| at once)?$",
    r"\btake (?:me|us|my (?:number|name)) off$",
    r"\b(?:wrong|incorrect) (?:number|num|nbr|nr|person|guy|phone number|recipient)\b(?! (?:on|in|of|for|at|when|to|by|with|as)\b)",
    r"\bno longer (?:has|have|uses?|owns?) this (?:number|phone)|\bno longer \w+(?: \w+)? number$",
    r"\b(?:have|got|texting|texted) the wrong$|\bthis (?:is not|isnt) (?:\w+ ){1,2}(?:phone|number)(?: any ?more)?$",
    r"\b(?:want|like|need|wish|asked|ask) to be (?:removed|taken off|unsubscribed|deleted)(?: (?:from|off)\b.{0,40})?$|^remove$",
    r"\b(?:said|told you|asked you to|told you to) (?:stop|unsubscribe)$",
    rf"\benough (?:with|of) (?:\w+ ){{1,2}}?{_EN_TEXTS}\b|^no {_EN_TEXTS}$",
    r"\bleave (?:me|us) alone\b",
    r"\bunsub(?:scribe)?\b(?! (?:link|button|page|rate)\b)|\b(?:un|de)subscribe me\b",
    r"\b(?:opt|opting) (?:me|us) out\b|\b(?:optout|opting out)$",
    rf"\b(?:optout|opting out) (?:of|from) (?:\w+ ){{0,3}}?(?:{_EN_TEXTS}|{_EN_LIST}|all|these)$",
    r"\b(?:revoke|withdraw)(?:ing)? (?:my |all |any )?(?:consent|permission)\b|\bcease and desist\b|\bdo not disturb$",
    r"\b(?:report|reporting|reported|block|blocking) (?:you|this|this number|it)(?: as spam| for spam)?$",
    # Spanish
    r"\b(?:dej(?:e|en|a|ad|ar)|par(?:e|en|a|ad|ar)) (?:ya )?de (?:\w+ )?"
    r"(?:escribir|enviar|mandar|contactar|molestar|llamar|textear|acosar|mensajear)(?:(?:me|nos)\b|$| a este numero)",
    rf"\b(?:dej|par|ces)(?:e|en|a|ad|ar) de (?:enviar|mandar) (?:\w+ )?{_ES_TEXTS}\b",
    r"\bno (?:me|nos) (?:vuelv(?:a|an|as) a )?(?:escrib(?:a|an|as|ir)|envi(?:e|en|es|ar)|mand(?:e|en|es|ar)|"
    r"contact(?:e|en|es|ar)|molest(?:e|en|es|ar)|text(?:ee|een|ear)|llam(?:e|en|es|ar))"
    rf"(?: (?:mas|nunca|nada|nunca mas|jamas))(?: {_ES_TEXTS})?$",
    r"\bno (?:me|nos) (?:escrib(?:a|an|as)|contact(?:e|en|es)|molest(?:e|en|es))$|\bno molest(?:e|en|es)(?: mas)?$",
    r"\bno (?:me|nos) vuelv(?:a|an|as) a (?:escribir|enviar|mandar|contactar|llamar|molestar)\b",
    r"\bno vuelv(?:a|an|as) a (?:escribir|contactar|llamar|molestar|mandar|enviar)(?:me|nos)\b",
    rf"\bno (?:mas|(?:me )?(?:envi|mand)(?:e|en|es)(?: mas)?) {_ES_TEXTS}\b|\bbasta de {_ES_TEXTS}|^(?:ya )?basta(?: ya)?$",
    rf"\bno (?:quiero|deseo|queremos|me interesa)(?: (?:recibir|mas|sus|estos|tus|seguir|recibiendo|que|me|manden|envien))*"
    rf" {_ES_TEXTS}",
    r"\b(?:numero|persona) (?:equivocad[oa]|incorrect[oa]|errone[oa])\b(?! (?:en|de|del|para)\b)",
    r"\b(?:equivoc\w+|confund\w+) de (?:numero|persona)\b",
    r"\b(?:quit|saqu|sac|borr|elimin|remuev)\w*(?:me|nos)(?: (?:de|ya)(?: \w+){0,2} (?:listas?|base de datos|contactos|"
    rf"sistema|{_ES_TEXTS}))?$",
    r"\b(?:borr|elimin|quit|saqu|remuev)\w* (?:mi|este) (?:numero|nombre|telefono)\b",
    r"\b(?:dar|de|den|da|doy|dad)(?:me|nos) de baja(?: (?:de|en) (?:\w+ ){0,2}?"
    rf"(?:listas?|base de datos|{_ES_TEXTS}|todo|esto))?$",
    r"\bme quiero dar de baja$|\b(?:este|ese) no es (?:el|mi) (?:numero|telefono)(?: de \w+)?$",
    r"\bdej\w*(?:me|nos) (?:en paz|tranquil[oa]s?)\b",
    # French: apostrophes are gone, "m'envoyer" is "menvoyer"
    rf"\b(?:arrete[zr]?|cesse[zr]?|stop) (?:de |d ?)?(?:me |m|nous ){_FR_WRITE}\b",
    rf"\b(?:arrete[zr]?|cesse[zr]?|stop)(?: avec)? (?:(?:de |d)?{_FR_WRITE} )?(?:les|ces|vos|tes|tous les|des|la|aux)"
    rf" {_FR_TEXTS}\b",
    r"\b(?:ne )?(?:me |m|nous |n)(?:ecri(?:vez|s|re)|contacte[zr]?|derange[zr]?|appele[zr]|sollicite[zr]?|texte[zr]?)"
    r" (?:plus|jamais)(?: jamais)?$",
    rf"\b(?:ne )?(?:me |m|nous |n)(?:envoye[zr]|envoie) (?:plus|jamais)(?: (?:(?:de |d|aucun |vos |ces ){_FR_TEXTS}|rien))?$",
    rf"\bne (?:plus|pas) (?:me |m|nous ){_FR_WRITE}\b|^(?:plus|pas) (?:de |d|aucun ){_FR_TEXTS}$",
    rf"\b(?:veux|souhaite|desire|voulons|souhaitons) (?:plus|pas) (?:recevoir )?(?:de |d|vos |ces |aucun |tes |etre )?"
    rf"(?:{_FR_TEXTS}|contacte|derange)",
    r"\b(?:mauvais|faux) numero\b(?! (?:sur|dans|de|du|pour)\b)|\berreur de (?:numero|personne)|\bpas le bon numero$|\bmauvaise personne$",
    r"\btromp\w+ de (?:numero|personne)\b",
    r"\b(?:retire[zr]?|enleve[zr]?|supprime[zr]?|efface[zr]?|raye[zr]?|ote[zr]?) (?:moi|nous|mon numero|mon nom)"
    r"(?: (?:de|des) (?:\w+ ){0,2}?(?:listes?|base|fichiers?|contacts|systeme)(?: de \w+)?)?$",
    r"\bm?e? ?(?:retirer|enlever|supprimer|retire|enleve) de (?:votre|vos|la|cette|ta) listes?\b",
    rf"\b(?:desabonn|desinscri)\w*(?: moi)?(?: (?:de|des|a) (?:\w+ ){{0,2}}?(?:listes?|{_FR_TEXTS}))?$",
    r"\blaisse[zr]? (?:moi|nous) tranquilles?\b|\b(?:fichez|foutez|fiche|fous) moi la paix\b",
    # German
    rf"\bkeine (?:weiteren |neuen )?{_DE_TEXTS}(?: \w+){{0,2}} mehr\b|\bkeine weiteren {_DE_TEXTS}\b|^keine {_DE_TEXTS}$",
    rf"\b(?:will|mochte|moechte|wunsche|wollen|mochten) (?:ab sofort |von ihnen |wirklich )?keine (?:\w+ )?{_DE_TEXTS}\b",
    r"\b(?:schreib|kontaktier|belastig|text|schick|send|ruf|nerv|bothe?r)\w* (?:sie |ihr )?(?:mir|mich|uns)"
    r" (?:(?:bloss|ja|doch|endlich|einfach) )?(?:nicht mehr|nie wieder|nichts mehr|nie mehr)\b",
    r"\bkontaktier\w* (?:sie |ihr )?(?:mich|uns) nicht$|\b(?:mir|mich|uns) (?:nicht mehr|nie wieder|nichts mehr|nie mehr) "
    rf"(?:zu )?{_DE_WRITE}$|^(?:nicht mehr|nie wieder|nichts mehr) {_DE_WRITE}$",
    r"\bhoe?r\w* (?:sie |endlich |doch |ihr )*auf (?:damit )?(?:mir|mich|uns) (?:\w+ ){0,3}?(?:zu )?"
    rf"(?:{_DE_WRITE}|zuschreiben|anzuschreiben|anzurufen)\b",
    rf"\bhoe?r\w* (?:sie |endlich |doch |ihr )*auf (?:mit (?:den|diesen|der|dem|ihren|euren) {_DE_TEXTS}|zu {_DE_WRITE})$",
    rf"\bstopp?(?:en)?(?: sie)? (?:die|diese|den|alle) {_DE_TEXTS}\b",
    r"\bfalsche (?:\w+)?(?:nummer|person)\b(?! (?:auf|in|im|der|des|fur)\b)|\bfalsch verbunden\b|\bnicht die richtige nummer$",
    r"\b(?:streich|losch|loesch|entfern|nimm|nehm|trag)\w* (?:sie )?(?:mich|uns|meine (?:\w+)?nummer|meine daten)"
    r"(?: (?:endlich|sofort))?(?: (?:aus|von)(?: (?:\w+ ){0,2}?(?:\w*liste|\w*verteiler|kartei|datenbank|system))?)?"
    r"(?: (?:heraus|raus|runter))?$",
    r"\b(?:meine nummer|mich|uns) (?:(?:aus|von) (?:\w+ ){1,2})?(?:loschen|loeschen|entfernen|streichen|austragen|abmelden"
    r"|abzumelden|rausnehmen)$",
    r"\bmeld\w* (?:sie )?(?:mich|uns) ab$|\b(?:lass|lasst|lassen)(?: sie)? (?:mich|uns) in (?:ruhe|frieden)\b",
    r"\b(?:widerruf\w*|entziehe) (?:hiermit )?(?:\w+ )?(?:einwilligung|zustimmung)\b",
    r"\b(?:mochte|moechte|will) nichts mehr von (?:ihnen|euch|dir)\b",
    # Portuguese
    r"\b(?:par(?:e|em|a|ar)|deix(?:e|em|a|ar)) de (?:me|nos) (?:mandar|enviar|escrever|contatar|contactar|ligar|incomodar|"
    r"perturbar|chamar|mensagear)\b",
    rf"\b(?:par(?:e|em|a|ar)|deix(?:e|em|a)) (?:de (?:mandar|enviar)|com)(?: me)?(?: (?:as|essas|estas|os|esses|suas))?"
    rf" {_PT_TEXTS}\b",
    r"\b(?:par|deix)(?:e|em|a) de (?:mandar|enviar|escrever|contatar|contactar|ligar|incomodar|perturbar)(?: me)?$",
    r"\bnao (?:me |nos |quero que me )?(?:mand(?:e|em|a|es)|envi(?:e|em|a|es)|escrev(?:a|am|e|as)|contat(?:e|em)|"
    r"contact(?:e|em)|lig(?:ue|uem|a)|perturb(?:e|em)|incomod(?:e|em))(?: me)? (?:mais|nunca mais|novamente|de novo)"
    rf"(?: (?:(?:\w+ )?{_PT_TEXTS}|nada))?$",
    r"\bnao (?:me|nos) (?:escreva|contate|contacte|perturbe|incomode|mande mensagens?|envie mensagens?)m?$",
    rf"\bnao (?:quero|desejo|queremos|gostaria)(?: (?:mais|receber|de|suas|essas|estas|esses|seus|de receber))* {_PT_TEXTS}\b",
    rf"\b(?:chega de|sem mais|nada de|nao mais) {_PT_TEXTS}\b|\bnao quero (?:mais receber|receber mais|receber nada)(?: nada)?(?: de voces?)?$|\bcancelar o recebimento\b",
    r"\b(?:numero|pessoa) (?:errad[oa]|incorret[oa])\b(?! (?:na|no|da|do|de|em|para)\b)|\bengan\w+ (?:de|no|o) numero\b",
    r"\b(?:me )?(?:tir(?:e|em|a|ar)|remov(?:a|am|e|er)|retir(?:e|em|a|ar)|exclu(?:a|am|i|ir))(?: me)? d(?:a|e|as|essa|esta)"
    r" (?:\w+ )?(?:listas?|base|cadastro)\b|\bme (?:tire|tirem|remova|removam|retire|exclua|descadastrem?)$",
    r"\b(?:remov|apagu|exclu|delet|tir|retir)(?:e|em|a|am|ir|er|ar) (?:o )?(?:meu|este|esse) (?:numero|telefone|contato)\b",
    r"\b(?:quero|gostaria de|desejo|como) (?:\w+ )?(?:sair da lista|me descadastrar|descadastrar)\b",
    r"\b(?:me deix(?:e|em|a) em paz|deix(?:e|em|a) me em paz)\b",
)
_SOUNDS = tuple(re.compile(pattern) for pattern in SOUNDS)
# The same words about another person, about the past, or negated.
_NOT_A_WISH = re.compile(
    r"\b(?:dont|do not|dont want to|do not want to|didnt|did not|never|wont|will not|cant|cannot|cant you|not|why did you|when did you|did you|i will|"
    r"ill|if you|he|him|she|her|they|them|did i|mean to|meant to|wouldnt|shouldnt) "
    r"(?:stop|quit|cease|leave|unsub|unsubscribe|optout|opting|opt|cancel|end|remove|delete|lose)\b"
    r"|\b(?:i|we|ive|weve|they|he|she|who) (?:\w+ ){0,2}?(?:gave|given|dialed|dialled|typed|entered|wrote|put|sent|ordered|"
    r"called|texted|wrong number of)\b.*\bwrong\b"
    r"|\bno (?:pare|paren|pares|deje|dejes|dejen|deja) de\b|\bnao (?:pare|parem|deixe|deixem) de\b"
    r"|\b(?:di|puse|escribi|marque|anote|dimos) (?:\w+ )?numero\b|\b(?:dei|digitei|anotei|disquei) (?:\w+ )?numero\b"
    r"|\bjai (?:\w+ )?(?:donne|note|compose|fait|mis)\b|\bich habe? .*\bfalsche\b|\bhabe? .*\b(?:bekommen|erhalten)\b"
    r"|\bhore? nicht auf\b|\bno (?:me|nos) (?:dej|quit)\w+"
)
# What senders print under their texts, sent back by another business's auto-reply.
_INSTRUCTION = re.compile(
    r"\b(?:reply|text|txt|send|respond|answer|type|responda|responde|envie|envia|repondez|envoyez|antworten sie|antworte|"
    r"senden sie|sende|texte)(?: \w+){0,2}? (?:stop\w*|unsubscribe|optout|end|quit|cancel|baja|alto|arret|sair|parar)"
    r"(?: \w+){0,4}? (?:to|for|para|pour|um|zum|at|para no)\b.{0,60}"
)
_CLAUSE_END = re.compile(r"[.!?;:…]+(?=\s|$)|(?<!auf),(?=\s|$)|\s[-–—]+\s|[¡¿\n\r]+|[!?]+")
_ALMOST_ALONE = re.compile(
    r"(?:(?:ok|okay|just|hi|hello|hey|yo|no|nope|omg|ugh|i said|si|nein|hola|bonjour|hallo|ola|oi) ){0,3}"
    r"(?:stop|stopp|stopall|unsubscribe|optout|arrete|arretez|pare|paren|alto|para|no mas)"
    r"(?: (?:now|right|already|it|this|that|everything|immediately|asap|ok|forever|at once|ya|jetzt|sofort|maintenant|agora|"
    r"ja|isso|ca|esto|das)){0,3}"
)
_STRETCHED = re.compile(r"([a-z])\1{2,}")


def seems_opt_out(text: str) -> bool:
    """Return whether a text only sounds like an opt-out, or like a wrong number, so that a person should decide.

    False for a text whose keyword is certain, see `find_keyword`. A question counts: "stop?".
    """
    if find_keyword(text) is not None or read_reaction(text) is not None:  # a reaction repeats our own text
        return False
    lines = _content_lines(text)
    whole = _without_thanks(_STRETCHED.sub(r"\1", normalize(" ".join(lines))))
    thanked = whole != normalize(" ".join(lines))
    if _is_clear_out(whole) or _ALMOST_ALONE.fullmatch(whole) or (thanked and _squeeze(whole) in _OUT):
        return True
    # A name in small letters may be a signature, too.
    if lines and _is_clear_out(normalize(lines[0])) and _is_signature([f"- {line}" for line in lines[1:]], clear=True):
        return True
    clauses = [clause for line in lines for clause in _CLAUSE_END.split(line) if normalize(clause)]
    if any(_is_clear_out(normalize(clause)) for clause in clauses if clause is clauses[-1] or clause.strip().isupper()):
        return True
    return any(_sounds(clause) for clause in clauses)


def _sounds(clause: str) -> bool:
    plain = _INSTRUCTION.sub(" ", _without_thanks(normalize(clause))).strip()
    return not _NOT_A_WISH.search(plain) and any(pattern.search(plain) for pattern in _SOUNDS)
