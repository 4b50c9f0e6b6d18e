"""Forms of the bulk text pages."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..durations import in_zone
from ..models import Bulk
from ..outbox import quiet_hours, scheduled
from ..outbox.forms import CHOOSE, ClockField
from ..outbox.safeguards import CannotSend

NOW, LATER, DAYTIME, OWN = "now", "later", "daytime", "own"


def _clock(hour: int) -> str:
    return date_format(time(hour), "CLOCK")


def _hour_field() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(coerce=int, empty_value=None, required=False)


class TextForm(forms.Form):
    """The text of a draft and when to send it. `recipients.write_text` validates the text's merge fields."""

    text = forms.CharField(
        strip=True,
        label=gettext_lazy("Text"),
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Write a text first.")},
    )
    start = forms.ChoiceField(widget=forms.RadioSelect, required=False)
    when = ClockField(required=False)
    zone = forms.CharField(max_length=64, required=False)
    hours = forms.ChoiceField(widget=forms.RadioSelect, required=False)
    from_hour = _hour_field()
    to_hour = _hour_field()

    # Set by clean().
    start_at: datetime | None = None
    window: tuple[int, int] | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        quiet = quiet_hours.closed_hours()
        daytime = _("At any hour")
        if quiet:
            span = {"begins": _clock(quiet[0]), "ends": _clock(quiet[1])}
            daytime = _("Outside quiet hours (%(begins)s to %(ends)s)") % span
        self.fields["start"].choices = [(NOW, _("As soon as I start it")), (LATER, _("At a set time"))]
        self.fields["hours"].choices = [(DAYTIME, daytime), (OWN, _("Only between these hours"))]
        for name in ("from_hour", "to_hour"):
            self.fields[name].choices = [(hour, _clock(hour)) for hour in range(24)]

    @classmethod
    def for_draft(cls, bulk: Bulk, zones: list[scheduled.Zone]) -> "TextForm":
        zone = zones[0].name
        begins, ends = bulk.window or (9, 17)
        return cls(
            initial={
                "text": bulk.text,
                "start": LATER if bulk.start_at else NOW,
                "when": in_zone(bulk.start_at, zone).replace(tzinfo=None) if bulk.start_at else None,
                "zone": zone,
                "hours": OWN if bulk.window else DAYTIME,
                "from_hour": begins,
                "to_hour": ends,
            }
        )

    def clean(self) -> dict:
        data = super().clean()
        if data.get("start") == LATER and "when" not in self.errors:
            if data.get("when") is None:
                self.add_error("when", CHOOSE)
            else:
                try:
                    self.start_at = scheduled.send_time(data["when"], data.get("zone", ""))
                except CannotSend as refused:
                    self.add_error("when", refused.reason)
        if data.get("hours") == OWN:
            begins, ends = data.get("from_hour"), data.get("to_hour")
            if begins is None or ends is None or begins == ends:
                self.add_error("to_hour", _("Choose two different hours."))
            else:
                self.window = begins, ends
        return data
