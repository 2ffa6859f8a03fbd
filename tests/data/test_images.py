"""decode_image: what Pillow shows, whatever kind of image; a typed error for everything that is none."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from labkit.data import decode_image
from labkit.errors import DataError, InvalidArgumentError

RNG = np.random.default_rng(5)
NOISE = RNG.integers(0, 256, (23, 31, 3), dtype=np.uint8)
SMOOTH = np.asarray(Image.fromarray(NOISE).resize((31, 23)).resize((310, 230), Image.Resampling.BICUBIC))


def encoded(pixels: Any, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(target, form, **options)
    return target.getvalue()


def shown(data: bytes, mode: str = "RGB") -> np.ndarray:
    """As Pillow's own way opens it."""
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


@pytest.mark.parametrize("form", ["PNG", "BMP", "PPM", "TIFF"])
def test_exact_formats_come_back(form: str) -> None:
    pixels = decode_image(encoded(NOISE, form))
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert (pixels == NOISE).all()
    grey = decode_image(encoded(NOISE[..., 0], form), channels=1)
    assert (grey == NOISE[..., :1]).all()
    assert (decode_image(encoded(NOISE[..., 0], form)) == NOISE[..., :1]).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quality": 100, "subsampling": 0},
        {"progressive": True},
        {"optimize": True},
        {"restart_marker_blocks": 2},
        {"keep_rgb": True},
        {"comment": b"a comment"},
        {"dpi": (72, 72)},
    ],
    ids=str,
)
def test_jpegs_equal_pillow(options: dict[str, Any]) -> None:
    for pixels in (NOISE, SMOOTH):
        for data in (
            encoded(pixels, "JPEG", **options),
            encoded(pixels[..., 0], "JPEG", **options | {"keep_rgb": False}),
        ):
            assert (decode_image(data) == shown(data)).all()
            assert (decode_image(data, channels=1)[..., 0] == shown(data, "L")).all()


@pytest.mark.parametrize("form", ["WEBP", "GIF"])
def test_others_equal_pillow(form: str) -> None:
    data = encoded(SMOOTH, form)
    assert (decode_image(data) == shown(data)).all()


def with_alpha() -> Image.Image:
    return Image.fromarray(np.dstack([NOISE, RNG.integers(0, 256, (23, 31), dtype=np.uint8)]))


def palette(transparent: bool) -> bytes:
    image = Image.fromarray(NOISE).quantize(16)
    return encoded(image, "PNG", **({"transparency": bytes(range(16))} if transparent else {}))


def test_palettes_and_alpha_give_their_colours() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in (palette(False), palette(True)):
            expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
            assert (decode_image(data) == expected[..., :3]).all()
            assert (decode_image(data, channels=4) == expected).all()
            assert decode_image(data, channels=1).shape == (23, 31, 1)
        data = encoded(with_alpha(), "PNG")
        assert (decode_image(data) == np.asarray(with_alpha())[..., :3]).all()
        grey = decode_image(encoded(with_alpha().convert("LA"), "PNG"), 1)[..., 0]
        assert (grey == np.asarray(with_alpha().convert("L"))).all()
        black_or_white = NOISE[..., 0] > 99
        assert (decode_image(encoded(Image.fromarray(black_or_white), "PNG"), 1)[..., 0] == black_or_white * 255).all()


def png16(values: np.ndarray, kind: int) -> bytes:
    """A PNG of 16 bits: kind 0 is grey, 2 are colours."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def test_16_bits_keep_the_upper_8() -> None:
    values = RNG.integers(0, 1 << 16, (5, 7, 3))
    assert (decode_image(png16(values, 2)) == values >> 8).all()
    assert (decode_image(png16(values[..., 0], 0), 1)[..., 0] == values[..., 0] >> 8).all()
    assert (decode_image(encoded(values[..., 0].astype(np.uint16), "TIFF"), 1)[..., 0] == values[..., 0] >> 8).all()
    pgm = b"P5 7 5 65535\n" + values[..., 0].astype(">u2").tobytes()
    assert (decode_image(pgm, 1)[..., 0] == values[..., 0] >> 8).all()


def test_cmyk_is_colours() -> None:
    data = encoded(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG", quality=100)
    assert (decode_image(data) == shown(data)).all()
    assert np.abs(decode_image(data).astype(int) - SMOOTH).mean() < 5
    assert decode_image(data, channels=1).shape == (230, 310, 1)


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_what_the_camera_turned_stands_upright(form: str, turned: int) -> None:
    image = Image.fromarray(SMOOTH)
    exif = image.getexif()
    exif[274] = turned
    data = encoded(image, form, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert (decode_image(data) == upright).all()
    tall = decode_image(data, size=(46, 20))
    assert tall.shape == (46, 20, 3)
    nearly = np.asarray(Image.fromarray(upright).resize((20, 46), Image.Resampling.BILINEAR))
    assert np.abs(tall.astype(int) - nearly).mean() < 4


def test_animations_give_their_first_picture() -> None:
    frames = [Image.fromarray(np.full((6, 8, 3), value, np.uint8)) for value in (200, 10)]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        assert (decode_image(data) == 200).all()


@pytest.mark.parametrize("size", [(230, 310), (40, 60), (115, 155), (300, 320), (1, 1), (7, 300)])
def test_sizes(size: tuple[int, int]) -> None:
    for data in (encoded(SMOOTH, "PNG"), encoded(SMOOTH, "JPEG", quality=95)):
        pixels = decode_image(data, size=size)
        expected = np.asarray(Image.open(io.BytesIO(data)).resize(size[::-1], Image.Resampling.BILINEAR))
        assert pixels.shape == (*size, 3)
        if data[:2] == b"\xff\xd8":  # it may be decoded at a half or less
            assert np.abs(pixels.astype(int) - expected).mean() < 2
        else:
            assert (pixels == expected).all()


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it is so large."""
    data = bytearray(encoded(NOISE, "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


BAD = {
    "empty": (b"", "is no image"),
    "text": (b"<!DOCTYPE html>", "is no image"),
    "PostScript, which would run a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is no image"),
    "an archive": (b"PK\x03\x04" + bytes(100), "is no image"),
    "half a JPEG": (encoded(NOISE, "JPEG")[:500], "damaged image"),
    "a JPEG's header": (encoded(NOISE, "JPEG")[:60], "damaged image"),
    "two bytes of a JPEG": (b"\xff\xd8\xff", "damaged image"),
    "half a PNG": (encoded(NOISE, "PNG")[:900], "damaged image"),
    "half a BMP": (encoded(NOISE, "BMP")[:900], "damaged image"),
    "half a GIF": (encoded(NOISE, "GIF")[:700], "damaged image"),
    "half a WebP": (encoded(NOISE, "WEBP")[:300], "damaged image"),
    "half a TIFF": (encoded(NOISE, "TIFF", compression="tiff_lzw")[:400], "damaged image"),
    "a PNG with a wrong check sum": (encoded(NOISE, "PNG").replace(b"IDAT", b"IDAU", 1), "damaged image"),
    "a sound": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(50), "damaged image"),
    "floats": (encoded(np.zeros((3, 3), np.float32), "TIFF"), "numbers that are no colours.*floats"),
    "32 bits": (encoded(np.zeros((3, 3), np.int32), "TIFF"), "numbers that are no colours.*whole"),
    "30,000 x 30,000": (bomb(30_000, 30_000), "too many pixels.*30,000 x 30,000"),
    "2^31 - 1 x 2^31 - 1": (bomb(2**31 - 1, 2**31 - 1), "too many pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_image_is_a_typed_error(name: str) -> None:
    data, message = BAD[name]
    tracemalloc.start()
    with pytest.raises(DataError, match=message) as caught:
        decode_image(data, name="cat/3.jpg")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith("cat/3.jpg ")
    assert peak < 4 << 20


def test_the_limit_of_pixels_is_exact_and_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # of Pillow, which would warn or refuse
    with pytest.raises(DataError, match=r"too many pixels.*MAX_IMAGE_PIXELS"):
        decode_image(encoded(NOISE, "WEBP"))
    for form in ("PNG", "JPEG", "BMP", "PPM"):
        data = encoded(NOISE, form)
        assert decode_image(data, max_pixels=23 * 31).shape == (23, 31, 3)
        with pytest.raises(DataError, match="too many pixels"):
            decode_image(data, max_pixels=23 * 31 - 1)


ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"channels": 2}, "1, 3 or 4 channels"),
    ({"size": (32,)}, "height and a width"),
    ({"size": (32, 0)}, "height and a width"),
    ({"size": (32, 3.5)}, "height and a width"),
    ({"size": (1, 2, 3)}, "height and a width"),
    ({"size": (10_000, 10_000)}, "more than"),
    ({"max_pixels": 0}, "max_pixels"),
    ({"data": "cat.jpg"}, "is bytes"),
]


@pytest.mark.parametrize(("options", "message"), ARGUMENTS)
def test_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        decode_image(**{"data": b"", **options})


def mutated(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(changed)) if rng.random() < 0.5 else rng.randrange(min(64, len(changed)))
        kind = rng.randrange(5)
        if kind < 2:
            changed[at] = rng.choice([0, 1, 127, 128, 255, changed[at] ^ (1 << rng.randrange(8))])
        elif kind == 2:
            del changed[at : at + rng.choice([1, 2, 40])]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.choice([1, 4, 40]))
        else:
            del changed[max(at, 1) :]
        if not changed:
            return b""
    return bytes(changed)


def test_a_damaged_jpeg_is_taken_or_refused_as_pillow_does() -> None:
    """Small plain JPEGs are decoded by a way of their own: the pixels are the same, of damaged ones, too."""
    rng, taken = random.Random(7), 0
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 1}):
        data = encoded(NOISE, "JPEG", **options)
        for _ in range(150):
            changed = mutated(data, rng)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    pixels = decode_image(changed, max_pixels=1 << 20)
            except DataError:
                continue
            taken += 1
            assert (pixels == np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(changed))).convert("RGB"))).all()
    assert taken > 60


def originals() -> dict[str, bytes]:
    found = {form: encoded(NOISE, form) for form in ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")}
    exif = Image.fromarray(NOISE).getexif()
    exif[274] = 6
    found["JPEG, turned"] = encoded(NOISE, "JPEG", exif=exif, progressive=True)
    found["PNG of a palette"] = palette(True)
    found["TIFF, packed"] = encoded(NOISE, "TIFF", compression="tiff_lzw")
    return found


def campaign(count: int, seed: int) -> dict[str, int]:
    found = {"decoded": 0, "refused": 0}
    for kind, data in originals().items():
        rng = random.Random(f"{seed} {kind}")
        for _ in range(count):
            size = rng.choice([None, (8, 9)])
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    pixels = decode_image(mutated(data, rng), rng.choice([1, 3, 4]), size, max_pixels=1 << 20)
            except DataError:
                found["refused"] += 1
            else:
                assert pixels.dtype == np.uint8
                assert pixels.ndim == 3
                assert size is None or pixels.shape[:2] == size
                found["decoded"] += 1
    return found


def test_mutated_images() -> None:
    found = campaign(60, seed=1)
    assert sum(found.values()) == 600
    assert found["refused"] > 150


@pytest.mark.campaign
def test_10000_mutated_images() -> None:
    tracemalloc.start()
    found = campaign(1000, seed=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"mutated images: {found}, peak {peak / 1e6:.1f} MB")
    assert sum(found.values()) == 10_000
    assert peak < 64 << 20
