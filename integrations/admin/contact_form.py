"""The four fields of a contact that people may change."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..contacts import profile_changes
from ..models import Contact


class ContactForm(forms.ModelForm):
    """What a person wants the contact to be. The hidden initial values tell what they changed from what stood on
    their page, so that a value which changed at Salesmsg meanwhile is not put back."""

    refused: dict[str, list[str]] = {}

    class Meta:
        model = Contact
        fields = profile_changes.EDITABLE
        help_texts = {"phone": _("As you would write it; texts go there.")}

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
