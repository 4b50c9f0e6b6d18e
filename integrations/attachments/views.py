"""The files of messages, for those who may see the message."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from ..access import staff_required
from ..models import Attachment
from . import kinds
from .request import request_again

# A stranger sent it: opened by itself, it may do nothing at all.
POLICY = "default-src 'none'; sandbox"
ANEW = _("This file is missing on the portal's disk and is being fetched again. Look at the conversation in a minute.")


@require_safe
@staff_required
def file(request: HttpRequest, message: int, position: int) -> HttpResponse:
    """Pictures to be shown, all else to be downloaded; 404 for whoever may not see the message."""
    found = Attachment.objects.for_user(request.user).filter(message=message, position=position)
    picture = found.filter(state=Attachment.State.STORED).select_related("message").defer("message__raw").first()
    if picture is None:
        raise Http404("There is no such file.")
    etag = f'"{picture.file.name.rpartition("/")[2]}"'
    response = get_conditional_response(request, etag=etag) or _answer(picture)
    response.headers["ETag"] = etag
    # In this browser only, and the address names the version: asked again after a day, which asks for the right anew.
    response.headers["Cache-Control"] = "private, max-age=86400"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _answer(picture: Attachment) -> FileResponse:
    try:
        body = picture.file.open("rb")
    except FileNotFoundError:
        request_again(picture)
        raise Http404(ANEW) from None
    name = f"message-{picture.message_id}-{picture.position + 1}.{kinds.extension(picture.content_type)}"
    shown = picture.content_type in kinds.SHOWN
    return FileResponse(body, as_attachment=not shown, filename=name, content_type=picture.content_type)
