"""Reactions and automatic replies: what a phone wrote, and what a person did."""

import pytest

from integrations.salesmsg import keywords
from integrations.salesmsg.machine_replies import (
    FILES,
    WORDINGS,
    Kind,
    Reaction,
    comparable,
    is_auto_reply,
    is_cut,
    read_reaction,
)

# text -> (kind, emoji, quoted)
REACTIONS = {
    # iOS, in its own quotation marks and in those of the carriers' alphabet
    "Liked “See you at ten.”": (Kind.LIKED, "👍", "See you at ten."),
    'Liked "See you at ten."': (Kind.LIKED, "👍", "See you at ten."),
    "Loved “See you”": (Kind.LOVED, "❤️", "See you"),
    "Laughed at “Why did the chicken…”": (Kind.LAUGHED, "😂", "Why did the chicken…"),
    "Emphasized “Don’t be late!”": (Kind.EMPHASIZED, "‼️", "Don't be late!"),
    "Emphasised “Don’t be late!”": (Kind.EMPHASIZED, "‼️", "Don't be late!"),
    "Questioned “Friday at ten?”": (Kind.QUESTIONED, "❓", "Friday at ten?"),
    "Disliked “We are closed today.”": (Kind.DISLIKED, "👎", "We are closed today."),
    "  Liked “ok”\n": (Kind.LIKED, "👍", "ok"),
    "Liked\u00a0“ok”": (Kind.LIKED, "👍", "ok"),
    "Liked “Two lines:\nten, or eleven”": (Kind.LIKED, "👍", "Two lines:\nten, or eleven"),
    'Liked “He said "ok" and left”': (Kind.LIKED, "👍", 'He said "ok" and left'),
    'Liked "Reply "STOP" to opt out"': (Kind.LIKED, "👍", 'Reply "STOP" to opt out'),
    "Liked “Reply “STOP” to opt out”": (Kind.LIKED, "👍", "Reply “STOP” to opt out"),
    "Liked “Reply “STOP to…”": (Kind.LIKED, "👍", "Reply “STOP to…"),
    "Liked an image": (Kind.LIKED, "👍", ""),
    "Loved a movie": (Kind.LOVED, "❤️", ""),
    "Laughed at an attachment": (Kind.LAUGHED, "😂", ""),
    "Removed a like from “ok”": (Kind.REMOVED, "👍", "ok"),
    "Removed a heart from “ok”": (Kind.REMOVED, "❤️", "ok"),
    "Removed a laugh from “ok”": (Kind.REMOVED, "😂", "ok"),
    "Removed an exclamation from “ok”": (Kind.REMOVED, "‼️", "ok"),
    "Removed a question mark from “ok”": (Kind.REMOVED, "❓", "ok"),
    "Removed a dislike from “ok”": (Kind.REMOVED, "👎", "ok"),
    "Removed a heart from an image": (Kind.REMOVED, "❤️", ""),
    # iOS 18
    "Reacted 😂 to “See you”": (Kind.EMOJI, "😂", "See you"),
    "Reacted 👍🏽 to “See you”": (Kind.EMOJI, "👍🏽", "See you"),
    "Reacted 👩‍❤️‍👩 to an image": (Kind.EMOJI, "👩‍❤️‍👩", ""),
    "Reacted with a sticker to “See you”": (Kind.EMOJI, "🖼️", "See you"),
    "Removed 😂 from “See you”": (Kind.REMOVED, "😂", "See you"),
    # Google Messages, with its invisible characters
    "👍 to “See you”": (Kind.EMOJI, "👍", "See you"),
    "\u200a\u200b👍\u200b to “\u200aSee you\u200a” \u200a": (Kind.EMOJI, "👍", "See you"),
    "\u200b❤️\u200b to “See you”": (Kind.EMOJI, "❤️", "See you"),
    "‼️ to “See you”": (Kind.EMOJI, "‼️", "See you"),
    "Removed \u200b👍\u200b from “See you”": (Kind.REMOVED, "👍", "See you"),
    "🎉 to an image": (Kind.EMOJI, "🎉", ""),
    # Spanish
    "Le gustó “Nos vemos”": (Kind.LIKED, "👍", "Nos vemos"),
    "Le encantó «Nos vemos»": (Kind.LOVED, "❤️", "Nos vemos"),
    "Le dio risa “Nos vemos”": (Kind.LAUGHED, "😂", "Nos vemos"),
    "Se rió de “Nos vemos”": (Kind.LAUGHED, "😂", "Nos vemos"),
    "Exclamó por “Nos vemos”": (Kind.EMPHASIZED, "‼️", "Nos vemos"),
    "Dudó sobre “¿Nos vemos?”": (Kind.QUESTIONED, "❓", "¿Nos vemos?"),
    "No le gustó “Nos vemos”": (Kind.DISLIKED, "👎", "Nos vemos"),
    "Reaccionó con 🔥 a “Nos vemos”": (Kind.EMOJI, "🔥", "Nos vemos"),
    "Le encantó una imagen": (Kind.LOVED, "❤️", ""),
    "Eliminó un corazón de “Nos vemos”": (Kind.REMOVED, "❤️", "Nos vemos"),
    # French
    "A aimé « À demain »": (Kind.LIKED, "👍", "À demain"),
    "A adoré «\u202fÀ demain\u202f»": (Kind.LOVED, "❤️", "À demain"),
    "a adoré « À demain »": (Kind.LOVED, "❤️", "À demain"),
    "A ri de « À demain »": (Kind.LAUGHED, "😂", "À demain"),
    "A mis en évidence « À demain »": (Kind.EMPHASIZED, "‼️", "À demain"),
    "A posé une question sur « À demain »": (Kind.QUESTIONED, "❓", "À demain"),
    "N’a pas aimé « À demain »": (Kind.DISLIKED, "👎", "À demain"),
    "A réagi avec 😂 à « À demain »": (Kind.EMOJI, "😂", "À demain"),
    "A réagi 😂 à « À demain »": (Kind.EMOJI, "😂", "À demain"),
    "a attribué la mention « J’aime » à « À demain »": (Kind.LIKED, "👍", "À demain"),
    "A retiré la réaction 😂 à « À demain »": (Kind.REMOVED, "😂", "À demain"),
    "A retiré un cœur de « À demain »": (Kind.REMOVED, "❤️", "À demain"),
    # German
    "Gefällt: „Bis morgen“": (Kind.LIKED, "👍", "Bis morgen"),
    "Gefällt „Bis morgen“": (Kind.LIKED, "👍", "Bis morgen"),
    "Hat „Bis morgen“ mit „Gefällt mir“ markiert": (Kind.LIKED, "👍", "Bis morgen"),
    "Hat „Bis morgen“ mit „Gefällt mir nicht“ markiert": (Kind.DISLIKED, "👎", "Bis morgen"),
    "Liebt „Bis morgen“": (Kind.LOVED, "❤️", "Bis morgen"),
    "Lacht über „Der „Rest“ folgt“": (Kind.LAUGHED, "😂", "Der „Rest“ folgt"),
    "Hat mit 😂 auf „Bis morgen“ reagiert": (Kind.EMOJI, "😂", "Bis morgen"),
    "Gefällt ein Bild": (Kind.LIKED, "👍", ""),
    "Hat „Gefällt mir“ von „Bis morgen“ entfernt": (Kind.REMOVED, "👍", "Bis morgen"),
    # Portuguese
    "Curtiu “Até amanhã”": (Kind.LIKED, "👍", "Até amanhã"),
    "Adorou “Até amanhã”": (Kind.LOVED, "❤️", "Até amanhã"),
    "Riu de “Até amanhã”": (Kind.LAUGHED, "😂", "Até amanhã"),
    "Não curtiu “Até amanhã”": (Kind.DISLIKED, "👎", "Até amanhã"),
    "Reagiu com 😂 a “Até amanhã”": (Kind.EMOJI, "😂", "Até amanhã"),
    "Removeu um coração de “Até amanhã”": (Kind.REMOVED, "❤️", "Até amanhã"),
}

