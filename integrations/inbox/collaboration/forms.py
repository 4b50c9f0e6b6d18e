"""Forms for notes, snoozing and assignment."""

import uuid

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...models import Member
from ..composer.forms import ClockField

NOTE_CHARACTERS = 5000


class NoteForm(forms.Form):
    """An internal note. It shares nothing with a reply but the guard against a form posted twice."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(strip=True, error_messages={"required": gettext_lazy("Write a note first.")})

    def clean_text(self) -> str:
        text = self.cleaned_data["text"].replace("\r\n", "\n").strip()
        if len(text) > NOTE_CHARACTERS:
            told = {"number": len(text), "most": NOTE_CHARACTERS}
            raise forms.ValidationError(_("This note has %(number)d characters; %(most)d are the most.") % told)
        return text

    @classmethod
    def fresh(cls) -> "NoteForm":
        return cls(initial={"client_uuid": uuid.uuid4()})


class SnoozeForm(forms.Form):
    """Until when: the name of a choice, or "time" with a time on the viewer's clock."""

    until = ClockField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["for"] = forms.CharField(max_length=12, required=False)  # a word that Python keeps for itself

    @property
    def problem(self) -> str:
        """What is wrong, for the line above the composer."""
        return next((words for found in self.errors.values() for words in found), "")


class AssignForm(forms.Form):
    """Who shall own a conversation; nobody when left empty."""

    owner = forms.ModelChoiceField(Member.objects.none(), required=False)

    def __init__(self, account_id: int, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = Member.objects.filter(account=account_id)
