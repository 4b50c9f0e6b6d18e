"""Tags and filters for working together."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

from ..outbox import schedule

register = template.Library()


@register.filter
def until(at: datetime | None) -> str:
    """A moment to come, in the viewer's zone: "Fri, Nov 28, 9:00 AM", with the year when it is another one."""
    if at is None:
        return ""
    there, now = timezone.localtime(at), timezone.localtime()
    if there.year == now.year:
        return date_format(there, pgettext("date format of a moment to come", "D, M j, g:i A"))
    return date_format(there, pgettext("date format of a moment to come, in another year", "D, M j, Y, g:i A"))


@register.filter
def until_short(at: datetime | None) -> str:
    """The same for a moment of the coming days: "Fri 9:00 AM"."""
    return date_format(timezone.localtime(at), pgettext("date format of the coming days", "D g:i A")) if at else ""


@register.simple_tag
def viewer_zone() -> str:
    """What the viewer's time zone is called: "Berlin"."""
    return schedule.city(timezone.get_current_timezone_name()) or "UTC"