AUTO_REPLIES = [
    "I'm driving with Do Not Disturb While Driving turned on. I'll see your message when I get where I'm going.",
    "I’m driving with Do Not Disturb While Driving turned on. I’ll see your message when I get where I’m going.",
    "I'm driving with Focus turned on. I'll see your message when I get where I'm going.",
    "I’m currently driving with Driving Focus on.",
    "(I’m not receiving notifications. If this is urgent, reply “urgent” to send a notification through with your "
    "original message.)",
    'I\'m not receiving notifications. If this is urgent, reply "urgent" to send a notification.',
    "I'm driving right now",
    "I'm driving right now. Sent from Android Auto",
    "I'm driving right now - I'll get back to you later.",
    "Automatic reply: I am away until Monday.",
    "Auto-Reply: we are closed. Our hours are 9 to 5.",
    "[Auto-Reply] We are closed.",
    "Autoreply: thanks for your text",
    "AUTO REPLY - our office is closed",
    "Automated response: this number is not monitored.",
    "Out of office: back on the 3rd",
    "Out of Office",
    "This is an automated message. This number is not monitored.",
    "Thank you for your message. I am currently out of the office and will reply on Monday.",
    "Thanks for contacting us. We are currently out of the office.",
    "I am currently out of the office with limited access to email.",
    "Respuesta automática: estoy fuera hasta el lunes.",
    "Este es un mensaje automático. No responda.",
    "Estoy conduciendo con la función “No molestar al conducir” activada. Veré tu mensaje cuando llegue a mi destino.",
    "(No recibo notificaciones. Si es urgente, responde “urgente”.)",
    "Gracias por su mensaje. Actualmente estoy fuera de la oficina.",
    "Réponse automatique : je suis absent jusqu’à lundi.",
    "Ceci est un message automatique.",
    "Je conduis avec la fonction « Ne pas déranger en voiture » activée. Je verrai votre message à mon arrivée.",
    "(Je ne reçois pas les notifications. Si c’est urgent, répondez « urgent ».)",
    "Merci pour votre message. Je suis actuellement absent du bureau.",
    "Automatische Antwort: Ich bin bis Montag nicht da.",
    "Abwesenheitsnotiz: ab Montag wieder im Büro",
    "Ich fahre gerade Auto und habe „Beim Fahren nicht stören“ aktiviert.",
    "Ich erhalte derzeit keine Mitteilungen. Falls es dringend ist, antworte mit „dringend“.",
    "Vielen Dank für Ihre Nachricht. Ich bin zurzeit nicht im Büro.",
    "Resposta automática: volto na segunda-feira.",
    "Estou dirigindo com o “Não Perturbe ao Dirigir” ativado. Verei sua mensagem quando chegar.",
    "Obrigado pela sua mensagem. Estou fora do escritório.",
]

