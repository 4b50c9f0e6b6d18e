"""Tags and filters for working together."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from ..outbox import scheduled

register = template.Library()


@register.filter
def until(at: datetime | None) -> str:
    """A moment to come, in the viewer's zone: "Fri, Nov 28, 9:00 AM", with the year when it is another one."""
    if at is None:
        return ""
    there, now = timezone.localtime(at), timezone.localtime()
    return date_format(there, "PLANNED" if there.year == now.year else "PLANNED_YEAR")


@register.filter
def until_short(at: datetime | None) -> str:
    """The same for a moment of the coming days: "Fri 9:00 AM"."""
    return date_format(timezone.localtime(at), "WEEKDAY_CLOCK") if at else ""


@register.simple_tag
def viewer_zone() -> str:
    """What the viewer's time zone is called: "Berlin"."""
    return scheduled.zone_city(timezone.get_current_timezone_name()) or "UTC"
