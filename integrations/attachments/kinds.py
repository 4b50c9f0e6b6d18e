"""Detects the type of a file from its first bytes, because the declared type may be wrong or forged.

Pictures that every browser supports are displayed; a few other types can be downloaded. All others are rejected,
in particular types that could run scripts in a browser (SVG and HTML).
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from . import dimensions

SHOWN = {"image/jpeg", "image/png", "image/gif", "image/webp"}
MOST_PIXELS = 80_000_000  # larger pictures can exhaust a browser's memory and are offered for download only
NAMES = {
    "image/jpeg": ("jpg", _("JPEG picture")),
    "image/png": ("png", _("PNG picture")),
    "image/gif": ("gif", _("GIF picture")),
    "image/webp": ("webp", _("WebP picture")),
    "image/heic": ("heic", _("HEIC picture")),
    "image/avif": ("avif", _("AVIF picture")),
    "video/mp4": ("mp4", _("video")),
    "video/quicktime": ("mov", _("video")),
    "video/3gpp": ("3gp", _("video")),
    "video/webm": ("webm", _("video")),
    "audio/mpeg": ("mp3", _("audio file")),
    "audio/mp4": ("m4a", _("audio file")),
    "audio/ogg": ("ogg", _("audio file")),
    "audio/amr": ("amr", _("audio file")),
    "audio/wav": ("wav", _("audio file")),
    "application/pdf": ("pdf", "PDF"),
    "text/vcard": ("vcf", _("contact card")),
    "text/calendar": ("ics", _("calendar entry")),
}
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
)
# The brand of an ISO media file follows "ftyp".
_BRANDS = (
    ((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "image/heic"),
    ((b"avif", b"avis"), "image/avif"),
    ((b"qt  ",), "video/quicktime"),
    ((b"3gp", b"3g2"), "video/3gpp"),
    ((b"M4A", b"M4B"), "audio/mp4"),
    ((b"iso", b"mp4", b"avc1", b"M4V", b"MSNV", b"dash", b"mmp4"), "video/mp4"),
)


@dataclass(frozen=True)
class Kind:
    """content_type: detected type. width, height: in pixels; 0 if the file is not displayed."""

    content_type: str
    width: int = 0
    height: int = 0


def detect_kind(body: bytes) -> Kind | None:
    """The type of a file; None if it is not accepted."""
    content_type = _content_type(body)
    if content_type is None:
        return None
    width, height = dimensions.read_dimensions(content_type, body)
    if 0 < width * height <= MOST_PIXELS:
        return Kind(content_type, width, height)
    return Kind(content_type)


def extension(content_type: str) -> str:
    """File extension without the dot; "bin" if unknown."""
    return NAMES.get(content_type, ("bin", ""))[0]


def describe(content_type: str) -> str:
    """Translated name of a type; "file" if unknown."""
    return str(NAMES.get(content_type, ("", _("file")))[1])


def _content_type(body: bytes) -> str | None:
    for beginning, content_type in _BEGINNINGS:
        if body.startswith(beginning):
            return content_type
    if body[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(body[8:12])
    if body[4:8] == b"ftyp":
        return next((content_type for brands, content_type in _BRANDS if body[8:12].startswith(brands)), None)
    text = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip().upper()
    if text.startswith(b"BEGIN:VCARD"):
        return "text/vcard"
    return "text/calendar" if text.startswith(b"BEGIN:VCALENDAR") else None
