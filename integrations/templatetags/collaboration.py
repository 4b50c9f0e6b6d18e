"""Template tags and filters for snoozing and assignment."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from ..durations import city

register = template.Library()


@register.filter
def until(at: datetime | None) -> str:
    """A future time in the viewer's time zone: "Fri, Nov 28, 9:00 AM", with the year unless it is this year."""
    if at is None:
        return ""
    local, now = timezone.localtime(at), timezone.localtime()
    return date_format(local, "PLANNED" if local.year == now.year else "PLANNED_YEAR")


@register.filter
def until_short(at: datetime | None) -> str:
    """A time within the next days in the viewer's time zone: "Fri 9:00 AM"."""
    return date_format(timezone.localtime(at), "WEEKDAY_CLOCK") if at else ""


@register.simple_tag
def viewer_zone() -> str:
    """The name of the viewer's time zone: "Berlin"."""
    return city(timezone.get_current_timezone_name()) or "UTC"
