"""Admin of contacts. An edit creates a pending change, which a task saves in Salesmsg."""

from urllib.parse import quote, urlencode

from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..bulk import recipients
from ..contacts import conflicts, profile_changes
from ..failures import Reason
from ..models import Account, Change, Contact, Conversation
from ..models.reason import REASON_COLUMNS
from ..outbox.merge_fields import BulkProblem
from .base import (
    AccountFilter,
    SupportAdmin,
    SupportInline,
    badge,
    called,
    email,
    inbox_link,
    is_list,
    link,
    moment,
    none,
    phone,
    pretty_json,
    reason_column,
    rows_link,
    works_here,
)
from .contact_filters import ASKED, CountryFilter, PresentFilter, SavedFilter, contact_changes
from .contact_form import ContactForm
from .contact_more import MoreOfContact
from .contact_more import context as more_context
from .words import STATE_TONES, STATE_WORDS, before_in_words, values_in_words


class ChangeInline(SupportInline):
    model = Change
    verbose_name_plural = _("history of edits")
    fields = ("created_at", "kind", "what", "before", "state_shown", "reason_shown", "requested_by")
    readonly_fields = fields
    reason_shown = reason_column()
    ordering = ("-pk",)
    max_num = 0

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("requested_by")

    @admin.display(description=_("changed to"))
    def what(self, change):
        return values_in_words(change.values, change.kind)

    @admin.display(description=_("before"))
    def before(self, change):
        return before_in_words(change)

    @admin.display(description=_("state"))
    def state_shown(self, change):
        return badge(STATE_WORDS[change.state], STATE_TONES.get(change.state, ""))


@admin.register(Contact)
class ContactAdmin(MoreOfContact, SupportAdmin):
    form = ContactForm
    inlines = [ChangeInline]
    list_display = ("name_shown", "phone_listed", "email_shown", "in_inbox", "saved", "tags_shown", "account")
    list_display_links = ("name_shown",)
    list_defer = ("raw", "custom_fields", "notes")
    list_filter = (SavedFilter, "opted_out", "blocked", CountryFilter, PresentFilter, AccountFilter)
    search_fields = ("full_name", "first_name", "last_name", "email")
    search_help_text = _("Name, email or phone number, such as (305) 555-0142.")
    phone_search = ("phone",)
    sortable_by = ("name_shown", "email_shown")
    links_by = ("account__id__exact",)
    actions = ["text_them"]
    readonly_fields = (
        "flags", "tags_shown", "opted_out", "blocked", "opted_out_at", "opted_in_at", "country",
        "custom_shown", "notes_shown", "raw_shown", "account", "vendor_id", "created_shown", "updated_shown",
        "deleted_shown", "conversations_link", "consent_link",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), ("email", "phone")), "classes": ("sm-edit",)}),
        (_("Texting"), {"fields": ("conversations_link", "flags", "opted_out_at", "opted_in_at", "consent_link")}),
        (_("More from Salesmsg"), {"fields": ("account", "vendor_id", "country", "tags_shown", "custom_shown",
                                           "notes_shown", "created_shown", "updated_shown", "deleted_shown")}),
        (_("Salesmsg data"), {"fields": ("raw_shown",), "classes": ("collapse",)}),
    )  # fmt: skip

    # --- list -------------------------------------------------------------------------------------------------------

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        if not is_list(request):
            return rows
        newest = contact_changes().filter(contact=OuterRef("pk"))
        threads = Conversation.objects.filter(contact=OuterRef("pk")).newest_first()
        return rows.annotate(
            edit_state=Subquery(newest.values("state")[:1]),
            **{f"edit_{name}": Subquery(newest.values(name)[:1]) for name in REASON_COLUMNS},
            edit_values=Subquery(newest.values("values")[:1]),
            edit_pk=Subquery(newest.values("pk")[:1]),
            thread_id=Subquery(threads.values("pk")[:1]),
        )

    @staticmethod
    def _shown(contact: Contact, field: str) -> str:
        """Return a field's displayed value: the pending one if there is one, else the stored one."""
        pending = (contact.edit_values or {}) if contact.edit_state in ASKED else {}
        return pending.get(field, getattr(contact, field)) or ""

    @admin.display(description=_("name"), ordering="full_name")
    def name_shown(self, contact):
        own = contact.name
        if contact.edit_state in ASKED:
            own = f"{self._shown(contact, 'first_name')} {self._shown(contact, 'last_name')}".strip() or own
        return called(own, contact.phone)

    @admin.display(description=_("phone"))
    def phone_listed(self, contact):
        """Show the phone, with a badge if it cannot be texted."""
        shown = phone(self._shown(contact, "phone"))
        return shown if contact.textable else format_html("{} {}", shown, self.flags(contact))

    @admin.display(description=_("email"), ordering="email")
    def email_shown(self, contact):
        return email(self._shown(contact, "email"))

    @admin.display(description=_("can be texted"))
    def flags(self, contact):
        if contact.opted_out:
            return badge(_("Opted out"), "bad")
        if contact.blocked:
            return badge(_("Blocked"), "bad")
        return badge(_("Deleted in Salesmsg")) if contact.deleted_at else _("Yes")

    @admin.display(description=_("tags"))
    def tags_shown(self, contact):
        return ", ".join(map(str, contact.tags)) or "–"

    @admin.display(description=_("edits"))
    def saved(self, contact):
        if not contact.edit_state:
            return none()
        state_label = _("Saved") if contact.edit_state == Change.State.DONE else STATE_WORDS[contact.edit_state]
        label = badge(state_label, STATE_TONES.get(contact.edit_state, ""))
        if contact.edit_state == Change.State.CONFLICT:
            return format_html("{} {}", label, link(reverse("contacts:detail", args=[contact.edit_pk]), _("Choose")))
        reason = Reason(contact.edit_reason_code, contact.edit_reason_params, contact.edit_vendor_reason)
        if reason and contact.edit_state != Change.State.DONE:
            shown = reason.explained(contact.edit_state)[:120]
            return format_html('{} <span class="sm-reason">{}</span>', label, shown)
        return label

    @admin.display(description=_("inbox"))
    def in_inbox(self, contact):
        return inbox_link(contact.thread_id, _("Open"))

    # --- a bulk text ------------------------------------------------------------------------------------------------

    def has_text_permission(self, request) -> bool:
        return works_here(request)

    @admin.action(description=_("Text selected contacts…"), permissions=["text"])
    def text_them(self, request, queryset):
        """Create a draft bulk text with the selected contacts and open its page."""
        accounts = list(Account.objects.for_user(request.user).filter(contacts__in=queryset.order_by()).distinct()[:2])
        if len(accounts) != 1:
            problem = _(
                "These contacts belong to several accounts, but a bulk text is sent from one account. Filter the list "
                "by account."
            )
            self.message_user(request, problem, messages.ERROR)
            return None
        try:
            made = recipients.create_draft(request.user, accounts[0], queryset)
        except BulkProblem as problem:
            self.message_user(request, problem.reason, messages.ERROR)
            return None
        return redirect("bulk:write", made.pk)

    # --- form -------------------------------------------------------------------------------------------------------

    def has_change_permission(self, request, obj=None):
        """Members of the account can edit its contacts, except those deleted in Salesmsg."""
        return works_here(request) and (obj is None or obj.deleted_at is None)

    def view_on_site(self, contact):
        newest = contact.conversations.newest_first().values_list("pk", flat=True).first()
        return reverse("inbox:thread", args=[newest]) if newest else None

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refused = getattr(request, "refused_fields", {})
        return form

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the form again with field errors if saving raises InvalidEdit."""
        try:
            return super().change_view(request, object_id, form_url, extra_context)
        except profile_changes.InvalidEdit as problem:
            request.refused_fields = problem.fields
            return super().change_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request, context, **kwargs):
        contact = kwargs.get("obj")
        context |= self._saved_context(request, contact)
        shown = profile_changes.shown_values(contact)
        own = f"{shown['first_name']} {shown['last_name']}".strip() or called(contact.name, contact.phone)
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False, "title": own}
        context |= more_context(contact)
        context |= {"subtitle": _("Contact of %(account)s") % {"account": contact.account}}
        return super().render_change_form(request, context, **kwargs)

    def save_model(self, request, obj, form, change):
        """Request the change instead of saving. `obj` already has the form's values, so reload the contact."""
        contact = Contact.objects.for_user(request.user).get(pk=obj.pk)
        request.edit = profile_changes.edit_contact(request.user, contact, form.wanted())

    def response_change(self, request, obj):
        if request.edit is None:
            self.message_user(request, _("No changes to save. Salesmsg already has these values."), messages.INFO)
        else:
            self.message_user(request, _("Saved. The change will be sent to Salesmsg shortly."), messages.SUCCESS)
        # Return to the contact's page, whose panel polls the edit's state until it is saved or refused.
        return redirect(request.get_full_path())

    def log_change(self, request, obj, message):
        """Skip the admin log entry if nothing changed."""
        return super().log_change(request, obj, message) if request.edit is not None else None

    # --- state of the edit ------------------------------------------------------------------------------------------

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/saved/", view(self.saved_view), name="integrations_contact_saved"),
            path("<int:pk>/retry/", view(self.retry_view), name="integrations_contact_retry"),
            *super().get_urls(),
        ]

    def _own(self, request: HttpRequest, pk: int) -> Contact:
        contact = self.get_queryset(request).filter(pk=pk).first()
        if contact is None or not self.has_view_or_change_permission(request, contact):
            raise Http404
        return contact

    def _saved_context(self, request: HttpRequest, contact: Contact) -> dict:
        edit = contact_changes().filter(contact=contact).select_related("requested_by").first()
        return {
            "contact": contact,
            "edit": edit,
            "edit_text": values_in_words(edit.values) if edit else "",
            "salesmsg_text": _salesmsg_values_text(contact, edit) if edit else "",
            "clash": conflicts.clashing_labels(edit) if edit and edit.waiting else [],
            "may_retry": self.has_change_permission(request, contact),
        }

    def saved_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Render the panel above the form, polled every two seconds while an edit is pending."""
        contact = self._own(request, pk)
        return render(request, "admin/integrations/contact/saved.html", self._saved_context(request, contact))

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        contact = self._own(request, pk)
        if request.method == "POST" and self.has_change_permission(request, contact):
            edit = contact_changes().filter(contact=contact).first()
            if edit and edit.state == Change.State.REFUSED:
                profile_changes.retry_change(request.user, edit)
                self.message_user(
                    request, _("Retrying. The change will be sent to Salesmsg shortly."), messages.SUCCESS
                )
            else:
                self.message_user(request, _("There is nothing to retry."), messages.INFO)
        return redirect("admin:integrations_contact_change", pk)

    # --- read-only fields -------------------------------------------------------------------------------------------

    @admin.display(description=_("conversations"))
    def conversations_link(self, contact):
        newest = contact.conversations.newest_first().values_list("pk", flat=True).first()
        if newest is None:
            if not contact.textable:
                return _("None yet.")
            address = f"{reverse('inbox:new')}?{urlencode({'phone': contact.phone})}"
            return format_html(_("None yet. {}"), link(address, _("Write the first text")))
        return format_html(
            "{} &nbsp; {}",
            link(reverse("inbox:thread", args=[newest]), _("Open in inbox")),
            rows_link("conversation", _("All conversations"), contact__id__exact=contact.pk),
        )

    @admin.display(description=_("consent"))
    def consent_link(self, contact):
        if not contact.phone:
            return "–"
        lookups = {"account__id__exact": contact.account_id, "phone": quote(contact.phone)}
        return rows_link("consententry", _("All opt-outs and opt-ins of this number"), **lookups)

    @admin.display(description=_("created in Salesmsg"))
    def created_shown(self, contact):
        return moment(contact.vendor_created_at)

    @admin.display(description=_("changed in Salesmsg"))
    def updated_shown(self, contact):
        return moment(contact.vendor_updated_at)

    @admin.display(description=_("deleted in Salesmsg"))
    def deleted_shown(self, contact):
        return moment(contact.deleted_at)

    @admin.display(description=_("custom fields"))
    def custom_shown(self, contact):
        return pretty_json(contact.custom_fields) if contact.custom_fields else "–"

    @admin.display(description=_("notes"))
    def notes_shown(self, contact):
        return pretty_json(contact.notes) if contact.notes else "–"

    @admin.display(description=_("record"))
    def raw_shown(self, contact):
        return pretty_json(contact.raw)


def _salesmsg_values_text(contact: Contact, edit: Change) -> str:
    """Return Salesmsg's current values of the fields changed on both sides, as text."""
    return values_in_words({name: getattr(contact, name) for name in profile_changes.EDITABLE if name in edit.theirs})
