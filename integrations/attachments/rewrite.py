"""Writes a picture anew, so that it looks the same but does not tell where, when and with what it was taken.

Only the visible pixels and the color profile are kept: no EXIF, GPS, XMP, IPTC, comment, text, thumbnail, second
picture or bytes after the end. Pillow decodes every picture completely, and encodes JPEG and PNG. The frames of a GIF
are copied once they have been decoded: encoding them again would cost colors, and Pillow clears a frame to the
background color where browsers clear it to transparency.
"""

import io
import struct
import threading
import zlib
from collections.abc import Iterator
from enum import Enum, auto

from PIL import Image, ImageSequence, JpegImagePlugin

from . import dimensions

MOST_PIXELS = 50_000_000  # of all frames together: 200 MB when decoded
MOST_FRAMES = 500
QUALITIES = (90, 80, 70, 60, 50)  # of a JPEG that cannot keep its own, or would be too large
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}
# What Pillow raises for a damaged or truncated file.
DAMAGED = (
    OSError,  # not a picture of this format (UnidentifiedImageError), truncated or undecodable pixels
    SyntaxError,  # broken PNG chunk or JPEG marker
    ValueError,  # impossible values, or a compressed PNG text that expands beyond Pillow's limit
    EOFError,  # a frame is missing
    IndexError,  # the file ends within a GIF block
    struct.error,  # the file ends within a header
    zlib.error,  # undecodable compressed PNG chunk
)
_UPRIGHT = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_one_at_a_time = threading.Lock()  # bounds the memory of a web process


class Problem(Enum):
    """Why a picture cannot be written anew."""

    DAMAGED = auto()
    TOO_MANY_PIXELS = auto()
    TOO_MANY_BYTES = auto()


class CannotRewrite(Exception):
    """The picture must not leave as it is, and cannot be written anew."""

    def __init__(self, problem: Problem):
        super().__init__(problem.name)
        self.problem = problem


def rewrite(body: bytes, content_type: str, most: int) -> bytes:
    """The same picture in the same format, without metadata. Raises CannotRewrite.

    content_type: image/jpeg, image/png or image/gif. most: largest allowed result, in bytes; a JPEG is written in lower
    quality to fit.
    """
    width, height = dimensions.read_dimensions(content_type, body)
    if width * height > MOST_PIXELS:  # before Pillow, which only warns
        raise CannotRewrite(Problem.TOO_MANY_PIXELS)
    with _one_at_a_time:
        try:
            with Image.open(io.BytesIO(body), formats=[FORMATS[content_type]]) as picture:
                for written in _versions(picture, body):
                    if len(written) <= most:
                        return written
        except Image.DecompressionBombError:  # a frame is larger than the header says
            raise CannotRewrite(Problem.TOO_MANY_PIXELS) from None
        except DAMAGED:
            raise CannotRewrite(Problem.DAMAGED) from None
    raise CannotRewrite(Problem.TOO_MANY_BYTES)


def _versions(picture: Image.Image, body: bytes) -> Iterator[bytes]:
    """The picture written anew, the best version first."""
    jpeg = isinstance(picture, JpegImagePlugin.JpegImageFile)  # further pictures in a JPEG are not sent
    frames = 1 if jpeg else getattr(picture, "n_frames", 1)
    if frames > MOST_FRAMES or picture.width * picture.height * frames > MOST_PIXELS:
        raise CannotRewrite(Problem.TOO_MANY_PIXELS)
    if jpeg:
        return _jpeg(picture)
    if picture.format == "GIF":
        return _gif(picture, body)
    return _png(picture, body) if frames == 1 else _animated_png(picture)


def _jpeg(picture: JpegImagePlugin.JpegImageFile) -> Iterator[bytes]:
    sampling = JpegImagePlugin.get_sampling(picture)
    tables = picture.quantization
    shown = _upright(picture, picture)
    if shown.mode == "CMYK":
        shown = shown.convert("RGB")
    fixed = {"icc_profile": _profile(picture, shown.mode), "comment": None, "subsampling": sampling}
    if shown is picture:
        yield _save(shown, "JPEG", qtables=tables, **fixed)  # its own quality
    for quality in QUALITIES:
        yield _save(shown, "JPEG", quality=quality, **fixed)


