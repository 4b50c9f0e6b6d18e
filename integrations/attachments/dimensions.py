"""Reads the displayed width and height of a picture from its header, in pixels. (0, 0) if unknown."""

import struct

Size = tuple[int, int]
UNKNOWN: Size = (0, 0)
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that browsers rotate by 90 degrees
# Start-of-frame markers; C4, C8 and CC in this range have other meanings.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length


def read_dimensions(content_type: str, body: bytes) -> Size:
    """Width and height in pixels. content_type: detected type (image/jpeg, png, gif or webp)."""
    reader = {"image/jpeg": _jpeg, "image/png": _png, "image/gif": _gif, "image/webp": _webp}.get(content_type)
    try:
        return reader(body) if reader else UNKNOWN
    except (struct.error, IndexError):
        return UNKNOWN


def _png(body: bytes) -> Size:
    return struct.unpack_from(">II", body, 16) if body[12:16] == b"IHDR" else UNKNOWN


def _gif(body: bytes) -> Size:
    return struct.unpack_from("<HH", body, 6)


def _webp(body: bytes) -> Size:
    kind = body[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (24, 27))
        return (width, height) if len(body) >= 30 else UNKNOWN
    if kind == b"VP8L" and body[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", body, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 26)
        return width & 0x3FFF, height & 0x3FFF
    return UNKNOWN


def _jpeg(body: bytes) -> Size:
    at, sideways = 2, False
    while body[at] == 0xFF:
        marker = body[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", body, at + 2)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", body, at + 5)
            return (height, width) if sideways else (width, height)
        if marker == 0xE1 and body[at + 4 : at + 10] == b"Exif\0\0":
            sideways = orientation(body[at + 10 : at + 2 + length]) in _SIDEWAYS
        at += 2 + length
    return UNKNOWN


def orientation(tiff: bytes) -> int:
    """EXIF orientation: tag 0x0112 of the first directory; 1 (upright) if missing or damaged."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, start)
        for place in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * place)
            if tag == 0x0112:
                return value
    except struct.error:
        pass
    return 1
