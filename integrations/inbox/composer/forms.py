"""What staff type: a reply, a first text, an owner."""

import uuid
from datetime import datetime, time, timedelta

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy, pgettext_lazy

from ...attachments import outgoing
from ...models import Account, Inbox, Message
from ...outbox import scheduled
from ...salesmsg.text import phone as normal_phone
from ...told import told

NINE = time(9)
WRITE_FIRST = gettext_lazy("Write a text first.")
CHOOSE = gettext_lazy("Choose the date and the time at which it shall leave.")


class Files(forms.FileInput):
    """An input for several files."""

    allow_multiple_selected = True

    def value_from_datadict(self, data, files, name) -> list:
        return files.getlist(name) if hasattr(files, "getlist") else []


class PicturesField(forms.FileField):
    """Pictures to send: a list of `outgoing.Checked`. cut_off: the request brought more than was read."""

    widget = Files
    cut_off = False

    def clean(self, data, initial=None) -> list[outgoing.Checked]:
        try:
            return outgoing.check_files(list(data or []), cut_off=self.cut_off)
        except outgoing.CannotAttach as refused:
            raise forms.ValidationError(refused.reason) from None


class ReplyForm(forms.Form):
    """A reply: a text, pictures, or both. The server makes `client_uuid`: one form posted twice is one message."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(strip=True, required=False)
    pictures = PicturesField(required=False)

    def clean_text(self) -> str:
        """As it will be stored: browsers post lines with two characters between them."""
        return self.cleaned_data["text"].replace("\r\n", "\n").strip()

    def clean(self) -> dict:
        given = super().clean()
        if not (given.get("text") or given.get("pictures") or self.errors):
            self.add_error("text", WRITE_FIRST)
        return given

    @property
    def problem(self) -> str:
        """The first thing that is wrong, for the line above the composer."""
        return next((words for name in ("text", "pictures") for words in self.errors.get(name, [])), "")

    @classmethod
    def posted(cls, request: HttpRequest) -> "ReplyForm":
        """The form that a request brought, with its pictures."""
        form = cls(request.POST, request.FILES)
        form.fields["pictures"].cut_off = getattr(request, "cut_off", False)
        return form

    @classmethod
    def fresh(cls, text: str = "") -> "ReplyForm":
        return cls(initial={"client_uuid": uuid.uuid4(), "text": text})


class ClockField(forms.Field):
    """What clocks show somewhere, as <input type="datetime-local"> says it: a naive datetime, in no zone yet."""

    def to_python(self, value) -> datetime | None:
        text = str(value or "").strip().replace(" ", "T")
        for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"):
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        if text:
            raise forms.ValidationError(CHOOSE)
        return None

    def prepare_value(self, value):
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value


class ScheduleForm(ReplyForm):
    """A reply for later. What the time means is for `schedule` to say: it depends on the zone."""

    pictures = None
    text = forms.CharField(strip=True, error_messages={"required": WRITE_FIRST})

    when = ClockField(error_messages={"required": CHOOSE})
    zone = forms.CharField(max_length=64, error_messages={"required": gettext_lazy("Choose a time zone.")})
    stop_on_reply = forms.BooleanField(required=False)

    @property
    def problem(self) -> str:
        """The first thing that is wrong, for the line above the composer."""
        return next((words for name in ("text", "when", "zone") for words in self.errors.get(name, [])), "")

    @classmethod
    def fresh(cls, zones: list[scheduled.Zone]) -> "ScheduleForm":
        """Offers tomorrow at nine, in the likeliest zone."""
        zone = zones[0].name
        tomorrow = scheduled.local_time(timezone.now(), zone).date() + timedelta(days=1)
        return cls(initial={"when": datetime.combine(tomorrow, NINE), "zone": zone})


class EditScheduledForm(ScheduleForm):
    """A scheduled text, to be changed."""

    client_uuid = None

    @classmethod
    def for_message(cls, message: Message) -> "EditScheduledForm":
        when = scheduled.local_time(message.send_at, message.zone).replace(tzinfo=None)
        values = {"text": message.text, "when": when, "zone": message.zone, "stop_on_reply": message.stop_on_reply}
        return cls(initial=values)


class NewForm(forms.Form):
    """A text to a phone number. `line` names the account and the inbox that sends it."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    line = forms.ChoiceField(label=pgettext_lazy("new conversation", "From"))
    phone = forms.CharField(
        label=pgettext_lazy("new conversation", "To"),
        max_length=64,
        error_messages={"required": gettext_lazy("Enter a phone number.")},
    )
    text = forms.CharField(strip=True, label=gettext_lazy("Text"), error_messages={"required": WRITE_FIRST})

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
            raise forms.ValidationError(told(str(error))) from None

    def clean_line(self) -> tuple[Account, Inbox | None]:
        return self.lines[self.cleaned_data["line"]]
