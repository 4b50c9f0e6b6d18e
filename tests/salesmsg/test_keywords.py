"""Opt-out words: what is one, what only sounds like one, and what is neither."""

import random

import pytest

from integrations.salesmsg import keywords
from integrations.salesmsg.keywords import Keyword, find_keyword, normalize, seems_opt_out

OUT = [
    # the vendor's, the carriers' and the FCC's words
    *("stop", "Stop.", "STOP!", "STOPALL", "stop all", "Stop-All", "UNSUBSCRIBE", "Unsubscribe.", "CANCEL", "Cancel!"),
    *("END", "end.", "QUIT", "quit", "REVOKE", "OPTOUT", "OPT OUT", "opt-out", "Opt.Out", "opt_out", "OPT - OUT"),
    *("un-subscribe", "unsub", "unsuscribe", "Unsubscribe me", "opt me out"),
    # decoration
    *("STOP 🛑", "🛑 STOP", "🛑STOP🛑", "STOP ❤️", "STOP 👍🏽", "STOP 🇺🇸", "ST🛑OP", "STOP :)", "stop <3"),
    *("“STOP”", "'STOP'", "‘stop’", "«STOP»", '"stop"', "(stop)", "[STOP]", "*STOP*", "_stop_", "#STOP", "`STOP`"),
    *("stop...", "STOP…", "STOP!!!", "  stop  ", "\n\nSTOP\n", "\tSTOP\r\n", "-STOP-", "¡ALTO!", "✋STOP"),
    *("S.T.O.P", "S T O P", "s-t-o-p.", "S*T*O*P", "O P T O U T"),
    *(
        "\u200bSTOP",
        "STOP\u200e",
        "\ufeffSTOP",
        "ST\u00adOP",
        "S\u2060T\u2060O\u2060P",
        "\u2067STOP\u2069",
        "ST\u200dOP",
    ),
    *("STOP\u00a0", "STOP\ufe0f", "STOP\x00", "\u3164STOP", "STO\u034fP", "STOP\U000e0067\U000e007f"),
    *("ＳＴＯＰ", "ｓｔｏｐ！", "𝐒𝐓𝐎𝐏", "𝓢𝓽𝓸𝓹", "ⓈⓉⓄⓅ", "🅂🅃🄾🄿", "🆂🆃🅾🅿", "S̶T̶O̶P̶"),
    # repeated, thanks
    *(
        "stop stop stop",
        "STOP STOP",
        "Stop. Stop!",
        "STOP\nSTOP",
        "STOP, UNSUBSCRIBE, CANCEL",
        "stopstop",
        "cancel cancel",
    ),
    *(
        "stop please",
        "please stop",
        "Please, stop.",
        "stop pls",
        "stop thanks",
        "STOP thank you!",
        "plz stop 🙏",
        "stop, ty",
    ),
    *(
        "unsubscribe please",
        "opt out please",
        "bitte stop",
        "Stopp, danke",
        "stop merci",
        "arrêtez svp",
        "Alto por favor",
    ),
    *("parar, obrigada", "arrêtez s’il vous plaît", "PLEASE STOP PLEASE"),
    # signatures
    *("Stop\n\nSent from my iPhone", "STOP\nSent from Yahoo Mail for iPhone", "STOP Sent from my iPad", "STOP - Maria"),
    *(
        "STOP\n- Maria",
        "STOP\n-- \nMaria Lopez\nAcme Plumbing",
        "STOP\n--\nJohn, cell 305-555-0142",
        "STOP\nJohn Smith",
    ),
    *(
        "STOP\n\nGet Outlook for iOS",
        "STOP\n\nGet Outlook for Android<https://aka.example/x>",
        "Stop\n—Maria",
        "STOP -Maria",
    ),
    *("STOP\nJohn Smith\n(305) 555-0142\njohn@example.com", "STOP\nThanks,\nJohn", "Stop\nBest regards\nJ. Smith, CEO"),
    *(
        "Cancel\n\nSent from my iPhone",
        "Cancel\nJohn Smith",
        "QUIT\n- Maria",
        "Stop\nSmith & Sons LLC",
        "STOP\n+1 305 555 0142",
    ),
    *(
        "Stopp\nVon meinem iPhone gesendet",
        "Arrêt\nEnvoyé de mon iPhone",
        "Baja\nEnviado desde mi iPhone",
        "STOP\nThank you",
    ),
    *(
        "Sair\nEnviado do meu iPhone",
        "STOP\n> Reply STOP to opt out",
        "STOP\nOn Mon, Jan 5, 2026 at 3:00 PM Shop wrote:\nSale!",
    ),
    *("🛑\nSTOP", "STOP\nMaria de la Cruz", "Stopp\nMit freundlichen Grüßen\nJürgen Müller"),
    # other languages
    *(
        "ARRET",
        "ARRÊT",
        "Arrêter",
        "arrêtez",
        "Désabonner",
        "se désabonner",
        "DÉSINSCRIRE",
        "désabonnement",
        "Desinscription",
    ),
    *(
        "ALTO",
        "parar",
        "Baja",
        "darme de baja",
        "Cancelar",
        "detener",
        "Salir",
        "cancelar suscripción",
        "PARE",
        "desuscribirme",
    ),
    *("Stopp", "STOPP!", "Abmelden", "abbestellen", "Ende", "aufhören", "Aufhoeren", "abmeldung"),
    *("Sair", "pare", "parem", "descadastrar", "cancelar inscrição", "Descadastre", "me descadastre"),
    "STOP\n" + "x" * 2000,
]
IN = [
    *("START", "start.", "Yes", "YES!", "unstop", "UN-STOP", "opt in", "Opt-In", "OPTIN", "Subscribe", "start 🙂"),
    *("inicio", "Iniciar", "empezar", "commencer", "Anmelden", "começar", "Yes\n\nSent from my iPhone", "“START”"),
]
HELP = [
    "help",
    "HELP!",
    "Help?",
    "INFO",
    "info?",
    "ayuda",
    "Aide",
    "HILFE",
    "ajuda",
    "help 🆘",
    "Help\nSent from my iPhone",
]
SEEMS = [
    # close to the word alone
    *(
        "Cancel\nThank you",
        "stop\nmaria",
        "I said stop",
        "Don't call or text me again",
        "Stop calling and texting me",
        "I'd like to be removed",
    ),
    # English
    *(
        "please stop texting me",
        "remove me",
        "Remove me from your list",
        "wrong number",
        "take me off your list",
        "stop?",
    ),
    *(
        "don't text me again",
        "do not contact me",
        "leave me alone",
        "who is this? stop messaging",
        "please cancel",
        "stop it",
    ),
    *(
        "I want to opt out",
        "How do I unsubscribe?",
        "Stop sending me texts",
        "stop all messages",
        "No more texts please",
    ),
    *(
        "Don’t message me anymore",
        "Never text this number again",
        "Sorry, you have the wrong number",
        "Wrong person",
        "STOP NOW",
    ),
    *(
        "stop spamming me",
        "quit texting me!!",
        "Can you stop texting me?",
        "I no longer wish to receive these messages",
    ),
    *(
        "I revoke my consent",
        "please remove my number",
        "lose my number",
        "Do not text",
        "OK STOP",
        "STOPPPP",
        "stoooop",
    ),
    *(
        "I don't want any more messages",
        "take us off this mailing list",
        "delete my number from your system",
        "unsubscribe from this",
    ),
    *(
        "STOP! I'm not interested",
        "Not interested. Stop.",
        "stop these texts",
        "opt me out of these texts",
        "cease and desist",
    ),
    *("This is no longer Maria's number", "stop contacting me, thanks", "STOP\nyou keep doing this", "Stop texting"),
    # Spanish
    *(
        "deje de escribirme",
        "Dejen de mandarme mensajes",
        "número equivocado",
        "Se equivocó de número",
        "No me escriba más",
    ),
    *(
        "no quiero más mensajes",
        "No más mensajes por favor",
        "quiteme de su lista",
        "quiero darme de baja",
        "déjenme en paz",
    ),
    *(
        "No me vuelvan a escribir",
        "no quiero recibir mensajes",
        "borre mi número",
        "para",
        "para por favor",
        "ya no me mande mensajes más",
    ),
    # French
    *(
        "ne m'écrivez plus",
        "arrêtez de m’envoyer des messages",
        "mauvais numéro",
        "Ne me contactez plus SVP",
        "Erreur de numéro",
    ),
    *(
        "je ne veux plus recevoir de messages",
        "Retirez-moi de votre liste",
        "laissez-moi tranquille",
        "Plus de SMS svp",
    ),
    *(
        "vous vous êtes trompé de numéro",
        "Désabonnez-moi de cette liste",
        "n'envoyez plus de messages",
        "arrête de m'écrire",
    ),
    # German
    *(
        "bitte keine Nachrichten mehr",
        "falsche Nummer",
        "Schreiben Sie mir nicht mehr",
        "Ich möchte keine SMS mehr",
        "falsch verbunden",
    ),
    *(
        "Hören Sie auf, mir zu schreiben",
        "Löschen Sie meine Nummer",
        "Nehmen Sie mich von der Liste",
        "lassen Sie mich in Ruhe",
    ),
    *("Ich möchte mich abmelden", "Bitte nicht mehr schreiben", "Keine Werbung bitte", "Melden Sie mich bitte ab"),
    # Portuguese
    *(
        "pare de me mandar mensagens",
        "número errado",
        "Não me mande mais mensagens",
        "não quero mais mensagens",
        "me tire da lista",
    ),
    *(
        "Parem de me ligar",
        "Remova meu número",
        "me deixe em paz",
        "Não quero receber mensagens",
        "quero me descadastrar",
    ),
]
NEITHER = [
    # the word opens a text of two lines
    *(
        "STOP the music",
        "Stop\nthe music",
        "Stop\nI will call you",
        "Yes\nplease",
        "Yes\nSaturday",
        "Start\nat nine",
        "Quit\nSmoking",
        "End\nof story",
        "Cancel\nOrder",
        "Yes\nthat works",
        "help\nme with this",
        "Stop\nTalking",
    ),
    # English
    *(
        "",
        " ",
        "🛑",
        "👍",
        "...",
        "?",
        "ok",
        "no",
        "hi",
        "Thanks!",
        "please",
        "yes please",
        "Yes, 3pm works",
        "yes?",
        "yes yes yes",
    ),
    *(
        "please stop by at 5",
        "cancel my 3pm appointment",
        "can you stop the leak?",
        "the end of the month",
        "I quit my job",
    ),
    *(
        "what's the wrong number on the invoice?",
        "stop sending the old catalogue, send the new one",
        "Don't stop!",
        "non-stop",
    ),
    *(
        "bus stop",
        "end of story",
        "Start at 9?",
        "start?",
        "Cancel\nmy appointment on Monday",
        "End\nof the month works",
        "Nonstop",
    ),
    *(
        "Cancel\nHaircut",
        "Cancel - Haircut",
        "Cancel\nMonday",
        "I didn't cancel",
        "cancel?",
        "Did you cancel it?",
        "cancel the order",
    ),
    *(
        "It will stop raining soon",
        "the dog won't stop barking",
        "where is the next stop?",
        "We stop at noon",
        "stopped",
        "stopping",
    ),
    *(
        "I can't stop laughing",
        "Can I quit the gym plan early?",
        "dead end",
        "at the end",
        "weekend",
        "End of day is fine",
        "To the end",
    ),
    *(
        "Please don't stop texting me, I love the deals",
        "I gave you the wrong number, it is 305 555 0142",
        "I was wrong, number two it is",
    ),
    *(
        "Don't call me before 9",
        "Don't text me at work, email is better",
        "Can you text me the address?",
        "remove the old carpet",
    ),
    *(
        "take me off the 3pm slot",
        "Send me the messages again",
        "no more questions",
        "Any more texts I should read?",
        "the message stopped",
    ),
    *(
        "Could you help me with the order?",
        "help me",
        "I need info on the prices",
        "Get started",
        "When do we start",
        "I subscribe to that",
    ),
    *(
        "I did not mean to unsubscribe",
        "Can I opt out of the dental plan?",
        "Liked “Reply STOP to opt out”",
        "Laughed at “please stop texting me”",
    ),
    *(
        "Thanks for contacting Acme. Reply STOP to unsubscribe, HELP for help.",
        "Loved an image",
        "why did you stop texting me",
    ),
    *(
        "stop the delivery, I am not home",
        "Cancel all my orders",
        "quit smoking program",
        "revoke my key card access",
        "top",
        "spot",
        "sto p it",
    ),
    *(
        "Is this the end?",
        "You ended the call",
        "Leave the keys with my wife",
        "leave it alone",
        "I left you a message",
        "no worries",
    ),
    *(
        "my number is 305 555 0142",
        "stop sign on the corner",
        "pit stop",
        "Full stop missing in line 2",
        "One stop shop",
    ),
    *(
        "Remove the appointment on Friday",
        "Delete the last line",
        "who is this?",
        "We opted out of the extended warranty last year",
    ),
    # Spanish
    *(
        "para mañana",
        "sí",
        "si",
        "no",
        "¿Puede parar el lunes en la tienda?",
        "cancelar mi cita del martes",
        "la parte baja",
    ),
    *(
        "salir a las cinco",
        "el alto de la calle",
        "¿Para cuándo?",
        "quiero cancelar la cita",
        "no deje de escribirme",
        "voy a salir",
    ),
    *(
        "baja el precio",
        "el número equivocado en la factura",
        "le di el número equivocado",
        "No me llames antes de las 9",
        "al fin",
    ),
    # French
    *(
        "oui",
        "non",
        "arrêt de bus",
        "l'arrêt 12",
        "je m'arrête à 17h",
        "annuler mon rendez-vous",
        "fin du mois",
        "à la fin",
        "aide-moi",
    ),
    *(
        "J'ai donné le mauvais numéro",
        "Le mauvais numéro sur la facture",
        "Il n'arrête pas de pleuvoir",
        "commencer à 9h",
        "plus de pain",
    ),
    # German
    *(
        "ja",
        "nein",
        "hör bitte auf Regen zu bestellen",
        "Ende der Woche",
        "am Ende",
        "Wo ist die Haltestelle?",
        "Kurs abmelden?",
        "zu Ende",
    ),
    *(
        "Ich habe keine Nachrichten bekommen",
        "Ich habe Ihnen die falsche Nummer gegeben",
        "Kann ich am Montag abbestellen?",
        "Endlich",
    ),
    *("Die falsche Nummer auf der Rechnung", "Rufen Sie mich morgen an", "Ich möchte meinen Sohn vom Kurs abmelden"),
    # Portuguese
    *(
        "sim",
        "não",
        "sair às cinco",
        "vou parar na loja",
        "cancelar minha consulta",
        "não pare",
        "fim de semana",
        "no fim do mês",
    ),
    *(
        "Não pare de me mandar mensagens",
        "O número errado na fatura",
        "Me mande mais fotos",
        "Pode me ligar mais tarde?",
    ),
    "x" * 5000,
    "A long mail\n" + "STOP " * 2000,
]
CORPUS = [
    *((text, Keyword.OPT_OUT, False) for text in OUT),
    *((text, Keyword.OPT_IN, False) for text in IN),
    *((text, Keyword.HELP, False) for text in HELP),
    *((text, None, True) for text in SEEMS),
    *((text, None, False) for text in NEITHER),
]
DECORATIONS = [
    *(
        "{}.",
        "{}!",
        "{}…",
        "“{}”",
        "«{}»",
        "({})",
        "*{}*",
        " {}\n",
        "{} 🛑",
        "🛑 {}",
        "\u200b{}\u200e",
        "\ufeff{}",
        "-- {} --",
        "'{}'",
    ),
    *(
        "{}\n\nSent from my iPhone",
        "{}\n-- \nMaria",
        "{}\n- Maria",
        "{}\nGet Outlook for iOS",
        "{}\nJohn Smith",
        "{}\n",
    ),
]
SENTENCES = [
    *("I told Anna about {} on the poster", "what does {} mean in your letter", "{} is the title of the song, I think"),
    *("We saw the word {} painted on a wall", "{}\nI will tell you more on Monday", "page {} of the booklet"),
]
WORDS = {
    Keyword.OPT_OUT: keywords.CLEAR_OUT + keywords.PLAIN_OUT,
    Keyword.OPT_IN: keywords.IN,
    Keyword.HELP: keywords.HELP,
}
EVERY_WORD = [(word, kind) for kind, words in WORDS.items() for word in words]


