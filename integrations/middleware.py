"""What every page gets: a strict Content-Security-Policy, and times in the viewer's zone."""

import zoneinfo
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

# Pictures in messages come from the vendor's media hosts, which nobody documents: any https host, and never a script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data: https: {media}; media-src 'self' https:; manifest-src 'self'; "
    "form-action 'self'{forms}; frame-ancestors 'none'; base-uri 'none'"
)
ZONE_COOKIE = "tz"


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]):
    """Adds the policy; loopback media hosts are allowed only while the portal talks to a sandbox there."""
    api, consent = urlsplit(settings.SALESMSG_BASE_URL), urlsplit(settings.SALESMSG_AUTHORIZE_URL)
    media = f"{api.scheme}://{api.netloc}" if api.scheme == "http" else ""
    # Browsers apply form-action to the redirect that follows a form, so the consent page must be named.
    policy = POLICY.format(media=media, forms=f" {consent.scheme}://{consent.netloc}")

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
