"""Admin of accounts and their memberships. Connecting and syncing happen on the accounts page."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from ..access import can_manage, record_audit
from ..models import Account, AuditEntry, Budget, BudgetBlock, Member, Membership
from .base import SupportAdmin, badge, link, moment, reason_column, rows_link

Action = AuditEntry.Action

TONES = {"connected": "ok", "attention": "bad"}


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    verbose_name_plural = _("people with access (superusers can see every account)")
    fields = ("user", "role", "member")
    autocomplete_fields = ("user",)

    def get_formset(self, request, obj=None, **kwargs):
        self.account = obj
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "member":
            kwargs["queryset"] = Member.objects.for_user(request.user).filter(account=self.account)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user", "member")

    def has_add_permission(self, request, obj=None):
        return obj is not None and can_manage(request.user, obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request, obj=None):
        return obj is not None and can_manage(request.user, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and can_manage(request.user, obj) and super().has_delete_permission(request, obj)

    def has_view_permission(self, request, obj=None):
        return True


@admin.register(Account)
class AccountAdmin(SupportAdmin):
    """Only the label and memberships are editable. Secrets and tokens are never rows."""

    account_path = "pk__in"
    list_select_related = ()
    list_display = ("label", "organization_name", "state_shown", "synced_at", "last_event_at", "error_short", "page")
    list_filter = ("state",)
    search_fields = ("label", "organization_name")
    sortable_by = ("label", "organization_name")
    inlines = [MembershipInline]
    readonly_fields = (
        "state_shown", "page", "organization_name", "organization_id", "organization_timezone", "vendor_user_id",
        "thread_dialect", "created_at", "connected_at", "synced_at", "last_event_at", "reason_shown",
        "last_error_at", "rows", "budget_shown", "blocks_shown",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("label", "state_shown", "page", "rows", "reason_shown", "last_error_at")}),
        (_("Organisation"), {"fields": ("organization_name", "organization_id", "organization_timezone",
                                     "vendor_user_id")}),
        (_("Times"), {"fields": ("created_at", "connected_at", "synced_at", "last_event_at")}),
        (_("Rate budget"), {"fields": ("budget_shown", "blocks_shown")}),
        (_("For developers"), {"fields": ("thread_dialect",)}),
    )  # fmt: skip

    reason_shown = reason_column(_("last error"))

    def has_change_permission(self, request, obj=None):
        return self.may(request, "change") and (obj is None or can_manage(request.user, obj))

    def view_on_site(self, account):
        return reverse("accounts:detail", args=[account.pk])

    def save_model(self, request, obj, form, change):
        """Save only the label, because workers update the other columns concurrently."""
        if "label" in form.changed_data:
            obj.save(update_fields=["label"])

    def save_formset(self, request, form, formset, change):
        super().save_formset(request, form, formset, change)
        account = form.instance
        for membership in formset.new_objects:
            record_audit(
                request.user, Action.MEMBERSHIP_ADDED, account, person=str(membership.user), role=membership.role
            )
        for membership, _fields in formset.changed_objects:
            record_audit(
                request.user, Action.MEMBERSHIP_CHANGED, account, person=str(membership.user), role=membership.role
            )
        for membership in formset.deleted_objects:
            record_audit(request.user, Action.MEMBERSHIP_REMOVED, account, person=str(membership.user))

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, account):
        return badge(account.get_state_display(), TONES.get(account.state, ""))

    @admin.display(description=_("last error"))
    def error_short(self, account):
        return account.reason.text[:80] or "–"

    @admin.display(description=_("account page"))
    def page(self, account):
        return link(reverse("accounts:detail", args=[account.pk]), _("Connection, sync and webhook"))

    @admin.display(description=_("related rows"))
    def rows(self, account):
        lists = (
            ("contact", _("Contacts"), "account"), ("conversation", _("Conversations"), "account"),
            ("message", _("Messages"), "account"), ("syncrun", _("Syncs"), "account"),
            ("webhookevent", _("Webhook events"), "account"), ("change", _("Changes"), "account"),
        )  # fmt: skip
        return format_html_join(
            " · ", "{}", ((rows_link(model, text, **{lookup: account.pk}),) for model, text, lookup in lists)
        )

    @admin.display(description=_("used now"))
    def budget_shown(self, account):
        used, limit, blocked = Budget.for_account(account).used_now()
        text = _("%(used)s of %(limit)s calls") % {"used": used, "limit": limit}
        if blocked:
            text = _("%(used)s of %(limit)s calls, blocked until %(time)s") % {
                "used": used, "limit": limit, "time": moment(blocked),
            }  # fmt: skip
        return format_html("{} · {}", text, link(reverse("outbox:page"), _("Outbox page")))

    @admin.display(description=_("recent blocks"))
    def blocks_shown(self, account):
        """List recent blocks, newest first. A block is a 429 response and the wait after it."""
        blocks = BudgetBlock.objects.filter(budget__account=account)[:10]
        template = _("%(time)s, for %(seconds)s s")
        rows = (
            (template % {"time": moment(block.at), "seconds": round((block.until - block.at).total_seconds())},)
            for block in blocks
        )
        return format_html_join("", "<p>{}</p>", rows) or "–"
