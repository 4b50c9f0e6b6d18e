"""Shared base of the admin's lists and forms: read-only, limited to the user's accounts, with bounded counts."""

import json
from datetime import datetime

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from ..models import Account
from ..salesmsg.phones import national, search_digits
from ..salesmsg.text import breaks

COUNT_LIMIT = 10_000


class BoundedPaginator(Paginator):
    """Counts at most COUNT_LIMIT rows, so that long lists load as fast as short ones."""

    @cached_property
    def bounded_count(self) -> int:
        """Number of rows, at most COUNT_LIMIT + 1."""
        return self.object_list.order_by()[: COUNT_LIMIT + 1].count()

    @property
    def more(self) -> bool:
        return self.bounded_count > COUNT_LIMIT

    @cached_property
    def count(self) -> int:
        return min(self.bounded_count, COUNT_LIMIT)


class SupportChangeList(ChangeList):
    """Uses the plural model name as title instead of "Select … to change", because rows are read-only."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.is_popup:
            name = str(self.opts.verbose_name_plural)
            self.title = name[:1].upper() + name[1:]


class AccountFilter(admin.SimpleListFilter):
    """Filters by the user's accounts. Hidden if there is only one."""

    title = _("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin) -> list[tuple[int, str]]:
        return list(Account.objects.for_user(request.user).values_list("pk", "label"))

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(account=int(self.value())) if (self.value() or "").isdigit() else queryset


class SupportAdmin(admin.ModelAdmin):
    """Read-only admin for support. Users who are not superusers see only rows of their accounts."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each facet counts the whole table
    list_per_page = 50
    list_select_related = ("account",)
    actions_on_top = True
    account_path = "account__in"
    links_by: tuple[str, ...] = ()  # query string lookups used by links within the admin
    phone_search: tuple[str, ...] = ()  # phone fields, searched by digits
    list_defer: tuple[str, ...] = ()  # large fields not shown in the list

    def get_changelist(self, request: HttpRequest, **kwargs) -> type[ChangeList]:
        return SupportChangeList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Hide the account column if the user has only one account."""
        shown = tuple(super().get_list_display(request))
        if "account" in shown and Account.objects.for_user(request.user).count() < 2:
            return tuple(name for name in shown if name != "account")
        return shown

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        if self.list_defer and is_list(request):
            rows = rows.defer(*self.list_defer)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{self.account_path: Account.objects.for_user(request.user)})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow only lookups used by filters and links, so that query strings cannot probe other fields."""
        filters = self.get_list_filter(request)
        own = {item.parameter_name for item in filters if isinstance(item, type)}
        names = {item for item in filters if isinstance(item, str)}
        fields = {spelling for name in names for spelling in (name, f"{name}__exact", f"{name}__isnull")}
        return lookup in own | fields | set(self.links_by)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str):
        """Find phones in any notation: "(305) 555-0142", "+1 305…", "020 7946"."""
        digits = search_digits(search_term) if self.phone_search else ""
        if not digits:
            return super().get_search_results(request, queryset, search_term)
        wanted = Q()
        for field in self.phone_search:
            wanted |= Q(**{f"{field}__contains": digits})
        return queryset.filter(wanted), False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or works_here(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or works_here(request)

    def may(self, request: HttpRequest, what: str) -> bool:
        """Whether the user has a Django permission for this model, such as "change"."""
        return request.user.has_perm(f"{self.opts.app_label}.{what}_{self.opts.model_name}")


def works_here(request: HttpRequest) -> bool:
    """Whether the user is a member of any account. Members can view its data and edit its contacts."""
    if not hasattr(request, "works_here"):
        request.works_here = Account.objects.for_user(request.user).exists()
    return request.works_here


class SupportInline(admin.TabularInline):
    """Read-only inline rows."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True  # anyone who can view the parent


def is_list(request: HttpRequest) -> bool:
    """Whether the list of the model is asked for, not one row."""
    return bool(request.resolver_match) and request.resolver_match.url_name.endswith("_changelist")


def pretty_json(value: object) -> SafeString:
    """Format JSON for reading. Text that is not JSON is shown unchanged."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return format_html('<pre class="sm-json" tabindex="0">{}</pre>', value or _("(empty)"))
    return format_html('<pre class="sm-json" tabindex="0">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))


def reason_column(description=None):
    """Return a column or field that shows a row's reason as text (see `failures`)."""

    @admin.display(description=description or _("reason"))
    def shown(self, row) -> str:
        return row.explanation or "–"

    return shown


def badge(text: str, tone: str = "") -> SafeString:
    """Render a small label. `tone` is "", "ok", "wait" or "bad"."""
    return format_html('<span class="sm-badge {}">{}</span>', f"sm-{tone}" if tone else "", text)


def link(address: str, text: str, css: str = "sm-link") -> SafeString:
    return format_html('<a class="{}" href="{}">{}</a>', css, address, text)


def inbox_link(conversation_id: int | None, text: str = _("Open in inbox")) -> SafeString | str:
    """Link to the thread in the inbox, or a dash if there is none."""
    return link(reverse("inbox:thread", args=[conversation_id]), text) if conversation_id else none()


def rows_link(model: str, text: str, **lookups) -> SafeString:
    """Link to another admin list, filtered by `lookups`."""
    query = "&".join(f"{name}={value}" for name, value in lookups.items())
    return link(f"{reverse(f'admin:integrations_{model}_changelist')}?{query}", text)


def row_link(obj: Model | None) -> SafeString | str:
    """Link to a row's page in the admin."""
    if obj is None:
        return "–"
    return link(reverse(f"admin:integrations_{obj._meta.model_name}_change", args=[obj.pk]), str(obj))


def phone(value: str) -> SafeString | str:
    """Format a phone number in national notation, without line breaks."""
    return format_html('<span class="sm-phone">{}</span>', national(value)) if value else "–"


def moment(at: datetime | None) -> str:
    """Format a time in the user's time zone, as Django's admin does."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else "–"


def email(address: str) -> SafeString | str:
    """Format an email address that wraps only after "@" and periods."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((piece,) for piece in breaks(address))) if address else "–"


def none() -> SafeString:
    """Render an empty value, which is hidden on phones."""
    return format_html('<span class="sm-none">{}</span>', "–")


def called(name: str, own_phone: str) -> str:
    """Return a contact's name. A phone number used as name is formatted in national notation."""
    return national(name) if name == own_phone else name
