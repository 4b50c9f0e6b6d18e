"""Template tags and filters used on all pages of the portal."""

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
from ..attachments import kinds
from ..outbox import scheduled
from ..salesmsg import phones
from ..salesmsg import text as salesmsg_text

register = template.Library()

# Time spans for "ago", which need another grammatical case in some languages (German: "vor 3 Tagen").
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
    """An icon of static/portal/icons.svg. Hidden from assistive technology unless it has a label."""
    url = f"{static('portal/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, url)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', url)


@register.simple_tag
def words_address() -> str:
    """The URL of the JavaScript catalogue in the page's language."""
    return words.address(get_language() or "en")


# --- People and phones -----------------------------------------------------------------------------------------------


@register.filter
def national(phone: str) -> str:
    """A phone number in national format."""
    return phones.national(phone) if phone else ""


@register.filter
def called(contact) -> str:
    """The contact's name, or the phone number in national format when there is no name."""
    name = contact.name
    return national(name) if name == contact.phone else name


@register.filter
def initials(name: str) -> str:
    """Up to two initials of a name; empty when it has no letters, such as a phone number."""
    names = [part for part in str(name).split() if part[0].isalpha()]
    picked = names[:1] + names[-1:] if len(names) > 1 else names
    return "".join(part[0] for part in picked).upper()


@register.filter
def hue(key: int) -> int:
    """A colour from 0 to 7, always the same for the same key."""
    return (int(key or 0) * 5 + int(key or 0) // 8) % 8


# --- Times, in the viewer's time zone --------------------------------------------------------------------------------


@register.filter
def when(at: datetime | None) -> str:
    """A short time for lists: "now", "12 min", "2:05 PM", "Yesterday", "Monday", "May 3", "May 3, 2024"."""
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
    """A full date and time for title attributes: "Tuesday, May 3, 2025, 2:05 PM"."""
    return date_format(timezone.localtime(at), "MOMENT") if at else ""


@register.filter
def clock(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "CLOCK") if at else ""


@register.filter
def day(date) -> str:
    """A day: "Today", "Yesterday", "Monday, May 3", with the year unless it is this year."""
    today = timezone.localdate()
    days = (today - date).days
    if days in (0, 1):
        return _("Yesterday") if days else _("Today")
    return date_format(date, "LONG_DAY" if date.year == today.year else "LONG_DATE")


@register.filter
def planned(message) -> str:
    """The send time of a scheduled text: "Fri, Nov 28, 9:00 AM (New York)"."""
    return durations.moment_in_zone(message.send_at, message.zone)


@register.filter
def here(at: datetime | None) -> str:
    """A time in the viewer's time zone, which is named: "Fri, Nov 28, 9:00 AM (New York)"."""
    return durations.moment_in_zone(at, timezone.get_current_timezone_name()) if at else ""


@register.filter
def planned_here(message) -> str:
    """The send time in the viewer's time zone: "Fri 3:00 PM". Empty when it is the same as in the text's zone."""
    local = timezone.localtime(message.send_at)
    same = local.replace(tzinfo=None) == durations.in_zone(message.send_at, message.zone).replace(tzinfo=None)
    return "" if same else date_format(local, "WEEKDAY_CLOCK")


@register.filter
def planned_twice(message) -> bool:
    """Whether the send time occurs twice because clocks go back. The text is sent at the first."""
    return scheduled.is_ambiguous(
        durations.in_zone(message.send_at, message.zone).replace(tzinfo=None, fold=0), message.zone
    )


@register.filter
def ago(at: datetime | None) -> str:
    """The time since then: "just now", "3 minutes ago"."""
    if at is None:
        return ""
    if timezone.now() - at < timedelta(minutes=1):
        return _("just now")
    return _("%(span)s ago") % {"span": timesince(at, time_strings=AGO)}


@register.filter
def iso(at: datetime | None) -> str:
    """ISO 8601, for <time datetime>."""
    return at.isoformat(timespec="seconds") if at else ""


@register.filter
def duration(seconds) -> str:
    """The minutes and seconds of a call: "3:34"; empty when unknown."""
    try:
        total = int(seconds)
    except (TypeError, ValueError):
        return ""
    return f"{total // 60}:{total % 60:02d}" if total > 0 else ""


@register.filter
def minutes(seconds: int | None) -> str:
    """An approximate duration: "about 3 min", "about 5 h", "about 3 days"."""
    return "" if seconds is None else durations.about(seconds)


@register.filter
def grouped(number: int | None) -> str:
    """A number with thousands separators: "48,212"; empty when unknown."""
    return "" if number is None else number_format(number, force_grouping=True)


@register.filter
def atleast(seconds: float) -> str:
    """A minimum duration: "40 s", "3 min", "1 h 5 min"."""
    return durations.at_least(seconds)


@register.filter
def ending(at: datetime | None) -> str:
    """A future time: "2:05 PM", with the day unless it is today."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    return date_format(local, "CLOCK" if local.date() == timezone.localdate() else "DAY_CLOCK")


# --- Texts -----------------------------------------------------------------------------------------------------------


class _Links(Urlizer):
    url_template = '<a href="{href}"{attrs} target="_blank">{url}</a>'


_links = _Links()


@register.filter
def linked(text: str) -> SafeString:
    """A text as escaped HTML, with web and email addresses as links."""
    html = _links(text, nofollow=True, autoescape=True)
    return mark_safe(html.replace('rel="nofollow"', 'rel="nofollow noopener noreferrer"'))  # noqa: S308 - escaped above


@register.filter
def breakable(address: str) -> SafeString:
    """An email address as HTML that can break before the @ and, if that is not enough, after full stops."""
    name, at, domain = (address or "").rpartition("@")
    parts = [salesmsg_text.breaks(part) for part in (name, at + domain) if part]
    wbr = mark_safe("<wbr>")
    return format_html_join(
        "", '<span class="email-part">{}</span>', ((format_html_join(wbr, "{}", zip(part)),) for part in parts)
    )


@register.filter
def coded(text: str) -> SafeString:
    """A text as escaped HTML, with `backticks` as <code>."""
    parts = (text or "").split("`")
    shapes = ("{}", "<code>{}</code>")
    return mark_safe("".join(format_html(shapes[place % 2], part) for place, part in enumerate(parts)))  # noqa: S308 - escaped


@register.filter
def web(url) -> str:
    """The URL if it is http or https, otherwise empty, so that a foreign link cannot run a script."""
    try:
        return url if isinstance(url, str) and urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


@register.filter
def kind(content_type: str) -> str:
    """The label of a content type: see attachments.kinds.describe."""
    return kinds.describe(content_type)


@register.filter
def segments(text: str):
    """The size of a text: see salesmsg.text.segments."""
    return salesmsg_text.segments(text or "")


@register.filter
def percent(fraction: float | None) -> int:
    return round((fraction or 0) * 100)
