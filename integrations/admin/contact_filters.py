"""What the list of contacts can be narrowed by."""

from django.contrib import admin
from django.core.cache import cache
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When
from django.utils.translation import gettext_lazy as _

from ..models import Change, Contact

WAITING = (Change.State.PENDING, Change.State.PUSHING)
ASKED = (*WAITING, Change.State.CONFLICT)  # shown in place of what Salesmsg has


def contact_changes() -> QuerySet:
    """Edits of contacts that still tell how the contact stands, what waits for a choice first, then the newest; those
    replaced by a later one do not."""
    found = Change.objects.filter(kind=Change.Kind.CONTACT).exclude(state=Change.State.SUPERSEDED)
    return found.order_by(Case(When(state=Change.State.CONFLICT, then=0), default=1), "-pk")


class CountryFilter(admin.SimpleListFilter):
    title = _("country")
    parameter_name = "country"

    def lookups(self, request, model_admin):
        """Kept for a while: finding them reads every contact."""
        return cache.get_or_set(f"admin-countries-{request.user.pk}", lambda: self._countries(request), 300)

    @staticmethod
    def _countries(request) -> list[tuple[str, str]]:
        found = Contact.objects.for_user(request.user).exclude(country="").order_by("country")
        return [(country, country) for country in found.values_list("country", flat=True).distinct()[:60]]

    def queryset(self, request, queryset):
        return queryset.filter(country=self.value()) if self.value() else queryset


class SavedFilter(admin.SimpleListFilter):
    title = _("edits")
    parameter_name = "edits"

    def lookups(self, request, model_admin):
        return [
            ("open", _("Not settled")),
            ("pending", _("Pending")),
            ("choice", _("Needs a choice")),
            ("refused", _("Refused")),
        ]

    def queryset(self, request, queryset):
        to_choose = contact_changes().filter(state=Change.State.CONFLICT).values("contact")
        match self.value():
            case "open":
                return queryset.filter(Q(pk__in=self._newest(*WAITING, Change.State.REFUSED)) | Q(pk__in=to_choose))
            case "pending":
                return queryset.filter(pk__in=self._newest(*WAITING))
            case "refused":
                return queryset.filter(pk__in=self._newest(Change.State.REFUSED))
            case "choice":
                return queryset.filter(pk__in=to_choose)
        return queryset

    @staticmethod
    def _newest(*states: str) -> QuerySet:
        """Contacts whose newest edit stands so."""
        # The inner list is short and keeps the newest-change lookup to the contacts that have one at all.
        later = contact_changes().filter(contact=OuterRef("contact"), pk__gt=OuterRef("pk"))
        return contact_changes().filter(~Exists(later), state__in=states).values("contact")


class PresentFilter(admin.SimpleListFilter):
    title = _("presence at Salesmsg")
    parameter_name = "present"

    def lookups(self, request, model_admin):
        return [("yes", _("Still there")), ("no", _("Deleted there"))]

    def queryset(self, request, queryset):
        match self.value():
            case "yes":
                return queryset.present()
            case "no":
                return queryset.exclude(deleted_at=None)
        return queryset
