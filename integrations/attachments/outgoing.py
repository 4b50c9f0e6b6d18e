"""Validates and stores pictures that staff send, before their text is queued."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import kinds
from .rewrite import CannotRewrite, Problem, rewrite

SENDABLE = ("image/jpeg", "image/png", "image/gif")  # types that every carrier accepts


class CannotAttach(Exception):
    """A picture was rejected. `reason`: explanation for staff, and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Checked:
    """A validated file without metadata that is not stored yet."""

    file: ContentFile
    kind: kinds.Kind


def upload_limits() -> dict:
    """Limits for the composer: description, number and bytes, and why Salesmsg cannot fetch pictures (else empty)."""
    return {
        "description": _description(),
        "count": settings.SALESMSG_SEND_PICTURES,
        "bytes": settings.SALESMSG_SEND_BYTES,
        "types": ",".join(SENDABLE),
        "unreachable": _unreachable(),
    }


def _unreachable() -> str:
    """Error if Salesmsg cannot fetch pictures: PORTAL_URL is local, and the vendor is not the local sandbox."""
    portal, vendor = (_is_local(url) for url in (settings.PORTAL_URL, settings.SALESMSG_BASE_URL))
    if portal and not vendor:
        return _("Pictures cannot be sent because PORTAL_URL is not a public address. Contact your administrator.")
    return ""


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith((".local", ".localhost"))


def _description() -> str:
    return ngettext(
        "JPEG, PNG or GIF; one picture of up to %(size)s.",
        "JPEG, PNG or GIF; up to %(count)d pictures, %(size)s in total.",
        settings.SALESMSG_SEND_PICTURES,
    ) % {"count": settings.SALESMSG_SEND_PICTURES, "size": _size(settings.SALESMSG_SEND_BYTES)}


def check_files(files: list[UploadedFile], *, cut_off: bool = False) -> list[Checked]:
    """Validates the files and removes their metadata. Raises CannotAttach.

    cut_off: the request exceeded the size limit (`upload.Bounded`).
    """
    free = settings.SALESMSG_SEND_BYTES - sum(file.size for file in files)
    if cut_off or free < 0:
        raise _too_large()
    if len(files) > settings.SALESMSG_SEND_PICTURES:
        raise CannotAttach(
            ngettext(
                "A text can contain only one picture. Send the others in another text.",
                "A text can contain at most %(count)d pictures. Send the others in another text.",
                settings.SALESMSG_SEND_PICTURES,
            )
            % {"count": settings.SALESMSG_SEND_PICTURES}
        )
    checked = []
    for file in files:
        one = _without_metadata(file, file.size + free)
        free += file.size - one.file.size
        checked.append(one)
    return checked


def store_files(files: Iterable[Checked]) -> list[dict]:
    """Stores the files. Returns Attachment columns for each. `files` deletes those that no message uses."""
    return [
        {
            "file": default_storage.save(f"pictures/{timezone.now():%Y/%m}/out-{secrets.token_hex(12)}", one.file),
            "content_type": one.kind.content_type,
            "size": one.file.size,
            "width": one.kind.width,
            "height": one.kind.height,
        }
        for one in files
    ]


def _without_metadata(file: UploadedFile, most: int) -> Checked:
    """The file written anew, in at most so many bytes."""
    file.seek(0)
    body = file.read()
    kind = kinds.detect_kind(body)
    if kind is None or kind.content_type not in SENDABLE:
        raise _unfit(file)
    try:
        written = rewrite(body, kind.content_type, most)
    except CannotRewrite as error:
        if error.problem is Problem.TOO_MANY_BYTES:
            raise _too_large() from None
        if error.problem is Problem.TOO_MANY_PIXELS:
            raise CannotAttach(
                _("“%(name)s” has too many pixels or frames. Make it smaller, then add it again.")
                % {"name": file.name[:80]}
            ) from None
        raise _unfit(file) from None
    kind = kinds.detect_kind(written)
    if kind is None or not kind.width:
        raise _unfit(file)
    return Checked(ContentFile(written), kind)


def _unfit(file: UploadedFile) -> CannotAttach:
    words = _("“%(name)s” cannot be sent. Choose a JPEG, PNG or GIF picture.") % {"name": file.name[:80]}
    return CannotAttach(words)


def _too_large() -> CannotAttach:
    words = _("These pictures exceed %(size)s in total. Choose smaller ones or send them one by one.")
    return CannotAttach(words % {"size": _size(settings.SALESMSG_SEND_BYTES)})


def _size(number: int) -> str:
    return filesizeformat(number).replace(".0", "")
