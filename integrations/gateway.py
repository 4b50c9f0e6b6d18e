"""The one door to Salesmsg: account -> token + budget + client. Everything that calls out passes here.

Each call is counted before it leaves, made with a token that is renewed when due, and settled when its answer is
here. A 429 closes the door for all processes. A refused credential is renewed once and the call, which surely was
not done, repeated once; if a fresh token is refused too, GET /user decides whether the account is still connected
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
from .tokens import BeingRenewed, Held, NotConnected

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
    """Whose token it is: the Salesmsg user, and the organisation when the token may see it."""

    user: User | None
    organization: Organization | None

    @property
    def organization_id(self) -> int | None:
        if self.organization:
            return self.organization.id
        return self.user.organization_id if self.user else None


@dataclass(frozen=True)
class Answer:
    """An answer as it came: 200 with its JSON (for any 2xx), or the status of a refusal (0: it could not be read)."""

    status: int
    headers: dict[str, str]
    payload: Any

    @property
    def good(self) -> bool:
        return self.status == 200


T = TypeVar("T")


class ApiSession:
    """Calls for one account in one lane; `calls` counts the requests that were made, `may_repeat` is asked right
    before a call whose token was refused is made once more."""

    def __init__(self, account_id: int, lane: str, patience: float, waiting: Callable[[float], None] | None):
        self.account_id = account_id
        self.lane = lane
        self.calls = 0
        self.may_repeat: Callable[[], bool] = lambda: True
        self._patience = patience
        self._waiting = waiting
        self._headers_seen: Callable[[Mapping[str, str]], None] | None = None
        self._held: Held | None = None
        self._ticket: budget.Ticket | None = None
        self.client = Client(
            self._send,
            version=settings.SALESMSG_API_VERSION,
            contact_edit_path=settings.SALESMSG_CONTACT_EDIT_PATH,
        )

    def peek(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, json: dict[str, Any] | None = None
    ) -> Answer:
        """One call whose answer is looked at as it came, for `probe`; `path` is what follows the version. Reads only.

        Raises BudgetWait, NotConnected, and of the errors those that say nothing about the vendor's ways.
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
        self._headers_seen = lambda seen: headers.update({name.lower(): value for name, value in seen.items()})
        try:
            return Answer(200, headers, self._send(request))
        except (NotAllowed, NotFound, Invalid, Refused, Unreadable) as refused:
            return Answer(refused.status or 0, headers, None)
        finally:
            self._headers_seen = None

    def reserve(self) -> None:
        """Gets token and place of the next call beforehand, so that nothing has to be claimed and put back for them.

        Raises BudgetWait, NotConnected, crypto.Unsealable, SalesmsgError. What is not used must be released.
        """
        if self._ticket is None:
            self._held = self._token()
            self._ticket = self._place()

    def release(self) -> None:
        """Gives back what was reserved and not used."""
        if self._ticket is not None:
            budget.give_back(self._ticket)
        self._held = self._ticket = None

    def _send(self, request: Request) -> Any:
        if connection.in_atomic_block:
            raise RuntimeError("No call out inside a transaction: commit first.")
        held, self._held = self._held or self._token(), None
        try:
            return self._call(request, held)
        except CredentialRefused as refused:
            return self._again(request, held, refused)
        except VendorTrouble as trouble:
            if not trouble.maybe_credential or request.write or self._is_known(held):
                raise
            return self._call(request, self._renewed(held))

    def _again(self, request: Request, held: Held, refused: CredentialRefused) -> Any:
        """The call was surely not done: once more with a fresh token. Refused again: is it the token at all?"""
        fresh = self._renewed(held)
        self._ticket = self._place()
        if not self.may_repeat():
            self.release()
            raise refused
        try:
            return self._call(request, fresh)
        except CredentialRefused:
            if self._is_known(fresh):
                raise NotAllowed(quote=refused.quote, status=refused.status, endpoint=request.endpoint) from None
            reason = Reason(Code.TOKEN_REFUSED, {}, refused.quote)
            tokens.broken(self.account_id, fresh.generation, reason)
            raise NotConnected(reason) from None

    def _is_known(self, held: Held) -> bool:
        """Whether Salesmsg knows whose token this is."""
        try:
            self._call(_who(), held)
        except CredentialRefused:
            return False
        except (NotAllowed, NotFound):
            return True
        except SalesmsgError as trouble:
            raise _aside(Code.TOKEN_CHECK_FAILED, trouble) from None
        return True

    def _token(self) -> Held:
        held = self._patiently(lambda: tokens.held(self.account_id))
        if not held.due:
            return held
        try:
            return self._renewed(held)
        except (SalesmsgError, BudgetWait):
            # It may live a little longer, unless somebody else is exchanging it right now; the next call tries again.
            held = self._patiently(lambda: tokens.held(self.account_id))
            if held.dead:
                raise
            return held

    def _renewed(self, held: Held) -> Held:
        try:
            self._patiently(lambda: renew(self.account_id, held.generation))
        except SalesmsgError as trouble:
            raise _aside(Code.TOKEN_RENEWAL_FAILED, trouble) from None
        return self._patiently(lambda: tokens.held(self.account_id))

    def _call(self, request: Request, held: Held) -> Any:
        if self._ticket is not None and self._ticket.is_old:
            self.release()
        ticket, self._ticket = self._ticket or self._place(), None
        self.calls += 1
        return _made(self.account_id, ticket, lambda: _sent(request, held.access_token, self._headers_seen))

    def _place(self) -> budget.Ticket:
        return self._patiently(lambda: budget.take(self.account_id, self.lane))

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Runs `attempt`; waits for budget or token as long as this door has patience, else BudgetWait."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return attempt()
            except (BudgetWait, BeingRenewed) as wait:
                pause = max(0.05, (wait.until - timezone.now()).total_seconds())
                if time.monotonic() + pause > until:
                    raise BudgetWait(wait.until) from None
                if self._waiting:
                    self._waiting(pause)
                time.sleep(min(pause, 1.0))


