"""Filters of the contact list."""

from django.contrib import admin
from django.core.cache import cache
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When
from django.utils.translation import gettext_lazy as _

from ..models import Change, Contact

WAITING = (Change.State.PENDING, Change.State.PUSHING)
ASKED = (*WAITING, Change.State.CONFLICT)  # shown instead of Salesmsg's values


def contact_changes() -> QuerySet:
    """Return edits of contacts that were not replaced by later ones: conflicts first, then the newest."""
    edits = Change.objects.filter(kind=Change.Kind.CONTACT).exclude(state=Change.State.SUPERSEDED)
    return edits.order_by(Case(When(state=Change.State.CONFLICT, then=0), default=1), "-pk")


class CountryFilter(admin.SimpleListFilter):
    title = _("country")
    parameter_name = "country"

    def lookups(self, request, model_admin):
        """Cached for 5 minutes, because finding the countries reads every contact."""
        return cache.get_or_set(f"admin-countries-{request.user.pk}", lambda: self._countries(request), 300)

    @staticmethod
    def _countries(request) -> list[tuple[str, str]]:
        countries = Contact.objects.for_user(request.user).exclude(country="").order_by("country")
        return [(country, country) for country in countries.values_list("country", flat=True).distinct()[:60]]

    def queryset(self, request, queryset):
        return queryset.filter(country=self.value()) if self.value() else queryset


class SavedFilter(admin.SimpleListFilter):
    title = _("edits")
    parameter_name = "edits"

    def lookups(self, request, model_admin):
        return [
            ("open", _("Unresolved")),
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
        """Return contacts whose newest edit has one of these states."""
        # The outer query is short, so the newest-edit lookup only runs for contacts that have an edit.
        later = contact_changes().filter(contact=OuterRef("contact"), pk__gt=OuterRef("pk"))
        return contact_changes().filter(~Exists(later), state__in=states).values("contact")


class PresentFilter(admin.SimpleListFilter):
    title = _("in Salesmsg")
    parameter_name = "present"

    def lookups(self, request, model_admin):
        return [("yes", _("Present")), ("no", _("Deleted"))]

    def queryset(self, request, queryset):
        match self.value():
            case "yes":
                return queryset.present()
            case "no":
                return queryset.exclude(deleted_at=None)
        return queryset
