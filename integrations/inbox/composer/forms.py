"""Forms of the composer: replies, scheduled texts and new conversations."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy, pgettext_lazy

from ...attachments import outgoing
from ...durations import in_zone
from ...failures import Code, Reason, described_phone
from ...models import Account, Contact, Inbox, Message
from ...outbox import compose, safeguards, scheduled
from ...outbox.forms import CHOOSE, ClockField
from ...salesmsg.phones import LONGEST, PhoneError

NINE = time(9)
WRITE_FIRST = gettext_lazy("Write a text first.")
CHOOSE_NUMBER = gettext_lazy("Choose one, or write the number with its country code.")


class Files(forms.FileInput):
    """A file input that accepts several files."""

    allow_multiple_selected = True

    def value_from_datadict(self, data, files, name) -> list:
        return files.getlist(name) if hasattr(files, "getlist") else []


class PicturesField(forms.FileField):
    """Pictures to send: a list of `outgoing.Checked`. cut_off: the request was larger than the part that was read."""

    widget = Files
    cut_off = False

    def clean(self, data, initial=None) -> list[outgoing.Checked]:
        try:
            return outgoing.check_files(list(data or []), cut_off=self.cut_off)
        except outgoing.CannotAttach as refused:
            raise forms.ValidationError(refused.reason) from None


class AcceptedField(forms.CharField):
    """The safeguards whose questions the author has answered with “send”: names, separated by commas."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def clean(self, value) -> list[str]:
        return safeguards.accepted_names(super().clean(value).split(","))


