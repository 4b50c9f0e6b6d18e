"""Above a contact's form: tags, opt-out and notes, each a small form of its own."""

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
    """What the section shows."""
    about = effective_contact(contact)
    return {"about": about, "suggestions": suggest_tags(contact) if about.changeable else []}


class MoreOfContact:
    """Mixin of the contact's admin: the address that the section's forms post to."""

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
                asked = detail_changes.request_change(request.user, contact, what, request.POST)
            except InvalidEdit as refused:
                self.message_user(request, str(refused), messages.ERROR)
            else:
                self._say(request, what, asked)
        return redirect("admin:integrations_contact_change", pk)

    def _say(self, request: HttpRequest, what: str, asked) -> None:
        if not asked:
            self.message_user(request, _("There is nothing to tell Salesmsg: it stands so already."), messages.INFO)
        elif what == "leave":
            self.message_user(request, _("Left at that. The contact is as Salesmsg has it."), messages.INFO)
        else:
            self.message_user(request, _("Saved. It is on its way to Salesmsg."), messages.SUCCESS)
