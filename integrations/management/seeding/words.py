"""Generated names and texts in several languages, with common and rare words."""

import random


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Dana Sam Priya José Mei Olu Ana Lars Fatima Noah Ines Yusuf Grace Ivan Leila Tom Sofia Kofi Emma Ravi Zoë Björn "
    "Aïcha Diego Hanna Marek Chloé Tariq Nadia Hugo Elif Pedro Greta Amara Luca Wanjiru Oskar Mina Théo Juana"
)
LAST = _words(
    "Reyes Ortiz Shah García Chen Adeyemi Silva Berg Haddad Miller Costa Demir Kim Petrov Nouri Baker Müller Dubois "
    "Rossi Kowalski Nguyen Okafor Lindström Fernández Yılmaz Schmidt Moreau Bianchi Novák Andersen Santos Ferreira "
    "Larsson Weber Papadopoulos O'Brien Takahashi Singh Mensah Kovács Herrera Brandt Lefèvre Conti Wójcik Tran Eze"
)
MEMBERS = ("Sam Ortiz", "Rosa Lind", "Tom Okafor", "Ada Marsh", "Jonas Weber", "Inès Moreau", "Kemal Demir")
INBOXES = ("Front desk", "Billing", "Service", "Deliveries")
TAGS = ("VIP", "New", "Wholesale", "Late payer", "Garantie", "Newsletter", "Reparatur", "Español", "Returns", "Winter")
NOTES = ("Prefers mornings.", "Gate code is with the neighbour.", "Zahlt immer bar.", "Llamar después de las seis.")
PLACES = ("Harborview", "Elmstraße 4", "Plaza Mayor", "Riverside", "Canal Street", "Sonnenallee", "Gare du Nord")
THINGS = {
    "en": _words(
        "invoice parcel boiler crown filling battery windshield mattress lawnmower quote contract key faucet carpet "
        "dishwasher prescription estimate receipt deposit gasket thermostat awning hydrangea chandelier accordion"
    ),
    "es": _words(
        "factura paquete caldera llave presupuesto contrato receta colchón lavadora cortina bicicleta batería "
        "fontanero azulejo espejo manguera"
    ),
    "de": _words(
        "Rechnung Paket Heizung Schlüssel Angebot Vertrag Rezept Matratze Waschmaschine Fahrrad Batterie Teppich "
        "Dachrinne Wasserhahn Kostenvoranschlag Türklingel"
    ),
    "fr": _words("facture colis chaudière clé devis contrat ordonnance matelas vélo tapis robinet miroir gouttière"),
    "pt": _words("fatura encomenda caldeira chave orçamento contrato receita colchão bicicleta bateria torneira"),
    "it": _words("fattura pacco caldaia chiave preventivo contratto ricetta materasso bicicletta rubinetto"),
    "tr": _words("fatura paket kombi anahtar teklif sözleşme reçete yatak bisiklet musluk"),
}
LINES = {
    "en": (
        "Does {hour} work for you?", "Yes, {hour} works. See you then!", "Could you send me the {thing} for {number}?",
        "Your appointment at {place} is confirmed for {hour}.", "I am running ten minutes late, sorry",
        "The {thing} {number} has arrived, thank you 🙏", "Is the {thing} still {number} dollars?", "ok", "Thanks!",
        "We are open until six today.", "Please call me back when you can", "The {thing} leaks again, who can come?",
        "All done. Anything else we can help with?", "Here is the {thing}: please check the {other} as well, and tell "
        "us by {hour} whether {name} can let us in at {place}.", "My name is {name}, I called about a {thing}",
    ),
    "es": (
        "¿Le viene bien a las {hour}?", "Sí, perfecto, gracias", "¿Me puede enviar la {thing} {number}?",
        "Llego diez minutos tarde, perdón", "Mañana a las {hour} en {place}", "¿Cuánto cuesta {thing} y {other}?",
    ),
    "de": (
        "Passt Ihnen {hour} Uhr?", "Ja, passt, bis dann!", "Können Sie mir {thing} {number} schicken?",
        "Ich verspäte mich um zehn Minuten", "Vielen Dank und schöne Grüße, {name}",
        "Ist {thing} schon fertig? {other} auch?",
    ),
    "fr": (
        "Est-ce que {hour} vous convient ?", "Oui, merci beaucoup", "Pouvez-vous m’envoyer {thing} {number} ?",
        "Je serai en retard de dix minutes", "Rendez-vous à {place} à {hour}",
    ),
    "pt": ("Pode ser às {hour}?", "Obrigado!", "Já chegou {thing} {number}?", "Estou atrasado, desculpe"),
    "it": ("Va bene alle {hour}?", "Grazie mille", "È arrivato {thing} {number}?", "Arrivo tra dieci minuti"),
    "tr": ("Saat {hour} uygun mu?", "Teşekkürler", "{thing} {number} geldi mi?", "On dakika gecikeceğim"),
}  # fmt: skip
SPOKEN = ("en",) * 12 + ("es",) * 4 + ("de",) * 3 + ("fr", "fr", "pt", "it", "tr")
SYLLABLES = [
    "ba",
    "ke",
    "lo",
    "mi",
    "nu",
    "ra",
    "sti",
    "to",
    "vel",
    "zan",
    "dor",
    "fi",
    "gru",
    "hel",
    "ja",
    "kor",
    "lun",
    "mar",
    "nos",
    "pel",
]


def sentence(chance: random.Random) -> str:
    """Generate one text. Some contain a rare word, such as a model, street or code."""
    language = chance.choice(SPOKEN)
    things = THINGS[language]
    text = chance.choice(LINES[language]).format(
        hour=f"{chance.randint(8, 18)}:{chance.choice(('00', '15', '30', '45'))}",
        number=chance.randint(100, 99_999),
        thing=chance.choice(things),
        other=chance.choice(things),
        place=chance.choice(PLACES),
        name=chance.choice(FIRST),
    )
    if chance.random() < 0.2:
        text += f" ({''.join(chance.choices(SYLLABLES, k=3)).capitalize()} {chance.randint(1, 900)})"
    return text


def pool(number: int, chance: random.Random) -> list[str]:
    """Generate `number` texts."""
    return [sentence(chance) for _ in range(number)]
