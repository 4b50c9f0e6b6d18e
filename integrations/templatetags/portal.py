"""Tags and filters of the portal's templates."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import Urlizer, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import get_language, npgettext_lazy
from django.utils.translation import gettext as _

from salesmsg_portal import words

from .. import durations
from .. import told as sentences_told
from ..attachments import kinds
from ..outbox import scheduled
from ..salesmsg import text as salesmsg_text

register = template.Library()

# The spans of "ago", which some languages say in another case than the spans alone.
AGO = {
    "year": npgettext_lazy("ago", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("ago", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("ago", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("ago", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("ago", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("ago", "%(num)d minute", "%(num)d minutes", "num"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of static/portal/icons.svg; decoration unless it gets a label."""
    address = f"{static('portal/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, address)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', address)


@register.simple_tag
def words_address() -> str:
    """Where scripts find their words in the page's language."""
    return words.address(get_language() or "en")


# --- People and phones -----------------------------------------------------------------------------------------------


@register.filter
def national(phone: str) -> str:
    """A phone number as people read it."""
    return salesmsg_text.national(phone) if phone else ""


@register.filter
def called(contact) -> str:
    """What to call a contact: the name, else the phone as people read it."""
    name = contact.name
    return national(name) if name == contact.phone else name


@register.filter
def initials(name: str) -> str:
    """Up to two letters of a name; empty when it has none (a phone number, say)."""
    words = [word for word in str(name).split() if word[0].isalpha()]
    picked = words[:1] + words[-1:] if len(words) > 1 else words
    return "".join(word[0] for word in picked).upper()


