"""Form for the four editable fields of a contact."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..contacts import profile_changes
from ..models import Contact


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
        self.initial |= profile_changes.shown_values(self.instance)
        kinds = {"email": "email", "phone": "tel"}
        for name, field in self.fields.items():
            field.show_hidden_initial = True
            field.widget.input_type = kinds.get(name, "text")
            field.widget.attrs["autocomplete"] = "off"

    def clean(self):
        for name, problems in self.refused.items():
            self.add_error(name if name in self.fields else None, problems)
        return super().clean()

    def wanted(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name in profile_changes.EDITABLE}
