"""Generates small PNG pictures for media messages."""

import struct
import zlib
from functools import lru_cache
from random import Random

WIDTH, HEIGHT = 360, 240
SKIES = (
    ((255, 214, 165), (255, 140, 130)),
    ((173, 216, 255), (90, 150, 230)),
    ((255, 236, 179), (244, 162, 97)),
    ((204, 196, 255), (108, 99, 200)),
    ((190, 240, 220), (60, 160, 150)),
)


@lru_cache(maxsize=64)
def png(number: int) -> bytes:
    """Draw a sky, a sun and two hills."""
    rng = Random(number)
    top, bottom = rng.choice(SKIES)
    sun_x, sun_y, sun_r = rng.randint(60, 300), rng.randint(40, 110), rng.randint(16, 32)
    near, far = rng.randint(150, 190), rng.randint(110, 150)
    slope, bend = rng.uniform(-0.25, 0.25), rng.uniform(0.0006, 0.0016)
    hills = [
        (far + int((x - 200) * -slope + bend * (x - 90) ** 2), near + int((x - 160) * slope + bend * (x - 240) ** 2))
        for x in range(WIDTH)
    ]
    far_color, near_color = (98, 132, 118), (52, 84, 74)
    rows = bytearray()
    for y in range(HEIGHT):
        mix = y / HEIGHT
        sky = tuple(int(a + (b - a) * mix) for a, b in zip(top, bottom, strict=True))
        rows.append(0)
        for x in range(WIDTH):
            far_y, near_y = hills[x]
            if y >= near_y:
                rows.extend(near_color)
            elif y >= far_y:
                rows.extend(far_color)
            elif (x - sun_x) ** 2 + (y - sun_y) ** 2 < sun_r * sun_r:
                rows.extend((255, 250, 230))
            else:
                rows.extend(sky)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows), 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