class ReplyForm(forms.Form):
    """A reply: a text, pictures, or both. The server sets `client_uuid`, so that a form posted twice is one message."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(strip=True, required=False)
    pictures = PicturesField(required=False)
    accept = AcceptedField()

    def clean_text(self) -> str:
        """Normalize line ends: browsers post CRLF."""
        return self.cleaned_data["text"].replace("\r\n", "\n").strip()

    def clean(self) -> dict:
        data = super().clean()
        if not (data.get("text") or data.get("pictures") or self.errors):
            self.add_error("text", WRITE_FIRST)
        return data

    @property
    def problem(self) -> str:
        """The first error, for the line above the composer; empty when the form is valid."""
        return next((error for name in ("text", "pictures") for error in self.errors.get(name, [])), "")

    @classmethod
    def posted(cls, request: HttpRequest) -> "ReplyForm":
        """The form of a POST request, with its pictures."""
        form = cls(request.POST, request.FILES)
        form.fields["pictures"].cut_off = getattr(request, "cut_off", False)
        return form

    @classmethod
    def fresh(cls, text: str = "") -> "ReplyForm":
        return cls(initial={"client_uuid": uuid.uuid4(), "text": text})


class ScheduleForm(ReplyForm):
    """A reply to send later. `outbox.scheduled` resolves the time in the chosen zone."""

    pictures = None
    text = forms.CharField(strip=True, error_messages={"required": WRITE_FIRST})

    when = ClockField(error_messages={"required": CHOOSE})
    zone = forms.CharField(max_length=64, error_messages={"required": gettext_lazy("Choose a time zone.")})
    stop_on_reply = forms.BooleanField(required=False)

    @property
    def problem(self) -> str:
        """The first error, for the line above the composer; empty when the form is valid."""
        return next((error for name in ("text", "when", "zone") for error in self.errors.get(name, [])), "")

    @classmethod
    def fresh(cls, zones: list[scheduled.Zone]) -> "ScheduleForm":
        """The form with its defaults: tomorrow at 9:00, in the most likely zone (the first)."""
        zone = zones[0].name
        tomorrow = in_zone(timezone.now(), zone).date() + timedelta(days=1)
        return cls(initial={"when": datetime.combine(tomorrow, NINE), "zone": zone})


class EditScheduledForm(ScheduleForm):
    """Edits a scheduled text."""

    client_uuid = None

    @classmethod
    def for_message(cls, message: Message) -> "EditScheduledForm":
        when = in_zone(message.send_at, message.zone).replace(tzinfo=None)
        values = {"text": message.text, "when": when, "zone": message.zone, "stop_on_reply": message.stop_on_reply}
        return cls(initial=values)


class NewForm(forms.Form):
    """A text to a phone number. `line` names the account and the inbox that sends it."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    line = forms.ChoiceField(label=pgettext_lazy("new conversation", "From"))
    phone = forms.CharField(
        label=pgettext_lazy("new conversation", "To"),
        max_length=LONGEST,
        error_messages={"required": gettext_lazy("Enter a phone number.")},
    )
    chosen = forms.CharField(max_length=32, required=False)
    text = forms.CharField(strip=True, label=gettext_lazy("Text"), error_messages={"required": WRITE_FIRST})
    accept = AcceptedField()

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.number: CheckedNumber | None = None
        self.lines: dict[str, tuple[Account, Inbox | None]] = {}
        accounts = list(Account.objects.for_user(user).reachable())
        inboxes: dict[int, list[Inbox]] = {}
        for inbox in Inbox.objects.for_user(user).filter(account__in=accounts).defer("raw"):
            inboxes.setdefault(inbox.account_id, []).append(inbox)
        choices = []
        for account in accounts:
            lines = [(f"{account.pk}-{inbox.pk}", inbox) for inbox in inboxes.get(account.pk, [])]
            lines = lines or [(f"{account.pk}-", None)]
            self.lines |= {value: (account, inbox) for value, inbox in lines}
            group = [(value, str(inbox) if inbox else account.label) for value, inbox in lines]
            choices += [(account.label, group)] if len(accounts) > 1 else group
        self.fields["line"].choices = choices

    @classmethod
    def fresh(cls, user, phone: str = "") -> "NewForm":
        form = cls(user, initial={"client_uuid": uuid.uuid4(), "phone": phone[:LONGEST]})
        if phone.strip() and form.lines:
            form.number = CheckedNumber.read(*next(iter(form.lines.values())), phone[:LONGEST])
        return form

    def find_contact(self) -> Contact:
        """The contact with the number as typed; an empty one if the account has none. Validates the form."""
        known = None
        if self.is_valid() or {"line", "phone"} <= self.cleaned_data.keys():
            account, phone = self.cleaned_data["line"][0], self.cleaned_data["phone"]
            known = Contact.objects.present().filter(account=account, phone=phone).order_by("vendor_id", "pk").first()
        return known or Contact()

    def clean_line(self) -> tuple[Account, Inbox | None]:
        return self.lines[self.cleaned_data["line"]]

    def clean(self) -> dict:
        data = super().clean()
        if "line" in data and "phone" in data:
            self.number = CheckedNumber.read(*data["line"], data["phone"], data.get("chosen", ""))
            self.number.unfinished = False
            if self.number.e164:
                data["phone"] = self.number.e164
            else:
                self.add_error("phone", self.number.problem)
        return data


# A number that is still being typed shows these; they are no errors yet.
_UNFINISHED = {Code.PHONE_MISSING, Code.PHONE_TOO_SHORT, Code.PHONE_WITHOUT_AREA, Code.PHONE_SHORT_CODE}


@dataclass
class CheckedNumber:
    """A typed number as it will be texted, or why not. `choices`: (E.164, words) of what it may stand for."""

    e164: str = ""
    problem: str = ""
    unfinished: bool = False
    choices: list[tuple[str, str]] = field(default_factory=list)
    chosen: str = ""

    @classmethod
    def read(cls, account: Account, inbox: Inbox | None, typed: str, chosen: str = "") -> "CheckedNumber":
        """Read a number for this account and inbox. chosen: the person's choice, if the number asked for one."""
        try:
            return cls(compose.read_phone(account, typed, inbox))
        except PhoneError as error:
            choices = [(number, described_phone(number)) for number in error.choices]
            chosen = chosen if chosen in error.choices else ""
            problem = str(CHOOSE_NUMBER) if choices else Reason(error.code, error.params).text
            unfinished = bool(choices) or error.code in _UNFINISHED
            return cls(chosen, "" if chosen else problem, unfinished, choices, chosen)

    @property
    def shown(self) -> str:
        return described_phone(self.e164)