def _png(picture: Image.Image, body: bytes) -> Iterator[bytes]:
    picture.load()  # the orientation may follow the pixels
    shown = _upright(picture, picture)
    fixed = {"icc_profile": _profile(picture, shown.mode), "transparency": _transparency(picture, depth=body[24])}
    yield _save(shown, "PNG", **fixed)
    yield _save(shown, "PNG", optimize=True, **fixed)


def _animated_png(picture: Image.Image) -> Iterator[bytes]:
    frames, durations = [], []
    for frame in ImageSequence.Iterator(picture):
        frames.append(_upright(frame.convert("RGBA"), picture))
        durations.append(frame.info.get("duration", 0))
    start = 1 if picture.info.get("default_image") else 0  # a first picture that is no part of the animation
    first, *others = frames[start:]
    yield _save(
        first, "PNG", save_all=True, append_images=others, duration=durations[start:], default_image=False,
        loop=picture.info.get("loop", 0), disposal=0, blend=0, icc_profile=_profile(picture, "RGBA"), transparency=None,
    )  # fmt: skip


def _gif(picture: Image.Image, body: bytes) -> Iterator[bytes]:
    for frame in ImageSequence.Iterator(picture):
        frame.load()
    start = at = 13 + _color_table(body[10])
    written, control = bytearray(body[:start]), b""
    while at < len(body) and body[at] != 0x3B:  # trailer
        start = at
        if body[start] == 0x2C:  # a frame: place and size, colors, code size, pixels
            at = _after_blocks(body, start + 11 + _color_table(body[start + 9]))
            written += control + body[start:at]
            control = b""
        elif body[start] == 0x21:
            at = _after_blocks(body, start + 2)
            label = body[start + 1]
            if label == 0xF9:  # duration, transparency and disposal of the next frame
                control = body[start : start + 7] + b"\0"
            elif label == 0x01:  # a text that is drawn; browsers do not
                control = b""
            elif label == 0xFF and body[start + 3 : start + 16] in (b"NETSCAPE2.0\x03\x01", b"ANIMEXTS1.0\x03\x01"):
                written += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + body[start + 16 : start + 18] + b"\0"  # the loop count
        else:  # padding
            at += 1
    yield bytes(written + b";")


def _color_table(flags: int) -> int:
    """Bytes of a GIF's color table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(body: bytes, at: int) -> int:
    """Where the data blocks of a GIF that start here end."""
    while body[at]:
        at += body[at] + 1
    return at + 1


def _save(picture: Image.Image, format: str, **options) -> bytes:
    written = io.BytesIO()
    picture.save(written, format, **options)
    return written.getvalue()


def _upright(shown: Image.Image, picture: Image.Image) -> Image.Image:
    """The pixels as the orientation of the picture says."""
    turn = _UPRIGHT.get(dimensions.orientation(picture.info.get("exif", b"").removeprefix(b"Exif\0\0")))
    return shown if turn is None else shown.transpose(turn)


def _profile(picture: Image.Image, mode: str) -> bytes | None:
    """The color profile, if it is one and fits the mode; without what may follow it."""
    profile = picture.info.get("icc_profile") or b""
    space = b"RGB " if mode in ("RGB", "RGBA", "P") else b"GRAY"
    if profile[16:20] != space or profile[36:40] != b"acsp":
        return None
    return profile[: int.from_bytes(profile[:4])]


def _transparency(picture: Image.Image, depth: int) -> bytes | int | tuple | None:
    """The transparent color of a PNG in the depth that Pillow decodes to. depth: bits per sample in the file."""
    color = picture.info.get("transparency")
    if picture.mode == "L" and isinstance(color, int):
        return color * 255 // ((1 << depth) - 1)
    if picture.mode == "RGB" and isinstance(color, tuple) and depth == 16:
        return tuple(sample >> 8 for sample in color)
    return color
