"""What a file is and how large, from its bytes alone."""

import struct

import pytest

from integrations.attachments import dimensions, kinds

from .conftest import png


def jpeg(width: int, height: int, *before: bytes, frame: int = 0xC0) -> bytes:
    head = struct.pack(">BBHBHH", 0xFF, frame, 17, 8, height, width)
    return b"\xff\xd8" + b"".join(before) + head + b"\x03" + b"\0" * 20


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def exif(orientation: int, order: str = ">") -> bytes:
    name = b"MM" if order == ">" else b"II"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = name + struct.pack(f"{order}HIH", 42, 8, 2) + struct.pack(f"{order}HHIHH", 0x010F, 2, 1, 0, 0) + entry
    return segment(0xE1, b"Exif\0\0" + tiff)


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(data) + 12) + b"WEBP" + kind + struct.pack("<I", len(data)) + data


JFIF = segment(0xE0, b"JFIF\0" + b"\0" * 9)


@pytest.mark.parametrize(
    ("body", "content_type", "size"),
    [
        (png(36, 24), "image/png", (36, 24)),
        (b"GIF89a" + struct.pack("<HH", 300, 200), "image/gif", (300, 200)),
        (b"GIF87a" + struct.pack("<HH", 3, 2), "image/gif", (3, 2)),
        (jpeg(640, 480, JFIF), "image/jpeg", (640, 480)),
        (jpeg(640, 480, JFIF, frame=0xC2), "image/jpeg", (640, 480)),
        (jpeg(640, 480, JFIF, segment(0xC4, b"\0" * 30)), "image/jpeg", (640, 480)),
        (jpeg(640, 480, b"\xff\xff", JFIF[1:]), "image/jpeg", (640, 480)),
        (jpeg(640, 480, exif(1)), "image/jpeg", (640, 480)),
        (jpeg(640, 480, exif(6)), "image/jpeg", (480, 640)),
        (jpeg(640, 480, JFIF, exif(8, "<")), "image/jpeg", (480, 640)),
        (jpeg(640, 480, segment(0xE1, b"Exif\0\0MM\0")), "image/jpeg", (640, 480)),
        (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 400, 300)), "image/webp", (400, 300)),
        (webp(b"VP8L", b"\x2f" + struct.pack("<I", 399 | 299 << 14)), "image/webp", (400, 300)),
        (
            webp(b"VP8X", b"\0\0\0\0" + (399).to_bytes(3, "little") + (299).to_bytes(3, "little")),
            "image/webp",
            (400, 300),
        ),
    ],
)
def test_pictures(body, content_type, size):
    found = kinds.detect_kind(body)
    assert (found.content_type, (found.width, found.height)) == (content_type, size)


@pytest.mark.parametrize("whole", [png(), jpeg(640, 480, JFIF, exif(6)), webp(b"VP8X", b"\0" * 10), b"GIF89a\1\0\1\0"])
def test_any_part_of_a_picture_breaks_nothing(whole):
    for length in range(len(whole)):
        kinds.detect_kind(whole[:length])


def test_a_picture_whose_size_cannot_be_told_is_only_for_download():
    found = kinds.detect_kind(b"\xff\xd8\xff\xe0\0")
    assert (found.content_type, found.width) == ("image/jpeg", 0)


def test_a_small_file_that_unpacks_to_a_huge_picture_is_not_shown():
    bomb = png(1, 1)[:16] + struct.pack(">II", 60_000, 60_000) + png(1, 1)[24:]
    assert dimensions.read_dimensions("image/png", bomb) == (60_000, 60_000)
    assert kinds.detect_kind(bomb).width == 0


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x14ftyp3gp4\0\0\0\0", "video/3gpp"),
        (b"\0\0\0\x14ftypM4A \0\0\0\0", "audio/mp4"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"OggS\0", "audio/ogg"),
        (b"#!AMR\n", "audio/amr"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"BEGIN:VCARD\r\nVERSION:3.0", "text/vcard"),
        (b"\xef\xbb\xbf\nbegin:vcalendar", "text/calendar"),
    ],
)
def test_other_files_are_for_download(body, content_type):
    found = kinds.detect_kind(body)
    assert (found.content_type, found.width) == (content_type, 0)
    assert content_type not in kinds.SHOWN
    assert kinds.describe(content_type) != "file"
    assert kinds.extension(content_type) != "bin"


@pytest.mark.parametrize(
    "body",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<html><script>alert(1)</script>",
        b"  <!doctype html>",
        b"#!/bin/sh",
        b"MZ\x90",
        b"PK\x03\x04",
        b"\0\0\0\x18ftyp????",
        b"RIFF\0\0\0\0AVI ",
        b"hello",
        b"",
    ],
)
def test_nothing_else_is_kept(body):
    assert kinds.detect_kind(body) is None
