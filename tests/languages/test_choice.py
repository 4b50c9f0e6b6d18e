"""Who chooses a language keeps it; who does not gets what the browser prefers. Dates and numbers follow."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from integrations import durations
from salesmsg_portal import words
from tests.accounts import build


@pytest.fixture
def client(db):
    user = build.person("agent")
    build.member(user, build.account())
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def test_the_browser_decides_until_somebody_chooses(client):
    german = {"Accept-Language": "de-AT,de;q=0.9"}
    assert "<h1>Konten</h1>" in client.get(reverse("accounts:list"), headers=german).content.decode()
    assert "<h1>Accounts</h1>" in client.get(reverse("accounts:list")).content.decode()
    page = client.get(reverse("accounts:list")).content.decode()
    assert '<html lang="en"' in page and 'value="de"' in page and 'value="en"' not in page

    back = client.post(reverse("set_language"), {"language": "de"}, headers={"Referer": "http://localhost/sync/"})
    assert back.status_code == 302 and back["Location"].endswith("/sync/")
    cookie = back.cookies["django_language"]
    assert cookie.value == "de" and cookie["samesite"] == "Lax" and cookie["max-age"] > 30_000_000
    page = client.get(reverse("accounts:list"), headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="de"' in page and "<h1>Konten</h1>" in page and 'value="en"' in page


def test_the_login_and_the_admin_offer_the_choice_too(client):
    for who, address in ((Client(SERVER_NAME="localhost"), "admin:login"), (client, "admin:index")):
        page = who.get(reverse(address)).content.decode()
        assert reverse("set_language") in page and "Deutsch" in page


def test_words_for_scripts_are_kept_by_browsers(client):
    page = client.get(reverse("accounts:list"), headers={"Accept-Language": "de"}).content.decode()
    address = words.address("de")
    assert f'src="{address}"' in page
    answer = client.get(address)
    assert answer["Content-Type"].startswith("text/javascript") and "Kopiert" in answer.content.decode()
    assert "immutable" in answer["Cache-Control"]
    assert "immutable" not in client.get(reverse("words", args=["de", "older"])).get("Cache-Control", "")
    assert client.get(reverse("words", args=["xx", "1"])).status_code == 404
    english = client.get(words.address("en"), headers={"Accept-Language": "de"}).content.decode()
    assert "Kopiert" not in english and "interpolate" in english


AT = datetime(2025, 5, 3, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "english", "german"),
    [
        ("at|clock", "2:05 PM", "14:05"),
        ("at|moment", "Saturday, May 3, 2025, 2:05 PM", "Samstag, 3. Mai 2025, 14:05"),
        ("at|when", "May 3, 2025", "03.05.2025"),
        ("at|ending", "May 3, 2:05 PM", "03.05., 14:05"),
        ('at|date:"CLOCK_SECONDS"', "2:05:09 PM", "14:05:09"),
        ("day|day", "Saturday, May 3, 2025", "Samstag, 3. Mai 2025"),
        ("recent|ago", "2 days ago", "vor 2 Tagen"),
        ("recent|when", "{weekday}", "{weekday}"),
        ("soon|when", "12 min", "12 min"),
        ("48212|grouped", "48,212", "48.212"),
        ("400|minutes", "about 7 min", "etwa 7 min"),
        ("260000|minutes", "about 3 days", "etwa 3 Tage"),
        ("3900|atleast", "1 h 5 min", "1 h 5 min"),
    ],
)
def test_dates_and_numbers(told, english, german):
    now = timezone.now()
    rows = {"at": AT, "day": AT.date(), "recent": now - timedelta(days=2), "soon": now - timedelta(minutes=12)}
    weekdays = {"en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]}
    weekdays["de"] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]
    for language, wanted in (("en", english), ("de", german)):
        with translation.override(language), timezone.override(UTC):
            weekday = weekdays[language][rows["recent"].weekday()]
            shown = Template("{% load portal %}{{ " + told + " }}").render(Context(rows))
            assert shown.replace("\xa0", " ") == wanted.format(weekday=weekday)


def test_spans_to_the_second():
    now = timezone.now()
    with translation.override("de"):
        assert durations.span(1.4) == "1,4 s"
        assert durations.span(300_000) == "3 Tage"
        assert durations.lag(now - timedelta(days=3), now) == "vor 3 Tagen"
        assert durations.ahead(now + timedelta(days=3), now) == "in 3 Tagen"
    assert durations.span(1.4) == "1.4 s"
    assert durations.lag(now - timedelta(seconds=8), now) == "8 s ago"
