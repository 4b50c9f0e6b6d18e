"""Spans of time as pages say them, in the reader's language."""

from collections.abc import Callable
from datetime import datetime

from django.utils.formats import number_format
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
    """The same as people say it after "since" or before "ago", which some languages say in another case."""
    return npgettext("ago", "%(num)d day", "%(num)d days", count) % {"num": count}


def span(seconds: float, days: Callable[[int], str] = days) -> str:
    """ "2 s", "1.4 s", "3 min", "1 h 5 min", "3 h", "3 days": to the second while it is short."""
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
    """ "40 s", "3 min 2 s"."""
    if seconds < 60:
        return _seconds(seconds)
    return _("%(minutes)s min %(seconds)s s") % {"minutes": seconds // 60, "seconds": seconds % 60}


def at_least(seconds: float) -> str:
    """A time that is not undercut: "40 s", "3 min", "1 h 5 min"."""
    if seconds < 60:
        return _seconds(max(1, int(seconds)))
    hours, rest = divmod(int(seconds // 60), 60)
    return _hours(hours, rest) if hours else _minutes(rest)


def about(seconds: int) -> str:
    """About how long: "about 3 min", "about 5 h", "about 3 days"."""
    if seconds < 60:
        return _("less than a minute")
    if seconds < 7200:
        how_long = _minutes(round(seconds / 60))
    else:
        hours = round(seconds / 3600)
        how_long = _hours(hours) if hours < 48 else days(round(hours / 24))
    return _("about %(span)s") % {"span": how_long}


def since(now: datetime, at: datetime) -> str:
    """How long from `at` to now."""
    return span(max(0, round((now - at).total_seconds())), days_ago)


def lag(at: datetime | None, now: datetime) -> str:
    """How long since: "8 s ago"; empty when never."""
    return "" if at is None else _("%(span)s ago") % {"span": since(now, at)}


def ahead(at: datetime, now: datetime) -> str:
    """How long until: "in 40 s", "now"."""
    left = (at - now).total_seconds()
    return _("now") if left < 1 else _("in %(span)s") % {"span": span(round(left), days_ago)}
