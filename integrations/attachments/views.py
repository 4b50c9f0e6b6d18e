"""Serves message files to users who may see the message."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from ..access import staff_required
from ..models import Attachment
from . import kinds
from .request import request_again

# Files come from third parties, so a browser that opens one directly must not run anything.
POLICY = "default-src 'none'; sandbox"
REFETCHING = _("This file is missing from storage and is being downloaded again. Reload the conversation in a minute.")


@require_safe
@staff_required
def file(request: HttpRequest, message: int, position: int) -> HttpResponse:
    """Pictures inline, other files as a download; 404 if the user may not see the message."""
    attachments = Attachment.objects.for_user(request.user).filter(message=message, position=position)
    picture = attachments.filter(state=Attachment.State.STORED).select_related("message").defer("message__raw").first()
    if picture is None:
        raise Http404("There is no such file.")
    etag = f'"{picture.file.name.rpartition("/")[2]}"'
    response = get_conditional_response(request, etag=etag) or _file_response(picture)
    response.headers["ETag"] = etag
    # Private to this browser. Expires after a day, so that access is checked again.
    response.headers["Cache-Control"] = "private, max-age=86400"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _file_response(picture: Attachment) -> FileResponse:
    try:
        body = picture.file.open("rb")
    except FileNotFoundError:
        request_again(picture)
        raise Http404(REFETCHING) from None
    name = f"message-{picture.message_id}-{picture.position + 1}.{kinds.extension(picture.content_type)}"
    inline = picture.content_type in kinds.SHOWN
    return FileResponse(body, as_attachment=not inline, filename=name, content_type=picture.content_type)
