"""Names of contacts in several cultures, with the countries of their phone numbers."""

from typing import NamedTuple


class Culture(NamedTuple):
    """A culture. ``language`` selects dialogues in addition to English."""

    weight: int
    language: str
    countries: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


def _culture(weight: int, language: str, countries: str, first: str, last: str) -> Culture:
    return Culture(weight, language, tuple(countries.split()), tuple(first.split()), tuple(last.split()))


CULTURES = (
    _culture(
        26, "en", "US US US CA",
        "Dana Megan Tyler Brooke Marcus Denise Walter Kayla Terrence Paige Gordon Lorraine Jasmine Derek Holly Curtis "
        "Natalie Wesley Tanya Russell",
        "Whitfield Harmon Brewster Caldwell Pruitt Langley Sherwood Bishop Tillman Vance Hartley Conway Maddox "
        "Ellison Rutledge Kirby Stokes Dalton McBride O'Neill",
    ),
    _culture(
        18, "es", "US US US",
        "Lucía Mateo Valentina Diego Camila Javier Ximena Rafael Marisol Andrés Itzel Joaquín Paloma Ignacio Rocío",
        "Reyes Ortega Villanueva Cárdenas Peña Zamora Ibáñez Montoya Quiroga Núñez Salcedo Bustamante",
    ),
    _culture(
        9, "en", "GB",
        "Imogen Callum Niamh Rhys Poppy Alasdair Freya Gareth Bronwen Declan",
        "Ashworth Pemberton Llewellyn Farquhar Cartwright Hargreaves Braithwaite Drummond O'Shea",
    ),
    _culture(
        6, "en", "AU",
        "Lachlan Matilda Jarrah Bronte Darcy Kylie Angus Tahlia",
        "Kingsford Whitlam Brannigan Hollows Dunstan Macquarie Tregenza",
    ),
    _culture(
        6, "fr", "CA FR",
        "Élodie Thibault Maëlle Rémi Anaïs Gaëtan Solène Loïc",
        "Beauchamp Lefèvre Gagnon Desrosiers Tremblay Charpentier Côté",
    ),
    _culture(
        4, "de", "DE DE US",
        "Jürgen Anneliese Björn Käthe Matthias Ulrike",
        "Schäfer Großmann Köhler Brandt Weiß Lindemann",
    ),
    _culture(
        3, "en", "SE US",
        "Åsa Linnéa Sören Göran Ebba",
        "Sjöström Lindqvist Åkesson Bergström Nyqvist",
    ),
    _culture(
        7, "ar", "US GB CA",
        "Layla Omar Yasmin Khalid Noor Tariq Salma Hassan",
        "Haddad Mansour Khoury Al-Rashid Nasser Barakat",
    ),
    _culture(
        3, "he", "US GB",
        "Noa Eitan Tamar Yonatan Shira",
        "Ben-Ami Levi Mizrahi Peretz Shalev",
    ),
    _culture(
        6, "zh", "US CA AU",
        "Mei Wei Xiu Jun Ling Hao Yan",
        "Zhang Liu Chen Huang Zhou Xu Lin",
    ),
    _culture(
        6, "en", "US GB CA",
        "Priya Arjun Ananya Rohan Kavya Vikram Meera",
        "Iyer Chatterjee Deshmukh Nair Bhatt Raghavan Kapoor",
    ),
    _culture(
        4, "vi", "US AU",
        "Linh Minh Thảo Quân Hương Đức",
        "Nguyễn Trần Phạm Đặng Võ",
    ),
    _culture(
        5, "en", "US GB",
        "Chidi Amara Folake Kwame Zainab Emeka Abena",
        "Okafor Adeyemi Mensah Balogun Nwosu Owusu",
    ),
    _culture(
        3, "pl", "US GB",
        "Małgorzata Zbigniew Agnieszka Łukasz Bożena",
        "Wiśniewska Kowalczyk Jabłoński Świątek Dąbrowska",
    ),
)  # fmt: skip

# Names in non-Latin scripts, mostly without a family name.
OWN_SCRIPT = {
    "ar": (("ليلى", "حداد"), ("عمر", "منصور"), ("سلمى", "بركات")),
    "he": (("נועה", "לוי"), ("איתן", "פרץ")),
    "zh": (("美玲", "陈"), ("伟", "张")),
}

MAIL_HOSTS = ("example.com", "example.org", "example.net", "mail.example.com")
COLORS = ("#8e6cef", "#f2994a", "#27ae60", "#2d9cdb", "#eb5757", "#00897b", "#ad1457", "#5d4037")

NOTES = (
    "Prefers texts over calls. Usually answers after 5 pm.",
    "Allergic to latex and penicillin. Flag on the chart.",
    "Gate code is with the neighbor, do not leave parcels outside.",
    "Asked for invoices by e-mail, not on paper.",
    "Moved in May, old address still in the billing system.",
    "Two dogs. Call from the driveway before walking up.",
    "VIP since the kitchen project. Give the first slot of the day.",
)

TAGS = ("VIP", "New patient", "Recall due", "Estimate sent", "Wholesale", "Spanish", "Do not call", "Financing",
        "Referral", "Holiday list", "Needs follow-up", "Warranty")  # fmt: skip
