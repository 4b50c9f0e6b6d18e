"""Connect an account with OAuth or a personal access token.

Exchanging the code and identifying the token are the only Salesmsg calls created during a web request.
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
from ..failures import NO_REASON, Reason
from ..gateway import BudgetWait, Identity, Tokens
from ..models import Account, AuditEntry, AuthorizationState, Credential, Membership
from ..salesmsg.errors import CredentialRefused, NotDone, RateLimited, SalesmsgError
from ..salesmsg.text import sentence
from ..sync import request as sync_request

STATE_LIVES = timedelta(minutes=10)
CALLS = {Credential.Kind.PAT: 2, Credential.Kind.OAUTH: 3}  # identifying the token; OAuth also exchanges a code


class ConnectProblem(Exception):
    """Connecting an account failed.

    `title`, `what` and `todo` are text for the user: a heading, what happened, and what to do next.
    `kind` is one of setup, denied, state, exchange, credential, vendor, organization.
    """

    def __init__(self, kind: str, title: str, what: str, todo: str):
        what = sentence(what)
        super().__init__(f"{title}: {what} {todo}")
        self.kind = kind
        self.title = title
        self.what = what
        self.todo = todo


def redirect_uri() -> str:
    """Return the redirect URI to register with Salesmsg."""
    return settings.PORTAL_URL + reverse("accounts:callback")


def authorization_url(user, session_key: str, *, label: str = "", account: Account | None = None) -> str:
    """Return the URL of the Salesmsg authorization page. Raises ConnectProblem, PermissionDenied."""
    _permitted(user, account)
    if not settings.SALESMSG_CLIENT_ID or not settings.SALESMSG_CLIENT_SECRET:
        raise ConnectProblem(
            "setup",
            _("OAuth is not set up"),
            _("SALESMSG_CLIENT_ID or SALESMSG_CLIENT_SECRET is empty."),
            _(
                "Create an OAuth app in Salesmsg with the redirect address %(address)s, set its ID and "
                "secret in the environment, and restart. Or connect with a personal access token."
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
            "setup", _("OAuth is not set up"), Reason.from_error(error).text, _("Check SALESMSG_AUTHORIZE_URL.")
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
    """Handle the redirect from Salesmsg and connect the account. Raises ConnectProblem, PermissionDenied."""
    state = _use_state(user, session_key, query.get("state", ""))
    _permitted(user, state.account)
    if error := query.get("error"):
        if error == "access_denied":
            raise ConnectProblem(
                "denied",
                _("Access was not granted"),
                _("The request to let this portal access Salesmsg was declined. Nothing was changed."),
                _("Try again and authorize the portal, or ask your Salesmsg administrator."),
            )
        raise ConnectProblem(
            "exchange",
            _("Salesmsg rejected the connection"),
            _("Reason given: %(reason)s") % {"reason": (query.get("error_description") or error)[:200]},
            _("Check that SALESMSG_SCOPES matches the scopes of the registered app."),
        )
    if not query.get("code"):
        raise ConnectProblem(
            "exchange",
            _("Salesmsg did not send a code"),
            _("The redirect from Salesmsg was incomplete."),
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
            Reason.from_error(refused).text,
            _(
                "A code works once and expires after a few minutes, so try again. If it fails again, check "
                "SALESMSG_CLIENT_ID and SALESMSG_CLIENT_SECRET."
            ),
        ) from None
    except SalesmsgError as error:
        raise _vendor(error) from None
    return _store(user, fresh, Credential.Kind.OAUTH, state.label, state.account)


def connect_by_token(user, label: str, token: str, account: Account | None = None) -> Account:
    """Connect with a personal access token, which is verified before it is stored.

    `user` is None on the command line. Raises ConnectProblem, PermissionDenied.
    """
    if user is not None:
        _permitted(user, account)
    token = "".join(token.split())
    if not token:
        raise ConnectProblem("credential", _("No token"), _("The token is empty."), _("Paste the whole token."))
    if not token.isascii() or len(token) > 8000:
        raise ConnectProblem(
            "credential",
            _("Invalid token"),
            _("It contains characters that tokens cannot contain."),
            _("Copy the token again."),
        )
    # Use the dates in the token: it may be minutes old when it is pasted.
    fresh = gateway.grant_of(token)
    return _store(user, fresh, Credential.Kind.PAT, label, account)


def disconnect_account(user, account: Account) -> None:
    """Delete the tokens and stop the sync. Synced data is connected. Raises PermissionDenied."""
    access.require_permission(access.can_manage(user, account))
    with transaction.atomic():
        tokens.forget(account)
        Account.objects.filter(pk=account.pk).update(
            state=Account.State.DISCONNECTED,
            last_error_at=None,
            inbox_version=F("inbox_version") + 1,
            **NO_REASON.columns(),
        )
        sync_request.stop_sync(account)
        access.record_audit(user, AuditEntry.Action.ACCOUNT_DISCONNECTED, account)


def rotate_webhook(user, account: Account) -> str:
    """Create and return a new webhook address. The old one stops working immediately. Raises PermissionDenied."""
    access.require_permission(access.can_manage(user, account))
    secret, values = _webhook_secret()
    Account.objects.filter(pk=account.pk).update(**values)
    access.record_audit(user, AuditEntry.Action.WEBHOOK_RENEWED, account)
    return settings.PORTAL_URL + reverse("webhook", args=[secret])


def _use_state(user, session_key: str, given: str) -> AuthorizationState:
    """Consume and return the OAuth state. Every failure raises the same error, so that it reveals nothing."""
    problem = ConnectProblem(
        "state",
        _("This sign-in is no longer valid"),
        _("It is older than ten minutes, was already used, or was started in another browser or by another user."),
        _("Nothing was changed. Start again from the accounts page."),
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
            Reason.from_error(refused).text,
            _(
                "Personal access tokens expire after one hour. Create a new one in Salesmsg under "
                "Settings, Developer, Access Tokens, and paste it right away."
            ),
        ) from None
    except SalesmsgError as error:
        raise _vendor(error) from None


def _store(user, fresh: Tokens, kind: str, label: str, account: Account | None) -> Account:
    """Store the tokens in the organisation's account, which is created if it does not exist."""
    identity = _identify(fresh, account)
    organization_id = identity.organization_id
    if account is not None:
        _same_organization(account, organization_id)
    for _attempt in range(2):
        try:
            with transaction.atomic():
                connected = _account(user, organization_id, identity, label, account)
                tokens.store(connected, kind, fresh)
                _member(user, connected, identity)
                access.record_audit(user, AuditEntry.Action.ACCOUNT_CONNECTED, connected, kind=kind)
            break
        except IntegrityError:
            continue  # another request connected the same organisation at the same time
        except Unsealable as problem:
            raise _unsealable(problem) from None
    else:
        raise ConnectProblem(
            "vendor",
            _("This account is being connected by another user"),
            _("Two sign-ins happened at the same time."),
            _("Try again."),
        )
    if account is None:  # calls for an existing account are counted when they are created
        budget.charge(connected.pk, CALLS[kind])
    sync_request.start_full(connected, user)
    return connected