@pytest.mark.parametrize(("text", "keyword", "seems"), CORPUS)
def test_corpus(text, keyword, seems):
    assert (find_keyword(text), seems_opt_out(text)) == (keyword, seems)


def test_most_of_the_corpus_is_no_opt_out():
    assert len(CORPUS) >= 220
    assert len(CORPUS) - len(OUT) >= len(CORPUS) / 2
    assert len({text for text, *_ in CORPUS}) >= len(CORPUS) - 3  # "no", "pare" and "abmelden" belong to two languages


@pytest.mark.parametrize("decoration", DECORATIONS)
def test_a_decorated_keyword_stays_one(decoration):
    for word, kind in EVERY_WORD:
        for written in (word, word.upper(), word.title()):
            assert find_keyword(decoration.format(written)) is kind, written


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_keyword_in_a_sentence_is_none(sentence):
    for word, _ in EVERY_WORD:
        assert find_keyword(sentence.format(word)) is None, word


def test_no_word_has_two_meanings():
    spelled = [normalize(word).replace(" ", "") for word, _ in EVERY_WORD]
    assert len(spelled) == len(set(spelled))


@pytest.mark.parametrize("written", ["OPT-OUT", "OPT OUT", "OPTOUT", "opt.out", "Opt_Out", "O.P.T O.U.T"])
def test_spellings_compare_alike(written):
    assert normalize(written) == "optout"


