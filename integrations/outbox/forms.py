"""Form fields for the send time of a text."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

CHOOSE = gettext_lazy("Choose when to send it.")


class ClockField(forms.Field):
    """The value of <input type="datetime-local">: a naive datetime without a time zone."""

    def to_python(self, value: Any) -> datetime | None:
        text = str(value or "").strip().replace(" ", "T")
        for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        if text:
            raise forms.ValidationError(CHOOSE)
        return None

    def prepare_value(self, value: Any) -> Any:
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value
