"""The only module that calls Salesmsg: it combines an account's token, its rate budget and the client.

Each call is counted before it is sent, uses a token that is renewed when due, and is settled when it has ended. A 429
blocks all processes. If a credential is refused, the token is renewed once and the call, which did not take effect, is
repeated once. If the fresh token is refused too, GET /user decides whether the account is still connected
(salesmsg-api.md, section 2.5).
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.utils import timezone

from . import budget, tokens
from .budget import BudgetWait
from .failures import Code, Reason
from .models import BudgetCall, Credential
from .salesmsg import media, oauth
from .salesmsg.client import Client
from .salesmsg.errors import (
    CredentialRefused,
    Invalid,
    NotAllowed,
    NotFound,
    RateLimited,
    Refused,
    SalesmsgError,
    Unreachable,
    Unreadable,
    VendorTrouble,
)
from .salesmsg.http import Request, send
from .salesmsg.oauth import App, Tokens
from .salesmsg.records import Organization, User
from .tokens import BeingRenewed, CurrentToken, NotConnected

__all__ = [
    "Answer",
    "ApiSession",
    "BudgetWait",
    "Identity",
    "NotConnected",
    "Tokens",
    "authorization_url",
    "exchange_code",
    "file_of",
    "grant_of",
    "identify_token",
    "open_session",
    "renew",
]

Lane = BudgetCall.Lane
_ID = re.compile(r"/\d+")


@dataclass(frozen=True)
class Identity:
    """The owner of a token: the Salesmsg user, and the organisation if the token may read it."""

    user: User | None
    organization: Organization | None

    @property
    def organization_id(self) -> int | None:
        if self.organization:
            return self.organization.id
        return self.user.organization_id if self.user else None


@dataclass(frozen=True)
class Answer:
    """A raw answer: status 200 with its JSON for any 2xx, or the status of a refusal (0 if it could not be read)."""

    status: int
    headers: dict[str, str]
    payload: Any

    @property
    def good(self) -> bool:
        return self.status == 200


T = TypeVar("T")


class ApiSession:
    """Calls for one account in one lane.

    `calls` counts the requests made. `may_repeat` is called before a call whose token was refused is repeated.
    """

    def __init__(self, account_id: int, lane: str, patience: float, waiting: Callable[[float], None] | None):
        self.account_id = account_id
        self.lane = lane
        self.calls = 0
        self.may_repeat: Callable[[], bool] = lambda: True
        self._patience = patience
        self._on_wait = waiting
        self._on_headers: Callable[[Mapping[str, str]], None] | None = None
        self._reserved_token: CurrentToken | None = None
        self._ticket: budget.Ticket | None = None
        self.client = Client(
            self._send,
            version=settings.SALESMSG_API_VERSION,
            contact_edit_path=settings.SALESMSG_CONTACT_EDIT_PATH,
        )

    def peek(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, json: dict[str, Any] | None = None
    ) -> Answer:
        """Make one read-only call and return the raw answer, for `probe`. `path` is the part after the version.

        Raises BudgetWait, NotConnected, and errors that are not an answer from the endpoint.
        """
        if method != "GET" and path != "/contacts/list":
            raise ValueError("The probe only reads.")
        headers: dict[str, str] = {}
        request = Request(
            method=method,
            path=f"/pub/{settings.SALESMSG_API_VERSION}{path}",
            endpoint=f"{method} {_ID.sub('/{id}', path)}",
            query=tuple((name, str(value)) for name, value in (query or {}).items()),
            json=json,
        )
        self._on_headers = lambda seen: headers.update({name.lower(): value for name, value in seen.items()})
        try:
            return Answer(200, headers, self._send(request))
        except (NotAllowed, NotFound, Invalid, Refused, Unreadable) as refused:
            return Answer(refused.status or 0, headers, None)
        finally:
            self._on_headers = None

    def reserve(self) -> None:
        """Get the token and the budget for the next call in advance, before anything is claimed.

        Release it if it is not used. Raises BudgetWait, NotConnected, crypto.Unsealable, SalesmsgError.
        """
        if self._ticket is None:
            self._reserved_token = self._token()
            self._ticket = self._take_place()

    def release(self) -> None:
        """Give back an unused reservation."""
        if self._ticket is not None:
            budget.give_back(self._ticket)
        self._reserved_token = self._ticket = None

    def _send(self, request: Request) -> Any:
        if connection.in_atomic_block:
            raise RuntimeError("No call out inside a transaction: commit first.")
        token, self._reserved_token = self._reserved_token or self._token(), None
        try:
            return self._call(request, token)
        except CredentialRefused as refused:
            return self._repeat_with_fresh_token(request, token, refused)
        except VendorTrouble as trouble:
            if not trouble.maybe_credential or request.write or self._token_is_known(token):
                raise
            return self._call(request, self._renewed_token(token))

    def _repeat_with_fresh_token(self, request: Request, token: CurrentToken, refused: CredentialRefused) -> Any:
        """Repeat a call that did not take effect with a fresh token. If it is refused again, check the token itself."""
        fresh = self._renewed_token(token)
        self._ticket = self._take_place()
        if not self.may_repeat():
            self.release()
            raise refused
        try:
            return self._call(request, fresh)
        except CredentialRefused:
            if self._token_is_known(fresh):
                raise NotAllowed(quote=refused.quote, status=refused.status, endpoint=request.endpoint) from None
            reason = Reason(Code.TOKEN_REFUSED, {}, refused.quote)
            tokens.mark_broken(self.account_id, fresh.generation, reason)
            raise NotConnected(reason) from None

    def _token_is_known(self, token: CurrentToken) -> bool:
        """Return whether Salesmsg accepts this token for GET /user."""
        try:
            self._call(_user_request(), token)
        except CredentialRefused:
            return False
        except (NotAllowed, NotFound):
            return True
        except SalesmsgError as trouble:
            raise _token_error(Code.TOKEN_CHECK_FAILED, trouble) from None
        return True

    def _token(self) -> CurrentToken:
        token = self._with_patience(lambda: tokens.current_token(self.account_id))
        if not token.due:
            return token
        try:
            return self._renewed_token(token)
        except (SalesmsgError, BudgetWait):
            # The old token may still be valid unless another process is exchanging it; the next call tries again.
            token = self._with_patience(lambda: tokens.current_token(self.account_id))
            if token.dead:
                raise
            return token

    def _renewed_token(self, token: CurrentToken) -> CurrentToken:
        try:
            self._with_patience(lambda: renew(self.account_id, token.generation))
        except SalesmsgError as trouble:
            raise _token_error(Code.TOKEN_RENEWAL_FAILED, trouble) from None
        return self._with_patience(lambda: tokens.current_token(self.account_id))

    def _call(self, request: Request, token: CurrentToken) -> Any:
        if self._ticket is not None and self._ticket.is_old:
            self.release()
        ticket, self._ticket = self._ticket or self._take_place(), None
        self.calls += 1
        return _make_counted_call(self.account_id, ticket, lambda: _sent(request, token.access_token, self._on_headers))

    def _take_place(self) -> budget.Ticket:
        return self._with_patience(lambda: budget.take(self.account_id, self.lane))

    def _with_patience(self, attempt: Callable[[], T]) -> T:
        """Run `attempt`, waiting for budget or a token within this session's patience. Raises BudgetWait."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return attempt()
            except (BudgetWait, BeingRenewed) as wait:
                pause = max(0.05, (wait.until - timezone.now()).total_seconds())
                if time.monotonic() + pause > until:
                    raise BudgetWait(wait.until) from None
                if self._on_wait:
                    self._on_wait(pause)
                time.sleep(min(pause, 1.0))


