"""Form for the four editable fields of a contact."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..contacts import profile_changes
from ..models import Contact
from ..salesmsg.phones import LONGEST


class ContactForm(forms.ModelForm):
    """Edits a contact.

    Hidden initial values show which fields the user changed, so that saving does not revert a value that
    changed in Salesmsg after the page was loaded.
    """

    refused: dict[str, list[str]] = {}

    class Meta:
        model = Contact
        fields = profile_changes.EDITABLE
        help_texts = {"phone": _("Texts are sent to this number. Any notation works.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if phone := self.fields.get("phone"):  # a number may be pasted with the text around it
            words = {"label": phone.label, "help_text": phone.help_text}
            self.fields["phone"] = forms.CharField(max_length=LONGEST, required=False, **words)
        self.initial |= profile_changes.shown_values(self.instance)
        kinds = {"email": "email", "phone": "tel"}
        for name, field in self.fields.items():
            field.show_hidden_initial = True
            field.widget.input_type = kinds.get(name, "text")
            field.widget.attrs["autocomplete"] = "off"

    def _get_validation_exclusions(self):
        """`profile_changes` reads the phone, which may be longer than the column."""
        return super()._get_validation_exclusions() | {"phone"}

    def clean(self):
        for name, problems in self.refused.items():
            self.add_error(name if name in self.fields else None, problems)
        return super().clean()

    def wanted(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name in profile_changes.EDITABLE}