def open_session(
    account_id: int, lane: str, *, patience: float = 0.0, waiting: Callable[[float], None] | None = None
) -> ApiSession:
    """Opens the door for one account in one lane (BudgetCall.Lane).

    patience: seconds a call may wait for budget in place; 0 in tasks, so that no worker is held. Its client's calls
    raise BudgetWait, NotConnected and the errors of salesmsg.errors.
    """
    return ApiSession(account_id, lane, patience, waiting)


def file_of(account_id: int, url: str) -> bytes:
    """The bytes of a message's file. No token goes there, and no call is counted unless it is the API that serves it.

    Raises BudgetWait, and of the errors of salesmsg.errors those that `media.fetch` names.
    """
    if connection.in_atomic_block:
        raise RuntimeError("No call out inside a transaction: commit first.")

    def call() -> bytes:
        return media.fetch(url, largest=settings.SALESMSG_PICTURE_LARGEST, own=settings.SALESMSG_BASE_URL)

    if not _is_api(url):
        return call()
    return _made(account_id, budget.take(account_id, Lane.SYNC), call)


def renew(account_id: int, generation: int) -> None:
    """Renews the account's token if it still has that generation. Also called on a schedule, before it is due.

    Raises BudgetWait, BeingRenewed, NotConnected (the chain is broken: a person must connect again), SalesmsgError.
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
        fresh = _made(account_id, ticket, lambda: _renewal_call(renewal))
    except CredentialRefused as refused:
        lacking = refused.code == Code.NO_REFRESH_TOKEN
        reason = Reason(Code.NO_REFRESH_TOKEN if lacking else Code.TOKEN_RENEWAL_REFUSED, {}, refused.quote)
        if tokens.broken(account_id, generation, reason):
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
    """The consent screen's address for this state, and the PKCE verifier to keep. No call is made."""
    return oauth.authorize_url(_app(redirect_uri), state)


def exchange_code(redirect_uri: str, code: str, verifier: str, account_id: int | None = None) -> Tokens:
    """Tokens for the code that came back from the consent screen. account_id: whose call it is, if that is known.

    Raises BudgetWait, SalesmsgError.
    """
    return _counted(
        account_id, lambda: oauth.exchange(_app(redirect_uri), code, verifier, timeout=settings.SALESMSG_TIMEOUT)
    )


def grant_of(token: str) -> Tokens:
    """A pasted token as a grant, with the date that it names itself if it names one. Asks nobody."""
    return Tokens(access_token=token, refresh_token=None, expires_at=oauth.expiry_of(token), scopes=())


def identify_token(access_token: str, account_id: int | None = None) -> Identity:
    """Asks whose token it is: two calls, counted only if the account is known before.

    Raises BudgetWait, SalesmsgError, above all CredentialRefused; a token that may not see user or organisation is no
    error, and neither is one of the two that cannot be read. But something must show that Salesmsg knows the token.
    """
    client = Client(
        lambda request: _counted(account_id, lambda: _sent(request, access_token)),
        version=settings.SALESMSG_API_VERSION,
    )
    found: dict[str, Any] = {"user": None, "organization": None}
    refusals: list[SalesmsgError] = []
    for name in found:
        try:
            found[name] = getattr(client, name)()
        except (NotAllowed, NotFound, CredentialRefused, Unreadable) as refused:
            refusals.append(refused)
    if len(refusals) == len(found):
        unknown = next((refusal for refusal in refusals if isinstance(refusal, CredentialRefused)), None)
        if unknown or not any(isinstance(refusal, NotAllowed) for refusal in refusals):
            raise unknown or refusals[0]
    return Identity(**found)


def _counted(account_id: int | None, call: Callable[[], T]) -> T:
    """A call while connecting: under the account's budget, if it is known which account that is."""
    if account_id is None:
        return call()
    return _made(account_id, budget.take(account_id, Lane.TOKEN), call)


def _aside(code: Code, trouble: SalesmsgError) -> Unreachable:
    """Trouble with the token, on the way to a call: the call itself was surely not made, whatever the trouble is."""
    return Unreachable(code, quote=trouble.quote, endpoint=trouble.endpoint, why=trouble.code)


def _made(account_id: int, ticket: budget.Ticket, call: Callable[[], T]) -> T:
    """Makes a counted call, and closes the door for everybody when the vendor says that it was too many."""
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
    """Whether the address is one of the API's, whose calls are counted."""
    try:
        parts, base = urlsplit(url), urlsplit(settings.SALESMSG_BASE_URL)
    except ValueError:
        return False
    return parts.netloc.lower() == base.netloc.lower() and parts.path.startswith(("/pub", "/api"))


def _who() -> Request:
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