PEOPLE = [
    # near a reaction
    'Liked "your offer", when can I come?',
    "Liked “your offer” and “your price”",
    'Liked "your offer" and "your price"',
    "Liked “your offer”!",
    "Liked “your offer” 👍",
    "Liked your offer",
    "Liked it a lot",
    "I liked “See you at ten.”",
    "liked “See you at ten.”",
    "LOVED “it”",
    "Loved it! Thank you",
    "Loved the movie",
    "Loved an image of yours",
    "Loved an old image",
    "Laughed at it for hours",
    "Laughed at “",
    "Liked “”",
    "Liked “ ”",
    "Liked “half",
    "Liked half”",
    "Liked ‘it’",
    "Emphasized the wrong word, sorry",
    "Questioned “ten o’clock” because of school, is eleven ok?",
    "Disliked the color, can I change it?",
    "Removed a heart",
    "Removed a heart from the list",
    "Removed a tooth from “Dana”",
    "Reacted well to “the new pills”",
    "Reacted badly to “ibuprofen”",
    "Reacted 2 to “the test”",
    "👍",
    "👍👍👍",
    "👍 thanks",
    "👍 to Friday",
    "👍 to “Friday” or “Monday”?",
    "Yes to “Friday”",
    "ok to “ten”",
    "“See you at ten.”",
    "“See you at ten.” sounds good",
    '"Liked" is the word',
    "Le gustó mucho",
    "Le gustó “la oferta”, gracias",
    "Me gustó “la oferta”",
    "Le encantó la idea",
    "A aimé « la visite », merci beaucoup",
    "J’ai adoré « le film »",
    "A adoré le rendez-vous",
    "a attribué la mention « Bravo » à « ok »",
    "A réagi vite à « x »",
    "Gefällt mir",
    "Gefällt mir „sehr“ gut",
    "Hat „morgen“ mit Anna besprochen",
    "Liebt den Hund",
    "Adorou a ideia",
    "Curtiu “a ideia”, obrigada",
    "",
    " ",
    "\u200b",
    "“”",
    # near an automatic reply
    "I'm driving",
    "I'm driving, call you later",
    "I'm driving right now, can you call me?",
    "I'm driving right now but I can be there at ten",
    "I’m driving right now, I’ll be there at ten",
    "I am driving with my kids, back at ten",
    "I'm driving to you with focus",
    "Can't talk right now. What's up?",
    "Sorry, I can't talk right now.",
    "Is this an automated message?",
    "This is an automated message, right?",
    "Automatic reply is annoying",
    "Is that an auto reply",
    "Auto repair: how much?",
    "Do not disturb me before nine please",
    "I'm out of the office today, can we do tomorrow?",
    "I'm out of the office until Monday",
    "Out of office chairs, do you sell more?",
    "I'm not receiving notifications from your app",
    "I'm not receiving notifications, can you check?",
    "Thanks for your message. I am free on Monday",
    "Estoy conduciendo, te llamo luego",
    "No recibo notificaciones de la app",
    "Je conduis, je vous rappelle",
    "Je suis absent lundi, mardi c’est possible ?",
    "Ich fahre gerade los",
    "Ich fahre gerade Auto",
    "Ich bin morgen nicht im Büro, geht Mittwoch?",
    "Estou dirigindo, já respondo",
    "Obrigado pela mensagem!",
    # keywords
    *("STOP", "stop", "START", "YES", "HELP", "Stop please", "BAJA", "ARRET", "Stop texting me"),
]


@pytest.mark.parametrize(("text", "expected"), REACTIONS.items())
def test_reactions(text, expected):
    assert read_reaction(text) == Reaction(*expected)
    assert not is_auto_reply(text)


@pytest.mark.parametrize("text", AUTO_REPLIES)
def test_automatic_replies(text):
    assert is_auto_reply(text)
    assert read_reaction(text) is None


@pytest.mark.parametrize("text", PEOPLE)
def test_what_people_write(text):
    assert read_reaction(text) is None
    assert not is_auto_reply(text)


def test_the_corpus_is_half_people():
    assert len(REACTIONS) + len(AUTO_REPLIES) >= 100 <= 2 * len(PEOPLE)


@pytest.mark.parametrize("wording", [wording for _, _, wordings in WORDINGS for wording in wordings])
def test_every_wording_is_read(wording):
    text = wording.replace("{}", "🎉").replace("…", "“See you”")
    assert (found := read_reaction(text)) and found.quoted == "See you", text
    assert found.emoji
    assert read_reaction(f"{text} ok") is None
    assert read_reaction(text.replace("“See you”", "See you")) is None


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_read(name):
    assert read_reaction(f"Liked {name}") == Reaction(Kind.LIKED, "👍", "")


@pytest.mark.parametrize("text", [*REACTIONS, *AUTO_REPLIES])
def test_none_is_a_keyword(text):
    """A reaction repeats our own text, which may say how to opt out; phones' automatic replies must raise no doubt."""
    assert keywords.find_keyword(text) is None
    assert not keywords.seems_opt_out(text)


def test_a_reaction_to_our_instruction_is_no_opt_out_but_a_wish_beside_it_seems_one():
    assert not keywords.seems_opt_out("Disliked “Sale! Reply STOP to stop texting me.”")
    assert keywords.seems_opt_out("Disliked “Sale!”, stop texting me")


def test_long_texts_are_no_reactions():
    assert read_reaction(f"Liked “{'a' * 2000}”") is None


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ("See you at ten.", "See you  at ten. "),
        ("Don't be late", "Don’t be late"),
        ('He said "ok"', "He said “ok”"),
        ("See\u00a0you", "See you"),
        ("see you", "See You"),
    ],
)
def test_what_a_phone_changes_does_not_matter(quoted, text):
    assert comparable(quoted) == comparable(text)


def test_a_cut_quotation_is_a_beginning():
    assert is_cut("See you…")
    assert is_cut("See you...")
    assert not is_cut("See you")
    assert comparable("See you at ten").startswith(comparable("See you…"))