@register.filter
def hue(key: int) -> int:
    """One of eight colours, always the same for the same key."""
    return (int(key or 0) * 5 + int(key or 0) // 8) % 8


@register.filter
def latest(text: str) -> str:
    """A row's newest words. What stands for a message without a text is kept in English, and told in the reader's."""
    return {"Call": _("Call"), "Picture": _("Picture")}.get(text, text)


# --- Times, in the viewer's zone -------------------------------------------------------------------------------------


@register.filter
def when(at: datetime | None) -> str:
    """Short, for lists: "now", "12 min", "2:05 PM", "Yesterday", "Monday", "May 3", "May 3, 2024"."""
    if at is None:
        return ""
    now, then = timezone.localtime(), timezone.localtime(at)
    past = now - then
    if timedelta(seconds=-60) < past < timedelta(minutes=1):
        return _("now")
    if timedelta(0) < past < timedelta(hours=1):
        return _("%(minutes)s min") % {"minutes": int(past.total_seconds() // 60)}
    days = (now.date() - then.date()).days
    if days == 0:
        return date_format(then, "CLOCK")
    if days == 1:
        return _("Yesterday")
    if 1 < days < 7:
        return date_format(then, "WEEKDAY")
    return date_format(then, "DAY" if now.year == then.year else "DATE_FORMAT")


@register.filter
def moment(at: datetime | None) -> str:
    """In full, for titles: "Tuesday, May 3, 2025, 2:05 PM"."""
    return date_format(timezone.localtime(at), "MOMENT") if at else ""


@register.filter
def clock(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "CLOCK") if at else ""


@register.filter
def day(date) -> str:
    """ "Today", "Yesterday", "Monday, May 3", with the year when it is another one."""
    today = timezone.localdate()
    days = (today - date).days
    if days in (0, 1):
        return _("Yesterday") if days else _("Today")
    return date_format(date, "LONG_DAY" if date.year == today.year else "LONG_DATE")


@register.filter
def planned(message) -> str:
    """When a scheduled text leaves: "Fri, Nov 28, 9:00 AM (New York)"."""
    return scheduled.format_local_time(message.send_at, message.zone)


@register.filter
def planned_here(message) -> str:
    """The same moment on the viewer's clock, where it shows another time: "Fri 3:00 PM"."""
    here = timezone.localtime(message.send_at)
    same = here.replace(tzinfo=None) == scheduled.local_time(message.send_at, message.zone).replace(tzinfo=None)
    return "" if same else date_format(here, "WEEKDAY_CLOCK")


@register.filter
def planned_twice(message) -> bool:
    """Whether clocks show this time twice that night; it is the first one then."""
    return scheduled.is_ambiguous(
        scheduled.local_time(message.send_at, message.zone).replace(tzinfo=None, fold=0), message.zone
    )


@register.filter
def ago(at: datetime | None) -> str:
    """How long since: "just now", "3 minutes ago"."""
    if at is None:
        return ""
    if timezone.now() - at < timedelta(minutes=1):
        return _("just now")
    # German says it in another case: "vor 3 Tagen", not "3 Tage".
    return _("%(span)s ago") % {"span": timesince(at, time_strings=AGO)}


@register.filter
def iso(at: datetime | None) -> str:
    """For <time datetime>."""
    return at.isoformat(timespec="seconds") if at else ""


@register.filter
def duration(seconds) -> str:
    """Minutes and seconds of a call: "3:34"; empty when nothing is known."""
    try:
        total = int(seconds)
    except (TypeError, ValueError):
        return ""
    return f"{total // 60}:{total % 60:02d}" if total > 0 else ""


@register.filter
def minutes(seconds: int | None) -> str:
    """About how long: "about 3 min", "about 5 h", "about 3 days"."""
    return "" if seconds is None else durations.about(seconds)


@register.filter
def grouped(number: int | None) -> str:
    """With its thousands apart: "48,212"; empty when nothing is known."""
    return "" if number is None else number_format(number, force_grouping=True)


@register.filter
def atleast(seconds: float) -> str:
    """A time that is not undercut: "40 s", "3 min", "1 h 5 min"."""
    return durations.at_least(seconds)


@register.filter
def ending(at: datetime | None) -> str:
    """A time to come: "2:05 PM", with the day when it is not today."""
    if at is None:
        return ""
    then = timezone.localtime(at)
    return date_format(then, "CLOCK" if then.date() == timezone.localdate() else "DAY_CLOCK")


@register.filter
def told(text) -> str:
    """A sentence that is kept in English, in the reader's language: see told.told."""
    return sentences_told.told(text)


@register.filter
def why(message) -> str:
    """Why a text did not leave, in the reader's language; empty when nothing is known."""
    late = message.failure and message.held and message.send_at is not None
    return sentences_told.told(scheduled.missed(message) if late else message.failure)  # the date is the reader's, too


# --- Texts -----------------------------------------------------------------------------------------------------------


class _Links(Urlizer):
    url_template = '<a href="{href}"{attrs} target="_blank">{url}</a>'


_links = _Links()


@register.filter
def linked(text: str) -> SafeString:
    """A customer's text as HTML: all of it escaped, web and mail addresses made links."""
    found = _links(text, nofollow=True, autoescape=True)
    return mark_safe(found.replace('rel="nofollow"', 'rel="nofollow noopener noreferrer"'))  # noqa: S308 - escaped above


@register.filter
def breakable(address: str) -> SafeString:
    """An email address as HTML that breaks before its @, and where that is not enough after full stops."""
    name, at, domain = (address or "").rpartition("@")
    parts = [salesmsg_text.breaks(part) for part in (name, at + domain) if part]
    wbr = mark_safe("<wbr>")
    return format_html_join(
        "", '<span class="email-part">{}</span>', ((format_html_join(wbr, "{}", zip(part)),) for part in parts)
    )


@register.filter
def sentence(text: str) -> str:
    """The vendor's words with a full stop."""
    return salesmsg_text.sentence(text or "")


@register.filter
def coded(text: str) -> SafeString:
    """What stands between `backticks` as code, everything escaped."""
    parts = (text or "").split("`")
    shapes = ("{}", "<code>{}</code>")
    return mark_safe("".join(format_html(shapes[place % 2], part) for place, part in enumerate(parts)))  # noqa: S308 - escaped


@register.filter
def web(url) -> str:
    """The address if it is http or https, else empty: a link of a stranger must not be a script."""
    try:
        return url if isinstance(url, str) and urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


@register.filter
def kind(content_type: str) -> str:
    """What a file is, in words: see pictures.kinds.words."""
    return kinds.words(content_type)


@register.filter
def segments(text: str):
    """What a text takes: see salesmsg.text.segments."""
    return salesmsg_text.segments(text or "")


@register.filter
def percent(fraction: float | None) -> int:
    return round((fraction or 0) * 100)
