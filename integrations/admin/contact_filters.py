"""What the list of contacts can be narrowed by."""

from django.contrib import admin
from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet

from ..models import Change, Contact

WAITING = (Change.State.PENDING, Change.State.PUSHING)


def contact_changes() -> QuerySet:
    """Edits of contacts that still tell how the contact stands; those replaced by a later one do not."""
    return Change.objects.filter(kind=Change.Kind.CONTACT).exclude(state=Change.State.SUPERSEDED)


class CountryFilter(admin.SimpleListFilter):
    title = "country"
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
    title = "edits"
    parameter_name = "edits"

    def lookups(self, request, model_admin):
        return [("open", "Pending or refused"), ("pending", "Pending"), ("refused", "Refused")]

    def queryset(self, request, queryset):
        match self.value():
            case "open":
                states = [*WAITING, Change.State.REFUSED]
            case "pending":
                states = list(WAITING)
            case "refused":
                states = [Change.State.REFUSED]
            case _:
                return queryset
        # The inner list is short and keeps the newest-change lookup to the contacts that have one at all.
        later = contact_changes().filter(contact=OuterRef("contact"), pk__gt=OuterRef("pk"))
        newest = contact_changes().filter(~Exists(later), state__in=states)
        return queryset.filter(pk__in=newest.values("contact"))


class PresentFilter(admin.SimpleListFilter):
    title = "presence at Salesmsg"
    parameter_name = "present"

    def lookups(self, request, model_admin):
        return [("yes", "Still there"), ("no", "Deleted there")]

    def queryset(self, request, queryset):
        match self.value():
            case "yes":
                return queryset.present()
            case "no":
                return queryset.exclude(deleted_at=None)
        return queryset
