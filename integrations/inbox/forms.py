"""What staff type: a reply, a first text, an owner."""

import uuid

from django import forms

from ..models import Account, Inbox, Member
from ..salesmsg.text import phone as normal_phone


class ReplyForm(forms.Form):
    """A reply. The server makes `client_uuid`, so that one form posted twice is one message."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(strip=True, error_messages={"required": "Write a text first."})

    def clean_text(self) -> str:
        """As it will be stored: browsers post lines with two characters between them."""
        return self.cleaned_data["text"].replace("\r\n", "\n").strip()

    @classmethod
    def fresh(cls) -> "ReplyForm":
        return cls(initial={"client_uuid": uuid.uuid4()})


class NewForm(forms.Form):
    """A text to a phone number. `line` names the account and the inbox that sends it."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    line = forms.ChoiceField(label="From")
    phone = forms.CharField(label="To", max_length=64, error_messages={"required": "Enter a phone number."})
    text = forms.CharField(strip=True, label="Text", error_messages={"required": "Write a text first."})

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lines: dict[str, tuple[Account, Inbox | None]] = {}
        found = list(Account.objects.for_user(user).reachable())
        inboxes: dict[int, list[Inbox]] = {}
        for inbox in Inbox.objects.for_user(user).filter(account__in=found).defer("raw"):
            inboxes.setdefault(inbox.account_id, []).append(inbox)
        choices = []
        for account in found:
            lines = [(f"{account.pk}-{inbox.pk}", inbox) for inbox in inboxes.get(account.pk, [])]
            lines = lines or [(f"{account.pk}-", None)]
            self.lines |= {value: (account, inbox) for value, inbox in lines}
            group = [(value, str(inbox) if inbox else account.label) for value, inbox in lines]
            choices += [(account.label, group)] if len(found) > 1 else group
        self.fields["line"].choices = choices

    @classmethod
    def fresh(cls, user, phone: str = "") -> "NewForm":
        return cls(user, initial={"client_uuid": uuid.uuid4(), "phone": phone[:64]})

    def clean_phone(self) -> str:
        try:
            return normal_phone(self.cleaned_data["phone"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_line(self) -> tuple[Account, Inbox | None]:
        return self.lines[self.cleaned_data["line"]]


class AssignForm(forms.Form):
    """Who shall own a conversation; nobody when left empty."""

    owner = forms.ModelChoiceField(Member.objects.none(), required=False)

    def __init__(self, account_id: int, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = Member.objects.filter(account=account_id)
