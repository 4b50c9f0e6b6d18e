"""Connecting an account, as plain functions: to the consent screen and back, or by a personal access token.

The one place where a page waits for Salesmsg: exchanging the code, and asking whose token it is.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from .. import access, budget, gateway, tokens
from ..crypto import Unsealable, digest, seal, unseal
from ..gateway import BudgetWait, Identity, Tokens
from ..models import Account, AuthorizationState, Credential, Membership
from ..salesmsg.errors import CredentialRefused, NotDone, RateLimited, SalesmsgError
from ..salesmsg.text import sentence
from ..sync import request as sync_request
from ..told import told

STATE_LIVES = timedelta(minutes=10)
CALLS = {Credential.Kind.PAT: 2, Credential.Kind.OAUTH: 3}  # to ask whose token it is, and before that to get it


class ConnectProblem(Exception):
    """Connecting did not work. title, what (happened), todo: plain words. kind: for the page's status.

    Kinds: setup, denied, state, exchange, credential, vendor, organization.
    """

    def __init__(self, kind: str, title: str, what: str, todo: str):
        what = sentence(what)
        super().__init__(f"{title}: {what} {todo}")
        self.kind = kind
        self.title = title
        self.what = what
        self.todo = todo


def redirect_uri() -> str:
    """The address to register with Salesmsg."""
    return settings.PORTAL_URL + reverse("accounts:callback")


def authorization_url(user, session_key: str, *, label: str = "", account: Account | None = None) -> str:
    """Where to send the browser. Raises ConnectProblem, PermissionDenied."""
    _permitted(user, account)
    if not settings.SALESMSG_CLIENT_ID or not settings.SALESMSG_CLIENT_SECRET:
        raise ConnectProblem(
            "setup",
            _("OAuth is not set up"),
            _("SALESMSG_CLIENT_ID or SALESMSG_CLIENT_SECRET is empty."),
            _(
                "Create an OAuth application in Salesmsg with the redirect address %(address)s, put "
                "its id and secret into the environment, and restart. Or connect with a personal access "
                "token."
            )
            % {"address": redirect_uri()},
        )
    state = secrets.token_urlsafe(32)
    try:
        url, verifier = gateway.authorization_url(redirect_uri(), state)
        sealed = seal(verifier)
    except Unsealable as problem:
        raise _unsealable(problem) from None
    except SalesmsgError as error:
        raise ConnectProblem(
            "setup", _("OAuth is not set up"), told(error.text), _("Look at SALESMSG_AUTHORIZE_URL.")
        ) from None
    AuthorizationState.objects.filter(created_at__lt=timezone.now() - timedelta(days=1)).delete()
    AuthorizationState.objects.create(
        digest=digest(state),
        user=user,
        session_digest=digest(session_key),
        code_verifier=sealed,
        account=account,
        label=label.strip()[:120],
    )
    return url


def finish_authorization(user, session_key: str, query: dict[str, str]) -> Account:
    """The way back from the consent screen. Raises ConnectProblem, PermissionDenied."""
    state = _use_state(user, session_key, query.get("state", ""))
    _permitted(user, state.account)
    if error := query.get("error"):
        if error == "access_denied":
            raise ConnectProblem(
                "denied",
                _("You did not allow the connection"),
                _("Salesmsg was asked to give this portal access, and the answer was no. Nothing was changed."),
                _("Try again and choose to allow it, or ask the person who manages Salesmsg for you."),
            )
        raise ConnectProblem(
            "exchange",
            _("Salesmsg did not allow the connection"),
            _("Its reason: %(reason)s") % {"reason": (query.get("error_description") or error)[:200]},
            _("Often the requested scopes do not match those of the registered application: compare SALESMSG_SCOPES."),
        )
    if not query.get("code"):
        raise ConnectProblem(
            "exchange",
            _("Salesmsg sent no code"),
            _("The way back from the consent screen was incomplete."),
            _("Try again."),
        )
    try:
        fresh = gateway.exchange_code(redirect_uri(), query["code"], unseal(state.code_verifier), state.account_id)
    except Unsealable as problem:
        raise _unsealable(problem) from None
    except BudgetWait:
        raise _busy() from None
    except CredentialRefused as refused:
        raise ConnectProblem(
            "exchange",
            _("Salesmsg did not accept the code"),
            refused.description or refused.text,
            _(
                "Codes work once and for a few minutes: try again. If it happens again, compare "
                "SALESMSG_CLIENT_ID and SALESMSG_CLIENT_SECRET with the registered application."
            ),
        ) from None
    except SalesmsgError as error:
        raise _vendor(error) from None
    return _store(user, fresh, Credential.Kind.OAUTH, state.label, state.account)


def connect_by_token(user, label: str, token: str, account: Account | None = None) -> Account:
    """Connects with a personal access token, which is checked before it is stored.

    user: None for the command line. Raises ConnectProblem, PermissionDenied.
    """
    if user is not None:
        _permitted(user, account)
    token = "".join(token.split())
    if not token:
        raise ConnectProblem("credential", _("No token"), _("The token is empty."), _("Paste the whole token."))
    if not token.isascii() or len(token) > 8000:
        raise ConnectProblem(
            "credential",
            _("This is no token"),
            _("It holds characters that tokens do not have."),
            _("Copy the token again."),
        )
    # Believe the token's own date: what is pasted may be some minutes old already.
    fresh = gateway.grant_of(token)
    return _store(user, fresh, Credential.Kind.PAT, label, account)


def disconnect_account(user, account: Account) -> None:
    """Forgets the tokens and stops the sync; the data stays. Raises PermissionDenied."""
    access.require_permission(access.can_manage(user, account))
    with transaction.atomic():
        tokens.forget(account)
        Account.objects.filter(pk=account.pk).update(
            state=Account.State.DISCONNECTED, last_error="", last_error_at=None, inbox_version=F("inbox_version") + 1
        )
        sync_request.stop_sync(account)
        access.record_audit(user, "account disconnected", account)


def rotate_webhook(user, account: Account) -> str:
    """Makes a new address; the old one stops working at once. Raises PermissionDenied."""
    access.require_permission(access.can_manage(user, account))
    secret, values = _webhook_secret()
    Account.objects.filter(pk=account.pk).update(**values)
    access.record_audit(user, "webhook address renewed", account)
    return settings.PORTAL_URL + reverse("webhook", args=[secret])


def _use_state(user, session_key: str, given: str) -> AuthorizationState:
    """The consent state, used up. Any doubt is the same page, which does not say which doubt."""
    problem = ConnectProblem(
        "state",
        _("This sign-in cannot be continued"),
        _("It is older than ten minutes, was used already, or was begun in another browser or by another person."),
        _("Nothing was changed. Begin again from the accounts page."),
    )
    state = AuthorizationState.objects.filter(digest=digest(given)).first() if given else None
    if state is None or state.user_id != user.pk:
        raise problem
    if not session_key or not constant_time_compare(state.session_digest, digest(session_key)):
        raise problem
    now = timezone.now()
    used = AuthorizationState.objects.filter(pk=state.pk, used_at=None, created_at__gt=now - STATE_LIVES).update(
        used_at=now
    )
    if not used:
        raise problem
    return state


def _identify(fresh: Tokens, account: Account | None) -> Identity:
    try:
        return gateway.identify_token(fresh.access_token, account.pk if account else None)
    except BudgetWait:
        raise _busy() from None
    except CredentialRefused as refused:
        raise ConnectProblem(
            "credential",
            _("Salesmsg does not accept this token"),
            refused.text,
            _(
                "Personal access tokens expire an hour after they are made: make a new one in Salesmsg "
                "under Settings, Developer, Access Tokens, and paste it at once."
            ),
        ) from None
    except SalesmsgError as error:
        raise _vendor(error) from None


def _store(user, fresh: Tokens, kind: str, label: str, account: Account | None) -> Account:
    """Stores the grant in the account of its organisation: a new one, or the one that is here already."""
    who = _identify(fresh, account)
    organization_id = who.organization_id
    if account is not None:
        _same_organization(account, organization_id)
    for _try in range(2):
        try:
            with transaction.atomic():
                kept = _account(user, organization_id, who, label, account)
                tokens.store(kept, kind, fresh)
                _member(user, kept, who)
                access.record_audit(user, "account connected", kept, kind)
            break
        except IntegrityError:
            continue  # the same organisation was connected at the same moment by somebody else
        except Unsealable as problem:
            raise _unsealable(problem) from None
    else:
        raise ConnectProblem(
            "vendor", _("Somebody else connects it right now"), _("Two sign-ins met."), _("Try again.")
        )
    if account is None:  # else they were counted when they were made
        budget.charge(kept.pk, CALLS[kind])
    sync_request.start_full(kept, user)
    return kept


def _same_organization(account: Account, organization_id: int | None) -> None:
    """What two organisations hold must never mix in one account."""
    if account.organization_id and organization_id is None:
        raise ConnectProblem(
            "organization",
            _("Nobody can tell whose token this is"),
            _("“%(account)s” belongs to organisation %(organization_id)s; of this token Salesmsg does not say it.")
            % {"account": account, "organization_id": account.organization_id},
            _("Give it the scopes users:read and organizations:read, then try again."),
        )
    if account.organization_id and organization_id != account.organization_id:
        raise ConnectProblem(
            "organization",
            _("This is another Salesmsg organisation"),
            _("“%(account)s” belongs to organisation %(organization_id)s, the sign-in to %(other)s.")
            % {"account": account, "organization_id": account.organization_id, "other": organization_id},
            _("Sign in to the right organisation, or connect this one as a new account."),
        )
    if organization_id and Account.objects.exclude(pk=account.pk).filter(organization_id=organization_id).exists():
        raise ConnectProblem(
            "organization",
            _("This organisation is here already"),
            _("Another account than “%(account)s” belongs to organisation %(organization_id)s.")
            % {"account": account, "organization_id": organization_id},
            _("Connect that account again instead of this one."),
        )


def _account(user, organization_id: int | None, who: Identity, label: str, account: Account | None) -> Account:
    organization = who.organization
    name = organization.name if organization else ""
    if account is None and organization_id:
        account = Account.objects.select_for_update(no_key=True).filter(organization_id=organization_id).first()
        if account is not None and user is not None:
            _permitted(user, account)
    if account is None:
        account = Account(label=label.strip()[:120] or name[:120] or "Salesmsg")
        _secret, values = _webhook_secret()
        for field, value in values.items():
            setattr(account, field, value)
    elif label.strip():
        account.label = label.strip()[:120]
    account.organization_id = organization_id or account.organization_id
    account.organization_name = name[:255] or account.organization_name
    account.organization_timezone = (
        organization.timezone[:64] if organization else ""
    ) or account.organization_timezone
    account.vendor_user_id = who.user.id if who.user else account.vendor_user_id
    account.state, account.learned = Account.State.CONNECTED, {}  # another token may be allowed other things
    account.connected_at = timezone.now()
    account.last_error, account.last_error_at = "", None
    account.save()
    return account


def _member(user, account: Account, who: Identity) -> None:
    """Who connects an account works in it, and is the Salesmsg user whose sign-in it was."""
    if user is None:
        return
    member = None
    if who.user:
        name = who.user.full_name or f"{who.user.first_name} {who.user.last_name}".strip()
        member, _made = account.members.get_or_create(
            vendor_id=who.user.id, defaults={"full_name": name[:255], "email": who.user.email[:255]}
        )
    membership, made = Membership.objects.get_or_create(
        user=user, account=account, defaults={"role": Membership.Role.MANAGER, "member": member}
    )
    if not made and membership.member_id is None and member is not None:
        Membership.objects.filter(pk=membership.pk).update(member=member)


def _webhook_secret() -> tuple[str, dict[str, str]]:
    secret = secrets.token_urlsafe(32)
    return secret, {"webhook_secret": seal(secret), "webhook_digest": digest(secret)}


def _permitted(user, account: Account | None) -> None:
    allowed = access.can_connect(user) if account is None else access.can_manage(user, account)
    if not allowed:
        raise PermissionDenied(_("Only a manager can connect an account. Ask an administrator."))


def _vendor(error: SalesmsgError) -> ConnectProblem:
    if isinstance(error, RateLimited):
        todo = _("Salesmsg is blocked by its limit of requests for about a minute. Then try again.")
    elif isinstance(error, NotDone):
        todo = _("Nothing was changed. Try again in a minute; if it stays so, look at SALESMSG_BASE_URL.")
    else:
        todo = _("Nothing was changed here. Try again in a minute.")
    return ConnectProblem("vendor", _("Salesmsg could not be asked"), told(error.text), todo)


def _busy() -> ConnectProblem:
    return ConnectProblem(
        "vendor",
        _("Salesmsg could not be asked"),
        _("This account's limit of requests is used up for the moment."),
        _("Nothing was changed. Try again in a minute."),
    )


def _unsealable(problem: Unsealable) -> ConnectProblem:
    return ConnectProblem(
        "setup", _("Tokens cannot be stored"), told(str(problem)), _("Set FIELD_ENCRYPTION_KEYS and restart.")
    )
