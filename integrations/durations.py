"""Durations and times as pages show them, in the reader's language."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext


def _seconds(count: float | str) -> str:
    return _("%(seconds)s s") % {"seconds": number_format(count)}


def _minutes(count: int) -> str:
    return _("%(minutes)s min") % {"minutes": count}


def _hours(hours: int, minutes: int = 0) -> str:
    if minutes:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return _("%(hours)s h") % {"hours": hours}


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}


def days_ago(count: int) -> str:
    """Format days for use after "since" or before "ago", where some languages need another grammatical case."""
    return npgettext("ago", "%(num)d day", "%(num)d days", count) % {"num": count}


def span(seconds: float, days: Callable[[int], str] = days) -> str:
    """Format a duration: "2 s", "1.4 s", "3 min", "1 h 5 min", "3 h", "3 days"."""
    if seconds < 10:
        return _seconds(f"{max(0.0, seconds):.1f}".removesuffix(".0"))
    if seconds < 90:
        return _seconds(round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return _minutes(minutes)
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _hours(hours, minutes if hours < 2 else 0)
    return days(round(hours / 24))


def precise(seconds: int) -> str:
    """Format a duration to the second: "40 s", "3 min 2 s"."""
    if seconds < 60:
        return _seconds(seconds)
    return _("%(minutes)s min %(seconds)s s") % {"minutes": seconds // 60, "seconds": seconds % 60}


def at_least(seconds: float) -> str:
    """Format a minimum duration, rounded down: "40 s", "3 min", "1 h 5 min"."""
    if seconds < 60:
        return _seconds(max(1, int(seconds)))
    hours, rest = divmod(int(seconds // 60), 60)
    return _hours(hours, rest) if hours else _minutes(rest)


def about(seconds: int) -> str:
    """Format an approximate duration: "about 3 min", "about 5 h", "about 3 days"."""
    if seconds < 60:
        return _("less than a minute")
    if seconds < 7200:
        how_long = _minutes(round(seconds / 60))
    else:
        hours = round(seconds / 3600)
        how_long = _hours(hours) if hours < 48 else days(round(hours / 24))
    return _("about %(span)s") % {"span": how_long}


def since(now: datetime, at: datetime) -> str:
    """Format the time from `at` to now."""
    return span(max(0, round((now - at).total_seconds())), days_ago)


def lag(at: datetime | None, now: datetime) -> str:
    """Format how long ago something happened: "8 s ago"; empty if never."""
    return "" if at is None else _("%(span)s ago") % {"span": since(now, at)}


def ahead(at: datetime, now: datetime) -> str:
    """Format the time until `at`: "in 40 s", "now"."""
    remaining = (at - now).total_seconds()
    return _("now") if remaining < 1 else _("in %(span)s") % {"span": span(round(remaining), days_ago)}


# --- Times in a time zone ---------------------------------------------------------------------------------------------


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA zones that this system knows."""
    return frozenset(available_timezones())


def city(zone: str) -> str:
    """Return the display name of a zone: "New York" for "America/New_York"."""
    return zone.rpartition("/")[2].replace("_", " ")


def in_zone(at: datetime, zone: str) -> datetime:
    """Convert a time to a zone, or to UTC if the zone is unknown."""
    return at.astimezone(ZoneInfo(zone) if zone in zone_names() else UTC)


def moment_in_zone(at: datetime, zone: str) -> str:
    """Format a time in a zone: "Fri, Nov 28, 9:00 AM (New York)", with the year if it is not the current one."""
    local = in_zone(at, zone)
    form = "PLANNED" if local.year == timezone.now().year else "PLANNED_YEAR"
    return f"{date_format(local, form)} ({city(zone) or 'UTC'})"


def first_after_gap(local: datetime, tz: ZoneInfo) -> datetime:
    """Return the first naive local time after the gap that contains `local`, where clocks go forward."""
    later, earlier = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    offset = earlier.astimezone(tz).utcoffset()
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) // 2
        if middle.astimezone(tz).utcoffset() == offset:
            earlier = middle
        else:
            later = middle
    return later.replace(microsecond=0).astimezone(tz).replace(tzinfo=None, fold=0)
