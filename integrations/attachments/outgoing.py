"""Validates and stores pictures that staff send, before their text is queued."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import kinds

SENDABLE = ("image/jpeg", "image/png", "image/gif")  # types that every carrier accepts


class CannotAttach(Exception):
    """A picture was rejected. `reason`: explanation for staff, and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Checked:
    """A validated file that is not stored yet."""

    file: UploadedFile
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
    """Validates the files. cut_off: the request exceeded the size limit (`upload.Bounded`). Raises CannotAttach."""
    if cut_off or sum(file.size for file in files) > settings.SALESMSG_SEND_BYTES:
        raise CannotAttach(
            _("These pictures exceed %(size)s in total. Choose smaller ones or send them one by one.")
            % {"size": _size(settings.SALESMSG_SEND_BYTES)}
        )
    if len(files) > settings.SALESMSG_SEND_PICTURES:
        raise CannotAttach(
            ngettext(
                "A text can contain only one picture. Send the others in another text.",
                "A text can contain at most %(count)d pictures. Send the others in another text.",
                settings.SALESMSG_SEND_PICTURES,
            )
            % {"count": settings.SALESMSG_SEND_PICTURES}
        )
    return [Checked(file, _kind(file)) for file in files]


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


def _kind(file: UploadedFile) -> kinds.Kind:
    file.seek(0)
    kind = kinds.detect_kind(file.read())
    file.seek(0)
    if kind is None or kind.content_type not in SENDABLE or not kind.width:
        raise CannotAttach(
            _("“%(name)s” cannot be sent. Choose a JPEG, PNG or GIF picture.") % {"name": file.name[:80]}
        )
    return kind


def _size(number: int) -> str:
    return filesizeformat(number).replace(".0", "")
