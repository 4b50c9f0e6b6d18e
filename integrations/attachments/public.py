"""Serves pictures of outgoing texts to Salesmsg without a session, at signed URLs that expire after a day."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from ..outbox import media_urls
from .views import POLICY


@require_safe
def enclosed_file(request: HttpRequest, token: str) -> HttpResponse:
    """The picture for a valid token, else 404."""
    picture = media_urls.attachment_for_token(token)
    if picture is None:
        raise Http404("There is no such file.")
    try:
        body = picture.file.open("rb")
    except FileNotFoundError:
        raise Http404("There is no such file.") from None
    response = FileResponse(body, content_type=picture.content_type)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
