"""The OAuth authorization page at ``/auth/oauth`` (section 2.1)."""

from urllib.parse import urlencode

from . import pages
from .model import Organization, User
from .oauth import Credentials
from .web import Params, Refused, Request, Response

PATH = "/auth/oauth"
AREAS = {
    "contacts": "Contacts",
    "conversations": "Conversations",
    "messages": "Messages",
    "tags": "Tags",
    "custom-fields": "Custom fields",
    "attachments": "Attachments",
    "broadcasts": "Broadcasts",
    "teams": "Inboxes",
    "numbers": "Phone numbers",
    "users": "Team members",
    "organizations": "Organization",
}
CARRIED = (
    *("response_type", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method"),
)


class Consent:
    def __init__(self, credentials: Credentials, organization: Organization, user: User):
        self.credentials = credentials
        self.organization = organization
        self.user = user

    def answer(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return Response.json({"message": "Method Not Allowed"}, 405, {"Allow": "GET, POST"})
        params = request.params
        try:
            redirect_uri, scopes = self.credentials.check_consent(params)
        except Refused as refused:
            return pages.page("Cannot connect", "error.html", refused.status, reason=refused.body)
        if params.text("response_type") != "code":
            text = "Only the authorization code flow is supported."
            return self._back(redirect_uri, params, error="unsupported_response_type", error_description=text)
        if request.method == "GET":
            return self._ask(params, redirect_uri, scopes)
        if params.text("decision") == "approve":
            return self._back(redirect_uri, params, code=self.credentials.approve(params))
        text = "The resource owner denied the request."
        return self._back(redirect_uri, params, error="access_denied", error_description=text)

    def _ask(self, params: Params, redirect_uri: str, scopes: frozenset[str]) -> Response:
        hidden = pages.join(
            pages.fill("hidden.html", name=name, value=value)
            for name in CARRIED
            if (value := params.text(name)) is not None
        )
        rows = pages.join(pages.fill("scope.html", area=area, level=level) for area, level in _in_words(scopes))
        return pages.page(
            "Allow access?",
            "consent.html",
            organization=self.organization.name,
            user=self.user.full_name,
            email=self.user.email,
            initials=self.user.first_name[0] + self.user.last_name[0],
            scopes=rows,
            action=PATH,
            hidden=hidden,
            target=redirect_uri.split("?")[0],
        )

    def _back(self, redirect_uri: str, params: Params, **answer: str) -> Response:
        state = params.text("state")
        query = urlencode(answer | ({"state": state} if state else {}))
        return Response.redirect(redirect_uri + ("&" if "?" in redirect_uri else "?") + query, 302)


def _in_words(scopes: frozenset[str]) -> list[tuple[str, str]]:
    """Return labels such as ("Contacts", "See and change"), in the order of AREAS."""
    rows = []
    for area, label in AREAS.items():
        levels = {scope.partition(":")[2] for scope in scopes if scope.partition(":")[0] == area}
        if levels:
            words = {"read": "See"} if levels == {"read"} else {"write": "Change"} if levels == {"write"} else {}
            rows.append((label, next(iter(words.values()), "See and change")))
    known = {scope for scope in scopes if scope.partition(":")[0] in AREAS}
    return rows + [(scope, "Full access") for scope in sorted(scopes - known)]
