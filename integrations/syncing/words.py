"""Spans of time as the sync page says them: to the second while they are short."""

from datetime import datetime


def span(seconds: float) -> str:
    """ "2 s", "1.4 s", "3 min", "1 h 5 min", "3 h", "3 days"."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}".removesuffix(".0") + " s"
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes and hours < 2 else f"{hours} h"
    return f"{round(hours / 24)} days"


def lag(at: datetime | None, now: datetime) -> str:
    """How long since: "8 s ago"; empty when never."""
    return "" if at is None else f"{span(max(0, round((now - at).total_seconds())))} ago"


def ahead(at: datetime, now: datetime) -> str:
    """How long until: "in 40 s", "now"."""
    left = (at - now).total_seconds()
    return "now" if left < 1 else f"in {span(round(left))}"