def _same_organization(account: Account, organization_id: int | None) -> None:
    """Raise ConnectProblem if the token belongs to another organisation than the account."""
    if account.organization_id and organization_id is None:
        raise ConnectProblem(
            "organization",
            _("The token’s organisation is unknown"),
            _(
                "“%(account)s” belongs to organisation %(organization_id)s, but Salesmsg does not say which "
                "organisation this token belongs to."
            )
            % {"account": account, "organization_id": account.organization_id},
            _("Add the scopes users:read and organizations:read to the token, then try again."),
        )
    if account.organization_id and organization_id != account.organization_id:
        raise ConnectProblem(
            "organization",
            _("This is a different Salesmsg organisation"),
            _("“%(account)s” belongs to organisation %(organization_id)s, but you signed in to organisation %(other)s.")
            % {"account": account, "organization_id": account.organization_id, "other": organization_id},
            _("Sign in to the right organisation, or connect this one as a new account."),
        )
    if organization_id and Account.objects.exclude(pk=account.pk).filter(organization_id=organization_id).exists():
        raise ConnectProblem(
            "organization",
            _("This organisation is already connected"),
            _("Organisation %(organization_id)s belongs to an account other than “%(account)s”.")
            % {"account": account, "organization_id": organization_id},
            _("Reconnect that account instead."),
        )


def _account(user, organization_id: int | None, identity: Identity, label: str, account: Account | None) -> Account:
    organization = identity.organization
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
    account.vendor_user_id = identity.user.id if identity.user else account.vendor_user_id
    account.state, account.learned = Account.State.CONNECTED, {}  # a new token may have other permissions
    account.connected_at = timezone.now()
    account.last_error_at = None
    account.set_reason(NO_REASON)
    account.save()
    return account


def _member(user, account: Account, identity: Identity) -> None:
    """Make the user a manager of the account, linked to the Salesmsg member who signed in."""
    if user is None:
        return
    member = None
    if identity.user:
        name = identity.user.full_name or f"{identity.user.first_name} {identity.user.last_name}".strip()
        member, _created = account.members.get_or_create(
            vendor_id=identity.user.id, defaults={"full_name": name[:255], "email": identity.user.email[:255]}
        )
    membership, created = Membership.objects.get_or_create(
        user=user, account=account, defaults={"role": Membership.Role.MANAGER, "member": member}
    )
    if not created and membership.member_id is None and member is not None:
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
        todo = _("Salesmsg’s rate limit was reached. Wait about a minute, then try again.")
    elif isinstance(error, NotDone):
        todo = _("Nothing was changed. Try again in a minute. If it keeps failing, check SALESMSG_BASE_URL.")
    else:
        todo = _("Nothing was changed. Try again in a minute.")
    return ConnectProblem("vendor", _("Salesmsg is not available"), Reason.from_error(error).text, todo)


def _busy() -> ConnectProblem:
    return ConnectProblem(
        "vendor",
        _("Salesmsg is not available"),
        _("This account's rate limit is used up for now."),
        _("Nothing was changed. Try again in a minute."),
    )


def _unsealable(problem: Unsealable) -> ConnectProblem:
    return ConnectProblem(
        "setup",
        _("Tokens cannot be stored"),
        Reason.from_error(problem).text,
        _("Set FIELD_ENCRYPTION_KEYS and restart."),
    )
