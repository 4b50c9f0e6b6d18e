"""Pictures that tell more than they show, and what is left in a file."""

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

SECRET = b"52.520008N-13.404954E"  # in every piece of metadata
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description note="%s"/></x:xmpmeta>' % SECRET
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ZIP = b"PK\x03\x04" + SECRET


def drawn(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture that no turn or flip maps to itself. Its edges lie between a JPEG's blocks."""
    width, height = size
    picture = Image.new("RGB", size, "white")
    picture.paste("red", (0, 0, width // 2, height // 2))
    picture.paste("blue", (0, height // 2, width // 3, height))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def opened(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body))


def exif(orientation: int = 1) -> bytes:
    """With GPS, a maker's note and a thumbnail; "Exif" and two zeros first."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = SECRET.decode()  # maker
    tags.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 17.8), 29: SECRET.decode()})
    tags.get_ifd(0x8769)[0x927C] = SECRET  # maker's note
    return tags.tobytes() + encoded(drawn(size=(16, 16)), "JPEG") + SECRET


# --- JPEG ------------------------------------------------------------------------------------------------------------


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg_with(*segments: bytes, after: bytes = b"", **options) -> bytes:
    body = encoded(drawn(), "JPEG", quality=92, **options)
    return body[:2] + b"".join(segments) + body[2:] + after


def two_pictures() -> bytes:
    """A JPEG whose second picture tells where it was taken, as phones write them (MPF)."""
    second = drawn(size=(24, 16))
    return encoded(drawn(), "MPO", save_all=True, append_images=[second], exif=exif()) + ZIP


def jpeg_parts(body: bytes) -> list[str]:
    """The marker of each segment, and what follows the end."""
    at, parts = 2, []
    while body[at + 1] != 0xDA:
        marker, length = body[at + 1], int.from_bytes(body[at + 2 : at + 4])
        name = body[at + 4 : at + 15].split(b"\0")[0].decode("latin-1") if 0xE0 <= marker <= 0xEF else ""
        parts.append(f"{marker:02X} {name}".strip())
        at += 2 + length
    end = body.index(b"\xff\xd9", at) + 2
    return parts + ["after"] * (end != len(body))


# --- PNG -------------------------------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(*chunks: bytes, late: bytes = b"", after: bytes = b"", picture: Image.Image | None = None) -> bytes:
    """Chunks behind the header, behind the pixels, and bytes behind the end."""
    body = encoded(picture or drawn(), "PNG")
    return body[:33] + b"".join(chunks) + body[33:-12] + late + body[-12:] + after


def png_parts(body: bytes) -> list[str]:
    at, parts = 8, []
    while parts[-1:] != ["IEND"]:
        length = int.from_bytes(body[at : at + 4])
        parts.append(body[at + 4 : at + 8].decode())
        at += 12 + length
    return parts + ["after"] * (at != len(body))


def text(key: str = "Location") -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text(key, SECRET.decode())
    info.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    info.add_text("Comment", SECRET.decode(), zip=True)
    return info


def apng(first_apart: bool = False) -> bytes:
    frames = moving("RGBA")
    options = {"default_image": True} if first_apart else {}
    return encoded(
        frames[0], "PNG", save_all=True, append_images=frames[1:], duration=DURATIONS[first_apart:], loop=3,
        pnginfo=text(), exif=exif(), **options,
    )  # fmt: skip


# --- GIF -------------------------------------------------------------------------------------------------------------

GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"  # of one pixel, without its frames
FRAME = b",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
DURATIONS = [50, 0, 120, 700, 30]


def moving(mode: str) -> list[Image.Image]:
    """Five frames."""
    frames = [Image.new("RGBA", (40, 30), (0, 0, 0, 0) if mode == "RGBA" else "white") for _ in DURATIONS]
    for number, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse((number * 5, 3, number * 5 + 15, 20), fill=(250, number * 50, 0, 255))
    return [frame.convert(mode) for frame in frames]


def gif_with(*extensions: bytes, mode: str = "RGB", after: bytes = b"", **options) -> bytes:
    frames = moving(mode)
    options = {"loop": 3, "duration": DURATIONS, "disposal": 2 if mode == "RGBA" else 1} | options
    body = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], **options)
    start = 13 + (3 << (body[10] & 7) + 1)
    return body[:start] + b"".join(extensions) + body[start:] + after


def extension(label: int, *blocks: bytes) -> bytes:
    return bytes([0x21, label]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def gif_parts(body: bytes) -> list[str]:
    at, parts = 13 + (3 << (body[10] & 7) + 1 if body[10] & 0x80 else 0), []
    while body[at] != 0x3B:
        label = body[at + 1]
        if body[at] == 0x2C:
            parts.append("frame")
            flags = body[at + 9]
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:
            parts.append({0xF9: "control"}.get(label) or body[at + 3 : at + 14].decode("latin-1"))
            at += 2
        while body[at]:
            at += 1 + body[at]
        at += 1
    return parts + ["after"] * (at + 1 != len(body))


PARTS: dict[str, Callable[[bytes], list[str]]] = {
    "image/jpeg": jpeg_parts, "image/png": png_parts, "image/gif": gif_parts,
}  # fmt: skip
# All that may be left in a file.
ALLOWED = {
    "image/jpeg": {"E0 JFIF", "E2 ICC_PROFILE", "DB", "C0", "C4"},
    "image/png": {"IHDR", "iCCP", "PLTE", "tRNS", "IDAT", "IEND", "acTL", "fcTL", "fdAT"},
    "image/gif": {"NETSCAPE2.0", "control", "frame"},
}


def frames_of(body: bytes) -> list[tuple[bytes, float]]:
    """The pixels and the duration of each frame."""
    picture = opened(body)
    found = []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        found.append((picture.convert("RGBA").tobytes(), picture.info.get("duration", 0)))
    return found
