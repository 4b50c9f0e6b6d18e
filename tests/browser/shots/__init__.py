"""Pictures for docs/screenshots: in which themes and sizes, and how they are kept small."""

import base64
import struct
import zlib
from pathlib import Path

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
_DESK, _PHONE = {"viewport": {"width": 1440, "height": 900}}, {"viewport": {"width": 390, "height": 844}}
_PHONE |= {"device_scale_factor": 2, "is_mobile": True}
LOOKS = {
    "": _DESK,
    "-phone": _PHONE,
    "-dark": _DESK | {"color_scheme": "dark"},
    "-phone-dark": _PHONE | {"color_scheme": "dark"},
}
# The 256 colours that a picture has most of, each at some distance from the others; every pixel gets the nearest.
REDUCE = """async (source) => {
  const image = await createImageBitmap(await (await fetch(source)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counted = new Map();
  for (const pixel of pixels) counted.set(pixel, (counted.get(pixel) || 0) + 1);
  const far = (one, two) => [0, 8, 16].reduce((sum, by) => sum + (((one >> by) & 255) - ((two >> by) & 255)) ** 2, 0);
  const ranked = [...counted].sort((one, two) => two[1] - one[1]).map(([pixel]) => pixel);
  const palette = ranked.slice(0, 48); // what is large stays as it is
  for (const least of [250, 60, 0]) {
    for (const pixel of ranked) {
      if (palette.length === 256) break;
      if (palette.every((known) => far(known, pixel) > least)) palette.push(pixel);
    }
  }
  const nearest = new Map(ranked.map((pixel) => {
    let best = 0;
    for (let place = 1, less = far(palette[0], pixel); less && place < palette.length; place += 1) {
      const now = far(palette[place], pixel);
      if (now < less) [best, less] = [place, now];
    }
    return [pixel, best];
  }));
  let text = "";
  const indices = Uint8Array.from(pixels, (pixel) => nearest.get(pixel));
  for (let at = 0; at < indices.length; at += 32768) text += String.fromCharCode(...indices.subarray(at, at + 32768));
  const colours = palette.flatMap((one) => [one & 255, (one >> 8) & 255, (one >> 16) & 255]);
  return [image.width, image.height, colours, btoa(text)];
}"""


class Camera:
    """Takes pictures of pages. `blank`: a page of the same browser, without a policy, that makes them small."""

    def __init__(self, blank: Page, only: str = "") -> None:
        self.blank, self.only = blank, only
        FOLDER.mkdir(parents=True, exist_ok=True)

    def wants(self, name: str) -> bool:
        """Whether this picture was requested, by the beginning of its name."""
        return name.startswith(self.only)

    def shoot(self, page: Page, name: str, *, whole: bool = False) -> None:
        taken = page.screenshot(full_page=whole, scale="css", animations="disabled")
        source = f"data:image/png;base64,{base64.b64encode(taken).decode()}"
        (FOLDER / f"{name}.png").write_bytes(_png(*self.blank.evaluate(REDUCE, source)))


def _png(width: int, height: int, palette: list[int], pixels: str) -> bytes:
    """A PNG of a palette and the place of each pixel in it (base64)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    flat = base64.b64decode(pixels)
    rows = b"".join(b"\0" + flat[at : at + width] for at in range(0, len(flat), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"PLTE", bytes(palette)), chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")
