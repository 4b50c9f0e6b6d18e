"""Pictures that staff send: checked by their bytes, and stored before their text is queued."""

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

SENDABLE = ("image/jpeg", "image/png", "image/gif")  # what every carrier takes


class CannotAttach(Exception):
    """A picture was not taken; `reason` tells staff why and what to do."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Checked:
    """A file that may be sent, still where the browser's request left it."""

    file: UploadedFile
    kind: kinds.Kind


def upload_limits() -> dict:
    """What the composer tells about pictures: words, count and bytes, and why Salesmsg cannot get any (else empty)."""
    return {
        "words": _most(),
        "count": settings.SALESMSG_SEND_PICTURES,
        "bytes": settings.SALESMSG_SEND_BYTES,
        "types": ",".join(SENDABLE),
        "unreachable": _unreachable(),
    }


def _unreachable() -> str:
    """Salesmsg fetches pictures from PORTAL_URL; a machine's own address leads nowhere but to a vendor beside it."""
    portal, vendor = (_is_here(url) for url in (settings.PORTAL_URL, settings.SALESMSG_BASE_URL))
    if portal and not vendor:
        return _("Salesmsg cannot get pictures from here: PORTAL_URL is not a public address. Tell your administrator.")
    return ""


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith((".local", ".localhost"))


def _most() -> str:
    return ngettext(
        "JPEG, PNG or GIF, one picture of at most %(size)s.",
        "JPEG, PNG or GIF, at most %(count)d pictures and %(size)s together.",
        settings.SALESMSG_SEND_PICTURES,
    ) % {"count": settings.SALESMSG_SEND_PICTURES, "size": _size(settings.SALESMSG_SEND_BYTES)}


def check_files(files: list[UploadedFile], *, cut_off: bool = False) -> list[Checked]:
    """The files, each known by its bytes. cut_off: the request brought more than may be sent (`upload.Bounded`).

    Raises CannotAttach.
    """
    if cut_off or sum(file.size for file in files) > settings.SALESMSG_SEND_BYTES:
        raise CannotAttach(
            _("These pictures are larger than %(size)s together. Choose smaller ones, or send them one by one.")
            % {"size": _size(settings.SALESMSG_SEND_BYTES)}
        )
    if len(files) > settings.SALESMSG_SEND_PICTURES:
        raise CannotAttach(
            ngettext(
                "Only one picture can go with a text. Send the others with the next one.",
                "At most %(count)d pictures can go with a text. Send the others with the next one.",
                settings.SALESMSG_SEND_PICTURES,
            )
            % {"count": settings.SALESMSG_SEND_PICTURES}
        )
    return [Checked(file, _kind(file)) for file in files]


def store_files(files: Iterable[Checked]) -> list[dict]:
    """Writes the files; columns of Picture for each. What no message takes is swept like every orphan (`files`)."""
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
            _("“%(name)s” is not a picture that can be sent. Choose a JPEG, PNG or GIF.") % {"name": file.name[:80]}
        )
    return kind


def _size(number: int) -> str:
    return filesizeformat(number).replace(".0", "")
