"""What every page gets: a strict Content-Security-Policy, times in the viewer's zone, and words for a 405."""

import zoneinfo
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone

# Pictures of messages are the portal's own by the time they are shown: nothing on a page comes from elsewhere. A blob:
# is a picture that somebody has just chosen, shown before it is sent.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; manifest-src 'self'; "
    "form-action 'self'{forms}; frame-ancestors 'none'; base-uri 'none'"
)
ZONE_COOKIE = "tz"


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]):
    """Adds the policy, where a view has not set its own."""
    consent = urlsplit(settings.SALESMSG_AUTHORIZE_URL)
    # Browsers apply form-action to the redirect that follows a form, so the consent page must be named.
    policy = POLICY.format(forms=f" {consent.scheme}://{consent.netloc}")

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def viewer_time_zone(get_response: Callable[[HttpRequest], HttpResponse]):
    """Activates the zone that the browser reported in a cookie; an unknown one counts as none."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            zone = zoneinfo.ZoneInfo(request.COOKIES.get(ZONE_COOKIE, ""))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            zone = None
        with timezone.override(zone):
            return get_response(request)

    return middleware


def words_for_buttons(get_response: Callable[[HttpRequest], HttpResponse]):
    """Somebody opens an address that only a button may call: a page that leads on, in place of a bare 405."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        bare = response.status_code == 405 and not response.streaming and not response.content
        if bare and request.method == "GET" and request.accepts("text/html") and not request.headers.get("HX-Request"):
            page = render(request, "405.html", {"leads_to": _above(request.path_info)}, status=405)
            page.headers["Allow"] = response.headers.get("Allow", "POST")
            return page
        return response

    return middleware


def _above(path: str) -> str:
    """The nearest address above this one: /accounts/7/stop/ -> /accounts/7/."""
    parts = path.strip("/").split("/")[:-1]
    while parts:
        above = f"/{'/'.join(parts)}/"
        try:
            resolve(above)
        except Resolver404:
            parts.pop()
        else:
            return above
    return "/"