def open_session(
    account_id: int, lane: str, *, patience: float = 0.0, waiting: Callable[[float], None] | None = None
) -> ApiSession:
    """Return a session for one account in one lane (BudgetCall.Lane).

    patience: seconds that a call may wait for budget; 0 in tasks, so that no worker is blocked. Calls of its client
    raise BudgetWait, NotConnected and the errors of salesmsg.errors.
    """
    return ApiSession(account_id, lane, patience, waiting)


def file_of(account_id: int, url: str) -> bytes:
    """Return the bytes of a message's file, requested without a token. Only files served by the API count as a call.

    Raises BudgetWait and the errors that `media.fetch` documents.
    """
    if connection.in_atomic_block:
        raise RuntimeError("No call out inside a transaction: commit first.")

    def call() -> bytes:
        return media.fetch(url, largest=settings.SALESMSG_PICTURE_LARGEST, own=settings.SALESMSG_BASE_URL)

    if not _is_api(url):
        return call()
    return _make_counted_call(account_id, budget.take(account_id, Lane.SYNC), call)


def renew(account_id: int, generation: int) -> None:
    """Renew the account's token if it still has that generation. A schedule also calls this before the token is due.

    Raises BudgetWait, BeingRenewed, SalesmsgError, and NotConnected if the account must be connected again.
    """
    if connection.in_atomic_block:
        raise RuntimeError("No call out inside a transaction: commit first.")
    renewal = tokens.begin(account_id, generation)
    if renewal is None:
        return
    try:
        if renewal.kind == Credential.Kind.OAUTH and not renewal.refresh_token:
            raise CredentialRefused(Code.NO_REFRESH_TOKEN, endpoint="POST /oauth/token")
        ticket = budget.take(account_id, Lane.TOKEN)
        fresh = _make_counted_call(account_id, ticket, lambda: _renewal_call(renewal))
    except CredentialRefused as refused:
        lacking = refused.code == Code.NO_REFRESH_TOKEN
        reason = Reason(Code.NO_REFRESH_TOKEN if lacking else Code.TOKEN_RENEWAL_REFUSED, {}, refused.quote)
        if tokens.mark_broken(account_id, generation, reason):
            raise NotConnected(reason) from None
        return
    except BudgetWait:
        tokens.abandon(renewal)
        raise
    except SalesmsgError:
        tokens.abandon(renewal, pause=5)
        raise
    tokens.finish(renewal, fresh)


