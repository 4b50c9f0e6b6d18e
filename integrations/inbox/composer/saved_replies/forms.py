"""The form for saved replies."""

from django import forms
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ....models import Account, SavedReply
from ....outbox.compose import MAX_CHARACTERS
from ....outbox.merge_fields import BulkProblem, Template, custom_fields
from . import queries

EVERYBODY, MINE = "everybody", "mine"


class SavedReplyForm(forms.Form):
    """Creates or edits a saved reply. The account and the owner are chosen when it is created and cannot change."""

    account = forms.ModelChoiceField(Account.objects.none(), empty_label=None, label=gettext_lazy("Account"))
    whose = forms.ChoiceField(
        label=gettext_lazy("For whom"),
        choices=[(MINE, gettext_lazy("Only me")), (EVERYBODY, gettext_lazy("Everyone in the account"))],
        widget=forms.RadioSelect,
        initial=MINE,
    )
    name = forms.CharField(
        max_length=80,
        strip=True,
        label=gettext_lazy("Name"),
        error_messages={"required": gettext_lazy("Enter a name. You use it to find the reply.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "aria-describedby": "name-help", "dir": "auto"}),
    )
    text = forms.CharField(
        strip=True,
        label=gettext_lazy("Text"),
        error_messages={"required": gettext_lazy("Write a text first.")},
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto", "aria-describedby": "text-help"}),
    )

    def __init__(self, user, *args, reply: SavedReply | None = None, managers: list[Account], **kwargs):
        self.user, self.reply, self.managers = user, reply, managers
        if reply is not None:
            kwargs["initial"] = {"name": reply.name, "text": reply.text}
        super().__init__(*args, **kwargs)
        if reply is not None:
            del self.fields["account"], self.fields["whose"]
            return
        accounts = Account.objects.for_user(user).order_by("label", "pk")
        self.accounts = list(accounts)
        self.fields["account"].queryset = accounts
        if len(self.accounts) == 1:
            self.fields["account"].required = False
        if not managers:
            del self.fields["whose"]

    def clean_text(self) -> str:
        text = self.cleaned_data["text"].replace("\r\n", "\n").replace("\0", "").strip()
        if len(text) > MAX_CHARACTERS:
            raise forms.ValidationError(
                _("This text has %(characters)d characters. The limit is %(most)d. Shorten it.")
                % {"characters": len(text), "most": MAX_CHARACTERS}
            )
        try:
            Template(text, self.custom_fields())
        except BulkProblem as problem:
            raise forms.ValidationError(problem.reason) from None
        return text

    def custom_fields(self) -> list[str]:
        """The custom fields of the reply's account."""
        if self.reply is not None:
            return custom_fields(self.reply.account_id)
        chosen = self.data.get("account", "") if self.is_bound else ""
        accounts = [one for one in self.accounts if str(one.pk) == chosen] or self.accounts[:1]
        return custom_fields(accounts[0].pk) if accounts else []

    def clean(self) -> dict:
        if self.reply is None and "account" not in self.errors:
            account = self.cleaned_data.get("account") or (self.accounts[0] if self.accounts else None)
            if account is None:
                raise forms.ValidationError(_("You have no account yet, so the reply cannot be saved."))
            self.cleaned_data["account"] = account
            shared = self.cleaned_data.get("whose") == EVERYBODY
            if shared and account.pk not in {one.pk for one in self.managers}:
                self.add_error("whose", _("Only managers of this account can save replies for everyone."))
            elif queries.is_full(self.user, account, shared):
                raise forms.ValidationError(_("The limit of saved replies is reached. Delete one first."))
        return self.cleaned_data

    def save(self) -> SavedReply | None:
        """Save and return the reply. When the name is taken, add an error to the name and return None."""
        values = {"name": self.cleaned_data["name"], "text": self.cleaned_data["text"], "updated_at": timezone.now()}
        try:
            with transaction.atomic():
                if self.reply is None:
                    owner = None if self.cleaned_data.get("whose") == EVERYBODY else self.user
                    account = self.cleaned_data["account"]
                    return SavedReply.objects.create(account=account, owner=owner, created_by=self.user, **values)
                SavedReply.objects.filter(pk=self.reply.pk).update(**values)
                return self.reply
        except IntegrityError:
            self.add_error("name", _("A saved reply with this name already exists. Choose another name."))
            return None
