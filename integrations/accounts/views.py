"""Accounts pages: the list of accounts and one account's details."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from .. import access
from ..models import Account
from . import connect, queries
from .forms import LabelForm, TokenForm


@access.staff_view()
def index(request: HttpRequest) -> HttpResponse:
    """List the user's accounts and offer to connect another."""
    return index_page(request)


def index_page(request: HttpRequest, token_form: TokenForm | None = None, status: int = 200) -> HttpResponse:
    """Render the list. A rejected token form shows its errors beside the field."""
    cards = list(queries.account_cards(request.user))
    for card in cards:
        card.tone, card.state_label = queries.TONES[card.state], queries.STATE_WORDS[card.state]
    context = {
        "cards": cards,
        "may_connect": access.can_connect(request.user),
        "oauth_ready": queries.oauth_ready(),
        "redirect_address": connect.redirect_uri(),
        "label_form": LabelForm(auto_id="oauth_%s"),
        "token_form": token_form or TokenForm(),
    }
    return render(request, "accounts/list.html", context, status=status)


@access.staff_view()
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One account."""
    return detail_page(request, own_account(request, pk))


def own_account(request: HttpRequest, pk: int) -> Account:
    """Return an account the user can see. Raises Http404 for any other."""
    return get_object_or_404(Account.objects.for_user(request.user), pk=pk)


def detail_page(
    request: HttpRequest, account: Account, token_form: TokenForm | None = None, status: int = 200
) -> HttpResponse:
    panel = queries.sync_panel(account, request.user)
    context = panel | {
        "tone": queries.TONES[account.state],
        "state_words": queries.STATE_WORDS[account.state],
        "what_now": queries.WHAT_NOW[account.state],
        "credential": queries.credential_status(account),
        "usage": queries.budget_usage(account),
        "lines": queries.phone_lines(account),
        "webhook_address": access.readable_webhook_address(account) if panel["can_manage"] else "",
        "events": queries.recent_events(account),
        "memberships": list(account.memberships.select_related("user", "member").order_by("user__username")[:100]),
        "may_edit_access": panel["can_manage"] and request.user.has_perm("integrations.change_account"),
        "oauth_ready": queries.oauth_ready(),
        "token_form": token_form or TokenForm(labelled=False),
    }
    return render(request, "accounts/detail.html", context, status=status)
