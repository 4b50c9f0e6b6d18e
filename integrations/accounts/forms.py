"""Forms of the accounts pages. A submitted token is never displayed again."""

from django import forms
from django.utils.translation import gettext_lazy as _


class LabelForm(forms.Form):
    label = forms.CharField(
        label=_("Name for this account"),
        max_length=120,
        required=False,
        help_text=_("The name your team uses. Defaults to the organisation's name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class TokenForm(forms.Form):
    """A personal access token, and a label for a new account."""

    label = LabelForm.base_fields["label"]
    token = forms.CharField(
        label=_("Personal access token"),
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false", "data-1p-ignore": ""}),
        error_messages={"required": _("Paste the token from Salesmsg.")},
    )

    def __init__(self, *args, labelled: bool = True, **kwargs):
        super().__init__(*args, auto_id="token_%s", **kwargs)
        if not labelled:
            del self.fields["label"]

    def clean_token(self) -> str:
        """Strip "Bearer " and line breaks that may be copied along with the token."""
        token = "".join(self.cleaned_data["token"].split())
        return token.removeprefix("Bearer").removeprefix("bearer")
