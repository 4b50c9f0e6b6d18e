"""Tags, opt-out and notes above a contact's form, each with its own form."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _

from ..contacts import detail_changes
from ..contacts.effective import effective_contact, suggest_tags
from ..contacts.profile_changes import InvalidEdit
from ..models import Contact


def context(contact: Contact) -> dict:
    """Return the context of the section."""
    about = effective_contact(contact)
    return {"about": about, "suggestions": suggest_tags(contact) if about.changeable else []}


class MoreOfContact:
    """Mixin of the contact admin: the view that the section's forms post to."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.more_view)
        return [path("<int:pk>/more/<slug:what>/", view, name="integrations_contact_more"), *super().get_urls()]

    def more_view(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        contact = Contact.objects.for_user(request.user).filter(pk=pk).first()
        allowed = contact is not None and self.has_change_permission(request, contact)
        if not allowed or what not in detail_changes.WISHES:
            raise Http404
        if request.method == "POST":
            try:
                requested = detail_changes.request_change(request.user, contact, what, request.POST)
            except InvalidEdit as problem:
                self.message_user(request, str(problem), messages.ERROR)
            else:
                self._add_message(request, what, requested)
        return redirect("admin:integrations_contact_change", pk)

    def _add_message(self, request: HttpRequest, what: str, requested) -> None:
        if not requested:
            self.message_user(request, _("No changes to save. Salesmsg is already up to date."), messages.INFO)
        elif what == "leave":
            self.message_user(request, _("Dismissed. The contact shows Salesmsg’s values."), messages.INFO)
        else:
            self.message_user(request, _("Saved. The change will be sent to Salesmsg shortly."), messages.SUCCESS)
