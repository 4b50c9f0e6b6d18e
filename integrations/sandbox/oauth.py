"""Credentials (section 2): authorization codes, access and refresh tokens, PATs, and the vendor's error responses."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import secrets
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from .options import Options, Switches
from .web import Params, Refused, Request

CODE_LIFE = 600
LEGACY_SCOPE = "public-api"


@dataclass(slots=True)
class Token:
    """An access token; ``state`` is live, rotated (a renewed PAT) or revoked."""

    user_id: int
    scopes: frozenset[str]
    expires_at: float
    is_pat: bool = False
    state: str = "live"


@dataclass(slots=True)
class Code:
    user_id: int
    scopes: frozenset[str]
    redirect_uri: str
    expires_at: float
    challenge: str | None = None
    challenge_method: str = "plain"


@dataclass(slots=True)
class Grant:
    """The grant behind a refresh token."""

    user_id: int
    scopes: frozenset[str]
    access_token: str


class Credentials:
    def __init__(self, options: Options, switches: Switches, user_id: int):
        self.options = options
        self.switches = switches
        self.user_id = user_id  # the signed-in user of the authorization page and of new PATs
        self.registered = frozenset(options.scopes.split())
        self._lock = threading.RLock()
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}
        for token in options.pats:
            self._tokens[token] = Token(user_id, self.registered, time.time() + options.pat_ttl, is_pat=True)

    def remembered(self) -> tuple[dict, dict]:
        """Return tokens and grants to save across restarts."""
        with self._lock:
            return dict(self._tokens), dict(self._refresh)

    def remember(self, kept: tuple[dict, dict]) -> None:
        """Restore saved tokens and grants."""
        with self._lock:
            self._tokens.update(kept[0])
            self._refresh.update(kept[1])

    # -- authentication (2.5) -------------------------------------------------------------------------------

    def identify(self, request: Request, path: str) -> tuple[Token | None, Refused | None]:
        """Return the request's token, if known, and the error to return, if any."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        value = value.strip()
        if scheme.lower() != "bearer" or not value:
            return None, Refused(401, {"message": "Unauthorized", "auth_required": False})
        with self._lock:
            token = self._tokens.get(value)
            if token is None:
                return None, self._unknown(value, path)
            if token.state == "rotated":
                text = (
                    "User is not authorized to access this resource with an explicit deny in an identity-based policy"
                )
                return token, Refused(403, {"message": text})
            if token.state == "revoked":
                return token, Refused(401, {"message": "Unauthenticated."})
            if token.expires_at <= time.time():
                return token, Refused(401, {"message": "Unauthorized"})
            return token, None

    def _unknown(self, value: str, path: str) -> Refused:
        if _is_jwt(value):
            return Refused(401, {"message": "Unauthenticated."})
        if path.startswith("/teams"):
            return Refused(500, {"message": None}, {"x-amzn-ErrorType": "AuthorizerConfigurationException"})
        text = "Could not decode token: The token must have three dot-separated parts"
        return Refused(403, {"message": text, "auth_required": True, "status": 403})

    def knows(self, request: Request) -> bool:
        """Whether a token request belongs to the organisation and counts toward its rate limit."""
        params = request.params
        with self._lock:
            return (params.text("code") or "") in self._codes or (params.text("refresh_token") or "") in self._refresh

    # -- authorization (2.1) --------------------------------------------------------------------------------

    def check_consent(self, params: Params) -> tuple[str, frozenset[str]]:
        """Validate redirect URI and scopes. Errors show a page instead of redirecting."""
        if params.text("client_id") != self.options.client_id:
            raise Refused(401, "There is no application with this client id.")
        redirect_uri = params.text("redirect_uri") or ""
        if not self._may_return_to(redirect_uri):
            raise Refused(400, "The redirect address is not one that this application has registered.")
        scopes = frozenset((params.text("scope") or "").split())
        if not scopes:
            raise Refused(400, "The application asked for no scope. There is no catch-all: every scope must be named.")
        if surplus := sorted(scopes - self.registered):
            raise Refused(400, "The application is not registered for: " + ", ".join(surplus))
        return redirect_uri, scopes

    def _may_return_to(self, redirect_uri: str) -> bool:
        if redirect_uri in self.options.redirect_uris:
            return True
        try:
            parts = urlsplit(redirect_uri)
            host = parts.hostname or ""
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or parts.fragment:
            return False
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    def approve(self, params: Params) -> str:
        """Create an authorization code after approval."""
        redirect_uri, scopes = self.check_consent(params)
        code = secrets.token_urlsafe(32)
        challenge = params.text("code_challenge")
        method = params.text("code_challenge_method") or "plain"
        with self._lock:
            self._codes[code] = Code(self.user_id, scopes, redirect_uri, time.time() + CODE_LIFE, challenge, method)
        return code

    # -- token endpoints (2.1, 2.2) -------------------------------------------------------------------------

    def token(self, params: Params) -> dict:
        """POST /oauth/token: code exchange, and refresh (variant B)."""
        match params.text("grant_type"):
            case None:
                raise _oauth_error(400, "invalid_request", "The request is missing a required parameter.", "grant_type")
            case "authorization_code":
                return self._exchange(params)
            case "refresh_token":
                return self._renew(params)
            case _:
                text = "The authorization grant type is not supported by the authorization server."
                raise _oauth_error(400, "unsupported_grant_type", text)

    def refresh(self, params: Params) -> dict:
        """POST /oauth/token/refresh (variant A), which requires the scope."""
        if params.text("grant_type") != "refresh_token":
            text = "The authorization grant type is not supported by the authorization server."
            raise _oauth_error(400, "unsupported_grant_type", text)
        if params.text("scope") is None:
            raise _oauth_error(400, "invalid_request", "The request is missing a required parameter.", "scope")
        return self._renew(params)

    def _check_client(self, params: Params) -> None:
        """Check ID and secret in the body. HTTP Basic is not supported."""
        same_id = params.text("client_id") == self.options.client_id
        secret = params.text("client_secret") or ""
        if not same_id or not hmac.compare_digest(secret.encode(), self.options.client_secret.encode()):
            raise _oauth_error(401, "invalid_client", "Client authentication failed")

    def _exchange(self, params: Params) -> dict:
        self._check_client(params)
        value = params.text("code")
        if value is None:
            raise _oauth_error(400, "invalid_request", "The request is missing a required parameter.", "code")
        with self._lock:
            code = self._codes.get(value)
            if code is None or code.expires_at <= time.time():
                raise _oauth_error(400, "invalid_grant", "The authorization code is invalid, used or expired.")
            if params.text("redirect_uri") != code.redirect_uri:
                raise _oauth_error(400, "invalid_grant", "The redirect address differs from that of the request.")
            if code.challenge is not None and not _verifies(code, params.text("code_verifier") or ""):
                raise _oauth_error(400, "invalid_grant", "Failed to verify `code_verifier`.")
            del self._codes[value]
            return self._issue(code.user_id, code.scopes)

    def _renew(self, params: Params) -> dict:
        self._check_client(params)
        value = params.text("refresh_token")
        if value is None:
            raise _oauth_error(400, "invalid_request", "The request is missing a required parameter.", "refresh_token")
        with self._lock:
            grant = self._refresh.get(value)
            if grant is None:
                raise _oauth_error(400, "invalid_grant", "The refresh token is invalid.")
            wanted = frozenset((params.text("scope") or "").split()) - {LEGACY_SCOPE}
            if not wanted <= grant.scopes:
                raise _oauth_error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
            old = self._tokens.get(grant.access_token)
            if self.switches.revoke_on_refresh and old:
                old.state = "revoked"
            if not self.switches.rotate_refresh:
                answer = self._issue(grant.user_id, wanted or grant.scopes, refreshable=False)
                grant.access_token = answer["access_token"]
                return answer
            del self._refresh[value]
            return self._issue(grant.user_id, wanted or grant.scopes)

    def _issue(self, user_id: int, scopes: frozenset[str], refreshable: bool = True) -> dict:
        life = self.options.token_ttl
        access = self._make(user_id, scopes, life, is_pat=False)
        answer = {"token_type": "Bearer", "expires_in": _whole(life), "access_token": access}
        if refreshable:
            answer["refresh_token"] = "def50200" + secrets.token_hex(160)
            self._refresh[answer["refresh_token"]] = Grant(user_id, scopes, access)
        return answer

    def _make(self, user_id: int, scopes: frozenset[str], life: float, is_pat: bool) -> str:
        issued = time.time()
        claims = {
            "aud": self.options.client_id,
            "jti": secrets.token_hex(20),
            "iat": int(issued),
            "nbf": int(issued),
            "exp": int(issued + life),
            "sub": str(user_id),
            "scopes": sorted(scopes),
        }
        parts = ({"typ": "JWT", "alg": "RS256"}, claims)
        value = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        value += "." + _base64url(secrets.token_bytes(64))
        self._tokens[value] = Token(user_id, scopes, issued + life, is_pat)
        return value

    # -- personal access tokens (2.3) -----------------------------------------------------------------------

    def make_pat(self, user_id: int | None = None, scopes: frozenset[str] | None = None) -> str:
        with self._lock:
            chosen = self.registered if scopes is None else scopes & self.registered
            return self._make(user_id or self.user_id, chosen, self.options.pat_ttl, is_pat=True)

    def rotate_pat(self, request: Request) -> dict:
        """POST /oauth/personal-token/refresh: replaces the token, which stops working immediately."""
        with self._lock:  # of two concurrent requests, one succeeds
            token, refusal = self.identify(request, "/oauth/personal-token/refresh")
            if refusal:
                raise refusal
            if token is None or not token.is_pat:
                raise Refused(403, {"message": "This action is unauthorized."})
            token.state = "rotated"
            value = self._make(token.user_id, token.scopes, self.options.pat_ttl, is_pat=True)
            return {"access_token": value, "expires_in": _whole(self.options.pat_ttl)}

    # -- sandbox switches -----------------------------------------------------------------------------------

    def expire_all(self) -> int:
        with self._lock:
            live = [token for token in self._tokens.values() if token.expires_at > time.time()]
            for token in live:
                token.expires_at = 0.0
            return len(live)

    def revoke_all(self) -> int:
        with self._lock:
            for token in self._tokens.values():
                token.state = "revoked"
            self._refresh.clear()
            self._codes.clear()
            return len(self._tokens)


def _oauth_error(status: int, error: str, description: str, parameter: str = "") -> Refused:
    """Create the error response of a token request (section 2.2)."""
    body = {"error": error, "error_description": description, "message": description}
    if parameter:
        body["hint"] = f"Check the `{parameter}` parameter"
    return Refused(status, body)


def _verifies(code: Code, verifier: str) -> bool:
    if code.challenge_method == "S256":
        verifier = _base64url(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(verifier.encode(), (code.challenge or "").encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _is_jwt(value: str) -> bool:
    parts = value.split(".")
    if len(parts) != 3:
        return False
    try:
        return all(
            isinstance(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))), dict) for part in parts[:2]
        )
    except (ValueError, binascii.Error):
        return False


def _whole(seconds: float) -> int | float:
    return int(seconds) if seconds == int(seconds) else seconds
