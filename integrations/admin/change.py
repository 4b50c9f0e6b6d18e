"""Admin of changes made by staff: waiting, saved in Salesmsg, or refused with a reason."""

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..contacts import profile_changes
from ..models import Change
from .base import AccountFilter, SupportAdmin, badge, link, reason_column, row_link, works_here
from .words import STATE_TONES, STATE_WORDS, before_in_words, values_in_words


@admin.register(Change)
class ChangeAdmin(SupportAdmin):
    list_display = ("created_at", "kind", "about", "what", "state_listed", "requested_by", "account")
    list_filter = ("state", "kind", AccountFilter)
    list_select_related = ("account", "contact", "conversation__contact", "requested_by")
    search_fields = ("contact__full_name", "contact__email", "vendor_reason")
    phone_search = ("contact__phone",)
    sortable_by = ()
    links_by = ("account__id__exact", "contact__id__exact")
    actions = ["try_again"]
    fields = (
        "kind", "about_link", "what", "before", "theirs_shown", "state_shown", "reason_shown", "requested_by",
        "account", "created_at", "finished_at", "attempts", "due_at",
    )  # fmt: skip
    readonly_fields = ("about_link", "what", "before", "theirs_shown", "state_shown", "reason_shown")
    reason_shown = reason_column()

    @admin.display(description=_("about"))
    def about(self, change):
        return change.contact or change.conversation or "–"

    @admin.display(description=_("about"))
    def about_link(self, change):
        return row_link(change.contact or change.conversation)

    @admin.display(description=_("requested values"))
    def what(self, change):
        return values_in_words(change.values, change.kind)

    @admin.display(description=_("before"))
    def before(self, change):
        return before_in_words(change)

    @admin.display(description=_("current values in Salesmsg"))
    def theirs_shown(self, change):
        return values_in_words(change.theirs, change.kind)

    @admin.display(description=_("state"))
    def state_shown(self, change):
        """Show the state, with a link to resolve a conflict."""
        label = badge(STATE_WORDS[change.state], STATE_TONES.get(change.state, ""))
        if change.state == Change.State.CONFLICT:
            return format_html("{} {}", label, link(reverse("contacts:detail", args=[change.pk]), _("Choose")))
        return label

    @admin.display(description=_("state"))
    def state_listed(self, change):
        if change.reason and change.state != Change.State.DONE:
            return format_html(
                '{} <span class="sm-reason">{}</span>', self.state_shown(change), change.explanation[:200]
            )
        return self.state_shown(change)

    def has_retry_permission(self, request) -> bool:
        return works_here(request)

    @admin.action(description=_("Retry refused changes"), permissions=["retry"])
    def try_again(self, request, queryset):
        refused = list(queryset.filter(state=Change.State.REFUSED))
        for change in refused:
            profile_changes.retry_change(request.user, change)
        if refused:
            self.message_user(
                request,
                _("Retried changes: %(count)s. They will be saved in Salesmsg shortly.") % {"count": len(refused)},
                messages.SUCCESS,
            )
        else:
            self.message_user(request, _("None of the selected changes was refused."), messages.WARNING)