def authorization_url(redirect_uri: str, state: str) -> tuple[str, str]:
    """Return the authorization URL for this state and the PKCE verifier to store. Makes no call."""
    return oauth.authorize_url(_app(redirect_uri), state)


def exchange_code(redirect_uri: str, code: str, verifier: str, account_id: int | None = None) -> Tokens:
    """Exchange an authorization code for tokens. account_id: the account to count the call for, if known.

    Raises BudgetWait, SalesmsgError.
    """
    return _counted(
        account_id, lambda: oauth.exchange(_app(redirect_uri), code, verifier, timeout=settings.SALESMSG_TIMEOUT)
    )


def grant_of(token: str) -> Tokens:
    """Return a pasted token as a grant, with the expiry date from the token itself if it has one. Makes no call."""
    return Tokens(access_token=token, refresh_token=None, expires_at=oauth.expiry_of(token), scopes=())


def identify_token(access_token: str, account_id: int | None = None) -> Identity:
    """Ask Salesmsg who owns a token. Makes two calls, counted only if the account is already known.

    Raises BudgetWait and SalesmsgError, usually CredentialRefused. A token that may not read the user or the
    organisation is accepted, and so is one unreadable answer, as long as one answer shows that Salesmsg knows the
    token.
    """
    client = Client(
        lambda request: _counted(account_id, lambda: _sent(request, access_token)),
        version=settings.SALESMSG_API_VERSION,
    )
    answers: dict[str, Any] = {"user": None, "organization": None}
    refusals: list[SalesmsgError] = []
    for name in answers:
        try:
            answers[name] = getattr(client, name)()
        except (NotAllowed, NotFound, CredentialRefused, Unreadable) as refused:
            refusals.append(refused)
    if len(refusals) == len(answers):
        unknown = next((refusal for refusal in refusals if isinstance(refusal, CredentialRefused)), None)
        if unknown or not any(isinstance(refusal, NotAllowed) for refusal in refusals):
            raise unknown or refusals[0]
    return Identity(**answers)


def _counted(account_id: int | None, call: Callable[[], T]) -> T:
    """Make a call while connecting, counted in the account's budget if the account is known."""
    if account_id is None:
        return call()
    return _make_counted_call(account_id, budget.take(account_id, Lane.TOKEN), call)


def _token_error(code: Code, trouble: SalesmsgError) -> Unreachable:
    """Wrap a token error that occurs before a call: the call itself was not made."""
    return Unreachable(code, quote=trouble.quote, endpoint=trouble.endpoint, why=trouble.code)


def _make_counted_call(account_id: int, ticket: budget.Ticket, call: Callable[[], T]) -> T:
    """Make a counted call. After a 429, block the account for all processes."""
    try:
        return call()
    except RateLimited as limited:
        raise BudgetWait(budget.block(account_id, limited.retry_after)) from None
    finally:
        budget.settle(ticket)


def _sent(request: Request, token: str, headers_seen: Callable[[Mapping[str, str]], None] | None = None) -> Any:
    return send(
        settings.SALESMSG_BASE_URL, token, request, timeout=settings.SALESMSG_TIMEOUT, headers_seen=headers_seen
    )


def _is_api(url: str) -> bool:
    """Return whether a URL belongs to the API, whose calls are counted."""
    try:
        parts, base = urlsplit(url), urlsplit(settings.SALESMSG_BASE_URL)
    except ValueError:
        return False
    return parts.netloc.lower() == base.netloc.lower() and parts.path.startswith(("/pub", "/api"))


def _user_request() -> Request:
    return Request(method="GET", path=f"/pub/{settings.SALESMSG_API_VERSION}/user", endpoint="GET /user")


def _renewal_call(renewal: tokens.Renewal) -> Tokens:
    if renewal.kind == Credential.Kind.PAT:
        return oauth.renew_pat(
            settings.SALESMSG_BASE_URL,
            settings.SALESMSG_API_VERSION,
            renewal.access_token,
            timeout=settings.SALESMSG_TIMEOUT,
        )
    return oauth.refresh(_app(""), renewal.refresh_token, timeout=settings.SALESMSG_TIMEOUT)


def _app(redirect_uri: str) -> App:
    return App(
        client_id=settings.SALESMSG_CLIENT_ID,
        client_secret=settings.SALESMSG_CLIENT_SECRET,
        authorize_url=settings.SALESMSG_AUTHORIZE_URL,
        token_url=settings.SALESMSG_TOKEN_URL,
        refresh_url=settings.SALESMSG_REFRESH_URL,
        scopes=tuple(settings.SALESMSG_SCOPES),
        redirect_uri=redirect_uri,
    )
