"""Middleware for every page: a strict Content-Security-Policy, the viewer's time zone, and a page for 405 errors."""

import zoneinfo
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone

# All page resources come from the portal itself, including message pictures. blob: allows the preview of a picture that
# the user has chosen but not sent.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; manifest-src 'self'; "
    "form-action 'self'{forms}; frame-ancestors 'none'; base-uri 'none'"
)
ZONE_COOKIE = "tz"


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]):
    """Add the policy unless the view has set its own."""
    consent = urlsplit(settings.SALESMSG_AUTHORIZE_URL)
    # Browsers apply form-action to redirects after a form, so the authorization page must be allowed.
    policy = POLICY.format(forms=f" {consent.scheme}://{consent.netloc}")

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def viewer_time_zone(get_response: Callable[[HttpRequest], HttpResponse]):
    """Activate the time zone that the browser reported in a cookie; an unknown zone is ignored."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            zone = zoneinfo.ZoneInfo(request.COOKIES.get(ZONE_COOKIE, ""))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            zone = None
        with timezone.override(zone):
            return get_response(request)

    return middleware


def method_not_allowed_page(get_response: Callable[[HttpRequest], HttpResponse]):
    """Show a page with a link onwards when a user opens an action's URL with GET, instead of an empty 405."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        bare = response.status_code == 405 and not response.streaming and not response.content
        if bare and request.method == "GET" and request.accepts("text/html") and not request.headers.get("HX-Request"):
            page = render(request, "405.html", {"leads_to": _parent_path(request.path_info)}, status=405)
            page.headers["Allow"] = response.headers.get("Allow", "POST")
            return page
        return response

    return middleware


def _parent_path(path: str) -> str:
    """Return the nearest valid URL above this one: /accounts/7/ for /accounts/7/stop/."""
    parts = path.strip("/").split("/")[:-1]
    while parts:
        parent = f"/{'/'.join(parts)}/"
        try:
            resolve(parent)
        except Resolver404:
            parts.pop()
        else:
            return parent
    return "/"
