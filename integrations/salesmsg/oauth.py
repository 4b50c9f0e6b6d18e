"""Gets and renews tokens: OAuth2 with PKCE, and personal access tokens (salesmsg-api.md, section 2).

Client id and secret are sent in the body, as the vendor requires, never in a Basic header.
"""

import base64
import ipaddress
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import requests
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from requests_oauthlib import OAuth2Session

from .error_mapping import error_for, error_from, vendor_words
from .errors import CredentialRefused, Refused, SalesmsgError, Unreadable
from .http import Request, send
from .redact import silence_libraries
from .values import number, string

OLD_SCOPE = "public-api"  # the scope for spelling A if no scopes are configured (section 2.2)
_LOOPBACK_NAMES = {"localhost"}
_environment_lock = threading.Lock()

log = logging.getLogger(__name__)
silence_libraries()


@dataclass(frozen=True, slots=True)
class App:
    """The application as registered with the vendor; its repr hides the secret."""

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    refresh_url: str
    scopes: tuple[str, ...]
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The result of a grant or a renewal; its repr hides both tokens.

    `refresh_token` is None for a PAT: the token itself is exchanged for the next one. `expires_at` is in UTC, or None
    if unknown.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


def authorize_url(app: App, state: str) -> tuple[str, str]:
    """Return the authorization URL and the PKCE verifier to keep until `exchange`. Raises Refused for plain http."""
    client = WebApplicationClient(app.client_id)
    session = OAuth2Session(client=client, redirect_uri=app.redirect_uri, scope=list(app.scopes) or None, pkce="S256")
    with session, _transport(app.authorize_url):
        address, _ = session.authorization_url(app.authorize_url, state=state)
    return address, client.code_verifier or ""


def exchange(app: App, code: str, code_verifier: str, *, timeout: tuple[float, float] = (5, 30)) -> Tokens:
    """Exchange an authorization code for tokens. Raises CredentialRefused if the vendor refuses it."""
    if not code:
        raise CredentialRefused("no_authorization_code", endpoint="POST /oauth/token")

    verifier: dict[str, Any] = {"code_verifier": code_verifier} if code_verifier else {}

    def ask(session: OAuth2Session) -> None:
        session.fetch_token(
            app.token_url,
            code=code,
            include_client_id=True,
            client_secret=app.client_secret,
            timeout=timeout,
            **verifier,
        )

    return _tokens(_answer(app, app.token_url, "POST /oauth/token", ask), app.scopes)


def refresh(app: App, refresh_token: str, *, timeout: tuple[float, float] = (5, 30)) -> Tokens:
    """Exchange a refresh token for new tokens. The vendor invalidates the old one: store the answer before using it.

    Spelling A (`…/token/refresh`) sends the scope, spelling B does not (section 2.2).
    """
    named = app.refresh_url.rstrip("/").endswith("/token/refresh")
    body = urlencode({"scope": " ".join(app.scopes) or OLD_SCOPE}) if named else ""
    endpoint = "POST /oauth/token/refresh" if named else "POST /oauth/token"

    def ask(session: OAuth2Session) -> None:
        session.refresh_token(
            app.refresh_url,
            refresh_token=refresh_token,
            body=body,
            client_id=app.client_id,
            client_secret=app.client_secret,
            timeout=timeout,
        )

    return _tokens(_answer(app, app.refresh_url, endpoint, ask), app.scopes, kept=refresh_token)


def renew_pat(base_url: str, version: str, token: str, *, timeout: tuple[float, float] = (5, 30)) -> Tokens:
    """Exchange a personal access token for a new one. The old one becomes invalid (section 2.3)."""
    _needs_https(base_url)
    request = Request(
        "POST", f"/pub/{version}/oauth/personal-token/refresh", "POST /oauth/personal-token/refresh", write=True
    )
    answer = send(base_url, token, request, timeout=timeout)
    if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
        answer = answer["data"]
    return _tokens(_checked(answer, 200, request.endpoint), ())


def expiry_of(token: str) -> datetime | None:
    """Return the `exp` of a JWT in UTC, unverified, or None if it is not a JWT or has none."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError):
        return None


def _answer(app: App, url: str, endpoint: str, ask: Callable[[OAuth2Session], None]) -> dict[str, Any]:
    """Call a token endpoint through the library and take the answer in its hook.

    The library's own parsing, which runs afterwards, is ignored: it would lose a rotated token because of an unusual
    `expires_in` or a changed scope.
    """
    taken: list[dict[str, Any]] = []

    def take(response: requests.Response) -> requests.Response:
        if error := error_for(response, endpoint):
            raise error
        taken.append(_checked(_json(response), response.status_code, endpoint))
        return response

    session = OAuth2Session(client=WebApplicationClient(app.client_id), redirect_uri=app.redirect_uri)
    session.max_redirects = 0
    session.register_compliance_hook("access_token_response", take)
    session.register_compliance_hook("refresh_token_response", take)
    failure: SalesmsgError | None = None
    started = time.monotonic()
    try:
        with session, _transport(url):
            ask(session)
    except SalesmsgError as error:
        failure = error
    except requests.RequestException as error:
        failure = error_from(error, endpoint)
    except (OAuth2Error, ValueError, Warning):
        failure = None if taken else Unreadable("answer_form_unknown", endpoint=endpoint)
    status, what = (failure.status or "-", type(failure).__name__) if failure else (200, "ok")
    log.info("%s %s %s %d ms", endpoint, status, what, (time.monotonic() - started) * 1000)
    if failure:
        raise failure.with_traceback(None) from None  # the library's frames hold the body with the secret
    return taken[0]


def _json(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _checked(answer: Any, status: int, endpoint: str) -> dict[str, Any]:
    """Return a 2xx answer that contains a token. An OAuth error in a 2xx raises CredentialRefused."""
    known: dict[str, Any] = {"status": status, "endpoint": endpoint}
    if isinstance(answer, dict) and isinstance(answer.get("error"), str) and not answer.get("access_token"):
        words = vendor_words({"message": answer.get("error_description"), "error": answer["error"]})
        raise CredentialRefused(quote=words, **known)
    if not isinstance(answer, dict) or not string(answer.get("access_token")).strip():
        raise Unreadable("answer_without_token", **known)
    return answer


def _tokens(answer: dict[str, Any], asked: tuple[str, ...], kept: str | None = None) -> Tokens:
    """Read tokens. Expiry: `expires_in`, else the JWT's `exp`. Scopes: those named, else those requested."""
    access = string(answer["access_token"]).strip()
    seconds = number(answer.get("expires_in"))
    scope = answer.get("scope")
    return Tokens(
        access_token=access,
        refresh_token=string(answer.get("refresh_token")).strip() or kept,
        expires_at=_in(seconds) if seconds and seconds > 0 else expiry_of(access),
        scopes=tuple(scope.split()) if isinstance(scope, str) and scope.strip() else asked,
    )


def _in(seconds: int) -> datetime | None:
    try:
        return datetime.now(UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None


@contextmanager
def _transport(url: str) -> Iterator[None]:
    """Allow https everywhere and plain http on loopback (the sandbox), which the library rejects by default."""
    if _needs_https(url).scheme == "https":
        yield
        return
    with _environment_lock:  # the environment variable is shared by the whole process
        before = os.environ.get("OAUTHLIB_INSECURE_TRANSPORT")
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ["OAUTHLIB_INSECURE_TRANSPORT"]
            else:
                os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = before


def _needs_https(url: str) -> SplitResult:
    """Return the parts of the URL. Raises Refused if a secret would be sent unencrypted."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise Refused("token_address_invalid") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise Refused("token_address_insecure")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES
