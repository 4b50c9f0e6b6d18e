"""What a picture tells when it leaves: what it shows, and nothing else."""

import random
import struct
import zlib

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from integrations.attachments import kinds
from integrations.attachments.rewrite import CannotRewrite, Problem, rewrite

from . import pictures as p

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged metadata
MOST = 5 * 1024 * 1024

# A new way to tell something: a new row, with SECRET in it.
TELLING = {
    "jpeg exif gps thumbnail": p.jpeg_with(exif=p.exif()),
    "jpeg xmp": p.jpeg_with(p.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + p.XMP)),
    "jpeg extended xmp": p.jpeg_with(p.segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + p.XMP)),
    "jpeg iptc": p.jpeg_with(p.segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1a\x1c\x02\x5a" + p.SECRET)),
    "jpeg comment": p.jpeg_with(p.segment(0xFE, p.SECRET)),
    "jpeg jfif thumbnail": p.jpeg_with(p.segment(0xE0, b"JFXX\0\x10" + p.SECRET)),
    "jpeg unknown segments": p.jpeg_with(*(p.segment(0xE0 + n, b"own\0" + p.SECRET) for n in range(3, 16) if n != 14)),
    "jpeg broken exif": p.jpeg_with(p.segment(0xE1, b"Exif\0\0MM\0*\xff\xff" + p.SECRET)),
    "jpeg zip after the end": p.jpeg_with(after=p.ZIP),
    "jpeg jpeg after the end": p.jpeg_with(after=p.jpeg_with(exif=p.exif())),
    "jpeg second picture": p.two_pictures(),
    "jpeg profile": p.jpeg_with(icc_profile=p.PROFILE, exif=p.exif()),
    "jpeg bytes after the profile": p.jpeg_with(icc_profile=p.PROFILE + p.SECRET),
    "jpeg no profile": p.jpeg_with(icc_profile=p.SECRET * 9),
    "jpeg progressive": p.jpeg_with(exif=p.exif(), progressive=True),
    "png texts": p.encoded(p.drawn(), "PNG", pnginfo=p.text()),
    "png texts after the pixels": p.png_with(late=p.chunk(b"tEXt", b"Location\0" + p.SECRET)),
    "png exif": p.encoded(p.drawn(), "PNG", exif=p.exif()),
    "png exif after the pixels": p.png_with(late=p.chunk(b"eXIf", p.exif()[6:])),
    "png raw exif": p.encoded(p.drawn(), "PNG", pnginfo=p.text("Raw profile type exif")),
    "png time": p.png_with(p.chunk(b"tIME", b"\x07\xea\x04\x01\x09\0\0"), p.chunk(b"zzZz", p.SECRET)),
    "png second picture": p.png_with(p.chunk(b"caBX", p.SECRET), late=p.chunk(b"gmAp", p.SECRET)),
    "png after the end": p.png_with(after=p.ZIP),
    "png profile": p.encoded(p.drawn(), "PNG", icc_profile=p.PROFILE + p.SECRET),
    "apng": p.apng() + p.ZIP,
    "gif comment": p.gif_with(comment=p.SECRET),
    "gif late comment": p.gif_with()[:-1] + p.extension(0xFE, p.SECRET, p.SECRET) + b";",
    "gif xmp": p.gif_with(p.extension(0xFF, b"XMP DataXMP", p.XMP)),
    "gif profile": p.gif_with(p.extension(0xFF, b"ICCRGBG1012", p.SECRET)),
    "gif long loop": p.gif_with(p.extension(0xFF, b"ANIMEXTS1.0", b"\1\2\0", p.SECRET)),
    "gif long control": p.GIF + p.extension(0xF9, b"\0\1\0\0", p.SECRET) + p.FRAME + b";",
    "gif text": p.gif_with(p.extension(0x01, b"\0" * 12, p.SECRET)),
    "gif unknown": p.gif_with(p.extension(0x77, p.SECRET)),
    "gif between": p.gif_with(b"\0\0"),
    "gif after the end": p.gif_with(after=p.ZIP),
}  # fmt: skip


def type_of(body: bytes) -> str:
    return kinds.detect_kind(body).content_type


def written(body: bytes, most: int = MOST) -> bytes:
    return rewrite(body, type_of(body), most)


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of a sample: 255 at most. Encoding a JPEG again changes a few; a turn changes most."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGBA"), other.convert("RGBA"))).mean)


@pytest.mark.parametrize("name", TELLING)
def test_it_tells_nothing_else(name):
    body = TELLING[name]
    result = written(body)
    assert type_of(result) == type_of(body)
    left = p.PARTS[type_of(body)](result)
    assert set(left) <= p.ALLOWED[type_of(body)], left
    assert p.SECRET not in result and b"GPS" not in result and b"Exif" not in result
    found = p.opened(result)
    assert not found.getexif() and not {"exif", "xmp", "comment", "photoshop", "mp"} & set(found.info)
    assert difference(p.opened(body), found) <= (5 if type_of(body) == "image/jpeg" else 0)


def test_the_table_has_something_to_remove():
    for name, body in TELLING.items():
        profile = p.opened(body).info.get("icc_profile", b"")
        assert p.SECRET in body + profile or name == "gif between", name


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_color_profile_is_kept(kind):
    result = written(p.encoded(p.drawn(), kind, icc_profile=p.PROFILE + p.SECRET, exif=p.exif()))
    assert p.opened(result).info["icc_profile"] == p.PROFILE


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(kind, orientation):
    body = p.encoded(p.drawn(), kind, exif=p.exif(orientation), **({"quality": 95} if kind == "JPEG" else {}))
    upright = ImageOps.exif_transpose(p.opened(body))
    result = written(body)
    assert difference(p.opened(result), upright) <= (5 if kind == "JPEG" else 0)
    kind = kinds.detect_kind(result)
    assert (kind.width, kind.height) == p.opened(result).size == ((96, 64) if orientation < 5 else (64, 96))


def test_an_orientation_after_the_pixels():
    late = p.chunk(b"eXIf", p.exif(6)[6:])
    assert p.opened(written(p.png_with(late=late))).size == (64, 96)


@pytest.mark.parametrize(("sampling", "quality"), [(0, 100), (1, 92), (2, 75), (2, 40)])
def test_a_jpeg_keeps_its_quality(sampling, quality):
    noise = Image.effect_noise((300, 200), 80)
    noise = Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180)))
    body = p.encoded(noise, "JPEG", quality=quality, subsampling=sampling)
    result = written(body)
    before, after = p.opened(body), p.opened(result)
    assert after.quantization == before.quantization and after.layer == before.layer
    assert len(result) <= len(body) * 1.02


@pytest.mark.parametrize("most", [80_000, 50_000])
def test_a_jpeg_is_made_to_fit(most):
    noise = Image.effect_noise((300, 300), 80)
    body = p.encoded(noise, "JPEG", quality=98)
    assert len(body) > 80_000
    result = written(body, most)
    assert len(result) <= most and p.opened(result).size == (300, 300)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_what_cannot_be_made_to_fit(kind):
    body = p.encoded(Image.effect_noise((300, 300), 80), kind)
    with pytest.raises(CannotRewrite) as refused:
        written(body, 5_000)
    assert refused.value.problem is Problem.TOO_MANY_BYTES


@pytest.mark.parametrize("progressive", [False, True])
def test_cmyk_becomes_rgb(progressive):
    body = p.encoded(p.drawn("CMYK"), "JPEG", quality=95, icc_profile=b"CMYK" * 40, progressive=progressive)
    found = p.opened(written(body))
    assert found.mode == "RGB" and "icc_profile" not in found.info
    assert difference(found, p.opened(body).convert("RGB")) <= 5


def holed(mode: str) -> Image.Image:
    """With a hole in the middle."""
    picture = p.drawn("RGBA")
    picture.paste((0, 0, 0, 0), (10, 10, 20, 20))
    return picture.quantize(16, method=Image.Quantize.FASTOCTREE) if mode == "P" else picture.convert(mode)


def sixteen_bits() -> bytes:
    """A gray and an RGB PNG of 16 bits a sample cannot both be written by Pillow."""
    rows = b"".join(b"\0" + b"".join(struct.pack(">HHH", x * 5000, 65535, 300) for x in range(8)) for _ in range(4))
    head = p.chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 4, 16, 2, 0, 0, 0))
    clear = p.chunk(b"tRNS", struct.pack(">HHH", 0, 65535, 300))
    return b"\x89PNG\r\n\x1a\n" + head + clear + p.chunk(b"IDAT", zlib.compress(rows)) + p.chunk(b"IEND", b"")


def two_bits() -> bytes:
    """Gray, 2 bits a sample, one of the grays transparent."""
    head = p.chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, 2, 0, 0, 0, 0))
    rows = p.chunk(b"IDAT", zlib.compress(b"\0\x1b"))
    return b"\x89PNG\r\n\x1a\n" + head + p.chunk(b"tRNS", b"\0\1") + rows + p.chunk(b"IEND", b"")


PNGS = {
    "gray": (p.encoded(p.drawn("L"), "PNG"), "L"),
    "black and white": (p.encoded(p.drawn("1"), "PNG"), "1"),
    "gray with alpha": (p.encoded(holed("LA"), "PNG"), "LA"),
    "alpha": (p.encoded(holed("RGBA"), "PNG"), "RGBA"),
    "palette": (p.encoded(p.drawn("P"), "PNG"), "P"),
    "palette with alpha": (p.encoded(holed("P"), "PNG"), "P"),
    "palette with a transparent color": (p.encoded(p.drawn("P"), "PNG", transparency=3), "P"),
    "transparent color": (p.encoded(p.drawn(), "PNG", transparency=(255, 0, 0)), "RGB"),
    "transparent gray": (p.encoded(p.drawn("L"), "PNG", transparency=255), "L"),
    "16 bits of gray": (p.encoded(Image.linear_gradient("L").convert("I;16"), "PNG"), "I;16"),
    "16 bits": (sixteen_bits(), "RGB"),
    "2 bits": (two_bits(), "L"),
}


@pytest.mark.parametrize("name", PNGS)
def test_a_png_looks_the_same(name):
    body, mode = PNGS[name]
    found, before = p.opened(written(body)), p.opened(body)
    assert found.mode == before.mode == mode
    assert found.tobytes() == before.tobytes()
    if name == "16 bits":
        assert found.info["transparency"] == (0, 255, 1)
    elif name == "2 bits":
        assert found.convert("LA").getchannel("A").tobytes() == b"\xff\0\xff\xff"
    else:
        assert found.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_gif_stays_animated(mode):
    body = p.gif_with(mode=mode, comment=p.SECRET)
    result = written(body)
    assert p.frames_of(result) == p.frames_of(body)
    assert [duration for _, duration in p.frames_of(result)] == p.DURATIONS
    assert p.opened(result).info["loop"] == 3
    assert len(result) < len(body)
    disposals = [_disposals(one) for one in (body, result)]
    assert disposals[0] == disposals[1] and len(disposals[0]) == 5


def _disposals(body: bytes) -> list[int]:
    picture, found = p.opened(body), []
    for number in range(picture.n_frames):
        picture.seek(number)
        found.append(picture.disposal_method)
    return found


def test_a_gif_of_one_frame_and_one_without_a_trailer():
    body = p.encoded(p.drawn("P"), "GIF", comment=p.SECRET)
    assert p.frames_of(written(body)) == p.frames_of(body)
    assert written(body[:-1]) == written(body)


@pytest.mark.parametrize("first_apart", [False, True])
def test_an_animated_png_stays_animated(first_apart):
    body = p.apng(first_apart)
    result = written(body)
    assert p.frames_of(result) == p.frames_of(body)[first_apart:]
    assert p.opened(result).info["loop"] == 3


@pytest.mark.parametrize("body", [p.jpeg_with(exif=p.exif()), p.png_with(), p.apng(), p.gif_with(mode="RGBA")])
def test_a_damaged_file_does_not_leave(body):
    """Cut or damaged anywhere, it is refused or written anew; nothing else comes out of it."""
    chance = random.Random(4)
    cuts = [body[: len(body) * part // 40] for part in range(1, 40)]
    damaged = []
    for _ in range(300):
        one = bytearray(body)
        for _ in range(chance.choice((1, 3, 30))):
            one[chance.randrange(20, len(one))] = chance.randrange(256)
        damaged.append(bytes(one))
    refused = 0
    for one in (*cuts, *damaged):
        try:
            left = p.PARTS[type_of(body)](rewrite(one, type_of(body), MOST))
            assert set(left) <= p.ALLOWED[type_of(body)]
        except CannotRewrite:
            refused += 1
    assert refused >= 10


def sized(body: bytes, at: int, form: str, width: int, height: int) -> bytes:
    """The file with another size in its header; a PNG's checksum is right again."""
    body = body[:at] + struct.pack(form, width, height) + body[at + struct.calcsize(form) :]
    return body[:29] + struct.pack(">I", zlib.crc32(body[12:29])) + body[33:] if at == 16 else body


@pytest.mark.parametrize(
    "body",
    [
        sized(p.png_with(), 16, ">II", 10_000, 6_000),
        sized(p.png_with(), 16, ">II", 60_000, 60_000),  # Pillow does not open it
        sized(p.jpeg_with(), p.jpeg_with().index(b"\xff\xc0") + 5, ">HH", 10_000, 6_000),
        sized(p.gif_with(), 6, "<HH", 10_000, 1_100),  # five frames
        p.GIF + p.FRAME * 501 + b";",
        p.GIF + p.FRAME + b",\0\0\0\0\xff\xff\xff\xff\0\2\2\4\1\0;",  # a frame larger than the picture
    ],
)
def test_a_bomb_is_refused(body):
    with pytest.raises(CannotRewrite) as refused:
        rewrite(body, type_of(body), MOST)
    assert refused.value.problem is Problem.TOO_MANY_PIXELS


def test_a_file_of_another_format_is_refused():
    with pytest.raises(CannotRewrite) as refused:
        rewrite(p.png_with(), "image/jpeg", MOST)
    assert refused.value.problem is Problem.DAMAGED
