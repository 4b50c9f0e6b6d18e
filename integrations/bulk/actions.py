"""Views that create and change bulk texts. Every form works without JavaScript."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..access import staff_view
from ..models import Bulk, Contact
from ..outbox import merge_fields, safeguards, scheduled
from ..outbox.merge_fields import BulkProblem
from . import lifecycle, queries, recipients
from .forms import TextForm
from .views import own_bulk, preview_page

OTHER_TEXT = gettext_lazy(
    "The text has changed since you opened this page, so nothing was started. The current text is shown below."
)

# --- The steps of a draft --------------------------------------------------------------------------------------------


@staff_view("GET", "HEAD", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Contact selection. A POST creates a draft with the selected contacts or all matching ones."""
    accounts = queries.accounts(request.user)
    choice = queries.Choice.from_query(request.POST if request.method == "POST" else request.GET, accounts)
    error = ""
    if request.method == "POST" and choice.account is not None:
        try:
            bulk = recipients.create_draft(request.user, choice.account, _selected(request, choice))
            return _after_selection(request, bulk, choice)
        except BulkProblem as problem:
            error = problem.reason
    return _choose_page(request, choice, accounts, error=error)


@staff_view("GET", "HEAD", "POST")
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Contact selection of a draft. A POST adds contacts or removes one."""
    bulk = own_bulk(request, pk)
    if bulk.state != Bulk.State.DRAFT:
        return _too_late(request, bulk)
    choice = queries.Choice.from_query(request.POST if request.method == "POST" else request.GET, [bulk.account], bulk)
    error = ""
    if request.method == "POST":
        try:
            if (out := queries.parse_id(request.POST.get("out", ""))) is not None:
                recipients.remove_recipient(request.user, bulk, out)
                return redirect(f"{reverse('bulk:choose', args=[pk])}?{choice.query}&page={choice.page}")
            recipients.add_recipients(request.user, bulk, _selected(request, choice))
            return _after_selection(request, bulk, choice)
        except BulkProblem as problem:
            error = problem.reason
    return _choose_page(request, choice, [bulk.account], bulk=bulk, error=error)


def _after_selection(request: HttpRequest, bulk: Bulk, choice: queries.Choice) -> HttpResponse:
    """Redirects to the next step, or back to the selection."""
    if "more" not in request.POST:
        return redirect("bulk:detail" if bulk.text else "bulk:write", bulk.pk)
    count = bulk.recipients.count()
    messages.success(
        request,
        ngettext("%(count)s contact selected so far.", "%(count)s contacts selected so far.", count) % {"count": count},
    )
    return redirect(f"{reverse('bulk:choose', args=[bulk.pk])}?{choice.query}&page={choice.page}")


def _selected(request: HttpRequest, choice: queries.Choice):
    if "all" in request.POST:
        return queries.contacts(request.user, choice)
    ids = [pk for text in request.POST.getlist("contact") if (pk := queries.parse_id(text)) is not None]
    return Contact.objects.for_user(request.user).filter(pk__in=ids)


def _choose_page(
    request: HttpRequest, choice: queries.Choice, accounts: list, *, bulk: Bulk | None = None, error: str = ""
) -> HttpResponse:
    page = queries.page_of(queries.contacts(request.user, choice), choice)
    context = {
        "choice": choice,
        "accounts": accounts,
        "tags": queries.tags(choice.account),
        "page": page,
        "bulk": bulk,
        "chosen": set(bulk.recipients.values_list("contact", flat=True)) if bulk else set(),
        "error": error,
    }
    return render(request, "bulk/choose.html", context, status=422 if error else 200)


@staff_view("GET", "HEAD", "POST")
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of the text and its times. A valid POST saves them and redirects to the preview. With `convert`, it only
    shows the text with placeholders of other products converted to merge fields."""
    bulk = own_bulk(request, pk)
    if bulk.state != Bulk.State.DRAFT:
        return _too_late(request, bulk)
    zones = scheduled.zones_for_bulk(bulk.account, timezone.get_current_timezone_name())
    form = TextForm(request.POST) if request.method == "POST" else TextForm.for_draft(bulk, zones)
    custom = merge_fields.custom_fields(bulk.account_id)
    offer = ""
    if "convert" in request.POST:
        converted = merge_fields.convert_to_fields(request.POST.get("text", ""), custom)
        form = TextForm(initial={**request.POST.dict(), "text": converted})
    elif form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                recipients.set_times(request.user, bulk, form.start_at, form.window)
                recipients.write_text(request.user, bulk, form.cleaned_data["text"])
            return redirect("bulk:detail", pk)
        except BulkProblem as problem:
            form.add_error("text", problem.reason)
            offer = merge_fields.convert_offer(request.POST["text"], custom)
    inserts = merge_fields.insert_buttons([bulk.account_id])
    codes = format_html_join(", ", "<code>{}</code>", ((code,) for code, _label in inserts))
    context = {"bulk": bulk, "form": form, "inserts": inserts, "codes": codes, "count": bulk.recipients.count()}
    context |= {"offer": offer, "zones": zones}
    return render(request, "bulk/write.html", context, status=422 if form.errors else 200)


def _too_late(request: HttpRequest, bulk: Bulk) -> HttpResponse:
    messages.warning(request, _("This bulk text has already been started or cancelled and can no longer be changed."))
    return redirect("bulk:detail", bulk.pk)


# --- Start, pause, resume, cancel ------------------------------------------------------------------------------------


@staff_view("POST")
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Starts a draft, but only with the text that the user saw in the preview."""
    bulk = own_bulk(request, pk)
    if bulk.state != Bulk.State.DRAFT:
        return redirect("bulk:detail", pk)  # submitted twice
    if request.POST.get("seal") != queries.seal_text(bulk):
        return preview_page(request, bulk, OTHER_TEXT)
    try:
        accepted = safeguards.accepted_names(request.POST.get("accept", "").split(","))
        if lifecycle.start_bulk(request.user, bulk, accepted):
            later = bulk.start_at and bulk.start_at > timezone.now()
            started = (
                _("Scheduled. You can pause or cancel it at any time.")
                if later
                else _("Started. Replies are still sent first.")
            )
            messages.success(request, started)
    except lifecycle.NeedsConfirmation as asked:
        return preview_page(request, bulk, asked.reason, asked.questions)
    except BulkProblem as problem:
        return preview_page(request, bulk, problem.reason)
    return redirect("bulk:detail", pk)


@staff_view("POST")
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    lifecycle.pause_bulk(request.user, own_bulk(request, pk))
    return redirect("bulk:detail", pk)


@staff_view("POST")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    lifecycle.resume_bulk(request.user, own_bulk(request, pk))
    return redirect("bulk:detail", pk)


@staff_view("GET", "HEAD", "POST")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks for confirmation, because a cancelled bulk text cannot be resumed."""
    bulk = own_bulk(request, pk)
    if request.method != "POST":
        return render(request, "bulk/confirm_cancel.html", {"bulk": bulk})
    if lifecycle.cancel_bulk(request.user, bulk):
        messages.success(request, _("Cancelled. Texts that have already been sent are not affected."))
    return redirect("bulk:detail", pk)
