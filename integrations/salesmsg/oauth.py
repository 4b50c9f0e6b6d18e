"""Getting and renewing tokens: OAuth2 with PKCE, and Personal Access Tokens (salesmsg-api.md, section 2).

Client id and secret go into the body, as the vendor asks, never into a Basic header.
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

OLD_SCOPE = "public-api"  # what spelling A asks for when nothing else is known (section 2.2)
_LOOPBACK_NAMES = {"localhost"}
_one_at_a_time = threading.Lock()

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
    """What a grant or a renewal gave. `refresh_token` None for a PAT: the token itself is the next credential.
    `expires_at` is aware UTC, None if nobody says. The repr hides both tokens."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


def authorize_url(app: App, state: str) -> tuple[str, str]:
    """Where to send the browser, and the PKCE verifier to keep until `exchange`. Refused for plain http."""
    client = WebApplicationClient(app.client_id)
    session = OAuth2Session(client=client, redirect_uri=app.redirect_uri, scope=list(app.scopes) or None, pkce="S256")
    with session, _transport(app.authorize_url):
        address, _ = session.authorization_url(app.authorize_url, state=state)
    return address, client.code_verifier or ""


def exchange(app: App, code: str, code_verifier: str, *, timeout: tuple[float, float] = (5, 30)) -> Tokens:
    """Tokens for the code that came back. CredentialRefused if the vendor says no."""
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
    """New tokens for a refresh token, which the vendor then takes as used: store the answer before using it.

    Spelling A (`…/token/refresh`) names the scope, spelling B does not (section 2.2)."""
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
    """A new Personal Access Token for the one presented, which is dead from then on (section 2.3)."""
    _needs_https(base_url)
    request = Request(
        "POST", f"/pub/{version}/oauth/personal-token/refresh", "POST /oauth/personal-token/refresh", write=True
    )
    answer = send(base_url, token, request, timeout=timeout)
    if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
        answer = answer["data"]
    return _tokens(_checked(answer, 200, request.endpoint), ())


def expiry_of(token: str) -> datetime | None:
    """The `exp` of a JWT as aware UTC, unverified; None if it is no JWT or has none."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError):
        return None


def _answer(app: App, url: str, endpoint: str, ask: Callable[[OAuth2Session], None]) -> dict[str, Any]:
    """Asks a token endpoint through the library and takes the answer at its hook.

    The library's own reading comes after and is ignored: it would throw a rotated token away for a strange
    `expires_in` or a changed scope."""
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
        raise failure.with_traceback(None) from None  # the frames of the library's way hold the body with the secret
    return taken[0]


def _json(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _checked(answer: Any, status: int, endpoint: str) -> dict[str, Any]:
    """A 2xx answer that really holds a token; an OAuth error in a 2xx counts as the refusal it is."""
    known: dict[str, Any] = {"status": status, "endpoint": endpoint}
    if isinstance(answer, dict) and isinstance(answer.get("error"), str) and not answer.get("access_token"):
        words = vendor_words({"message": answer.get("error_description"), "error": answer["error"]})
        raise CredentialRefused(quote=words, **known)
    if not isinstance(answer, dict) or not string(answer.get("access_token")).strip():
        raise Unreadable("answer_without_token", **known)
    return answer


def _tokens(answer: dict[str, Any], asked: tuple[str, ...], kept: str | None = None) -> Tokens:
    """`expires_in` is believed, else the JWT's own `exp`. Scopes that are not named are those asked for."""
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
    """https everywhere; plain http on this machine only (the sandbox), where the library has to be told so."""
    if _needs_https(url).scheme == "https":
        yield
        return
    with _one_at_a_time:  # the switch is the whole process's
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
    """The parts of the address; Refused where a secret would travel in the open."""
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