def test_normalizing_twice_changes_nothing():
    random.seed(1)
    pieces = [
        *[
            "stop",
            "un",
            "all",
            "opt",
            "out",
            "in",
            "ARRÊT",
            "ß",
            "ﬁ",
            "İ",
            "ｓ",
            "𝐒",
            "Ⓢ",
            "🛑",
            "\u200b",
            "한",
            "ſ",
            "´s`",
        ],
        *" .-'\n:)<3½²ŉªȷ\u1e9e\u0345\u00b4\u037a",
    ]
    texts = [text for text, *_ in CORPUS] + ["".join(random.choices(pieces, k=12)) for _ in range(5000)]
    texts += [chr(code) for code in range(0x3000)] + [f"{chr(code)}a" for code in range(0x1D400, 0x1F1FF)]
    for text in texts:
        assert normalize(normalize(text)) == normalize(text), ascii(text)


def test_words_of_an_account():
    assert find_keyword("Pizza!", extra_out=["PIZZA"]) is Keyword.OPT_OUT
    assert find_keyword("pizza please", extra_out=["PIZZA"]) is None
    assert find_keyword("СТОП.", extra_out=["стоп"]) is Keyword.OPT_OUT
    assert find_keyword("join us", extra_in=["JOIN-US"]) is Keyword.OPT_IN
    assert find_keyword("join", extra_out=["join"], extra_in=["join"]) is Keyword.OPT_OUT
    assert find_keyword("info", extra_out=["info"]) is Keyword.OPT_OUT
    assert find_keyword("🛑", extra_out=["🛑", ""]) is None
    assert find_keyword("STOP", extra_out=["x"], extra_in=["y"]) is Keyword.OPT_OUT
