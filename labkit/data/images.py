"""Encoded images (JPEG, PNG and others) as arrays, by Pillow."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.errors import DataError, InvalidArgumentError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 89_478_485
"""As many as Pillow warns of: 256 MiB in three bytes each."""

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

_FORMATS = {
    b"\xff\xd8\xff": ("Jpeg", "JpegImageFile"),
    b"\x89PNG\r\n\x1a\n": ("Png", "PngImageFile"),
    b"BM": ("Bmp", "BmpImageFile"),
    b"GIF8": ("Gif", "GifImageFile"),
    b"RIFF": ("WebP", "WebPImageFile"),
    b"II*\0": ("Tiff", "TiffImageFile"),
    b"MM\0*": ("Tiff", "TiffImageFile"),
    **{b"P%d" % i: ("Ppm", "PpmImageFile") for i in range(1, 7)},
}
"""How files of a format begin, and what reads them. Pillow knows more formats; some of these run other programs."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def decode_image(
    data: bytes,
    channels: int = 3,
    size: int | tuple[int, int] | None = None,
    name: str = "The image",
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """An encoded image as an array, as a viewer would show it.

    JPEG, PNG, BMP, GIF, WebP, TIFF and PPM, whatever a file's name says. What is turned by its EXIF data stands upright.
    Palettes and CMYK become colours, colours become grey by ITU-R 601, alpha is dropped and the colours below it stay, 16 bits
    keep the upper 8; of an animation or several pages it is the first.

    Args:
        data: the file's content.
        channels: 1 for grey, 3 for red, green and blue, 4 with alpha.
        size: height and width to which it is resized, or one number for both, by Pillow's antialiased bilinear filter; a JPEG
            that is four times as large or more is decoded at a half, a quarter or an eighth to begin with. None: as it is.
        name: what errors call it.
        max_pixels: the most that the image may have.

    Returns:
        uint8 [height, width, channels].

    Raises:
        InvalidArgumentError: there are no such channels, or it is no such size.
        DataError: the data are no image, or a damaged one, or one of numbers that are no colours, or it has too many pixels.
    """
    if not isinstance(data, bytes):
        raise InvalidArgumentError(
            "An encoded image is bytes",
            rule="decode_image takes the content of a file",
            received=type(data).__name__,
            fix="Of a path: decode_image(pathlib.Path(path).read_bytes()).",
        )
    return np.array(decoded(data, channels, checked_size(channels, size, max_pixels), name, max_pixels))


def checked_size(channels: Any, size: Any, max_pixels: Any) -> tuple[int, int] | None:
    """Height and width, of options that are all right.

    Raises:
        InvalidArgumentError: as of `decode_image`.
    """
    if channels not in _MODES:
        raise InvalidArgumentError("Images have 1, 3 or 4 channels", received=repr(channels))
    if not _is_count(max_pixels):
        raise InvalidArgumentError("max_pixels must be a whole number from 1 on", received=repr(max_pixels))
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2 or not all(map(_is_count, sides)):
        raise InvalidArgumentError(
            "size is a height and a width, in pixels, or one number for both", received=repr(size), fix="Give (h, w)."
        )
    if sides[0] * sides[1] > max_pixels:
        raise InvalidArgumentError(f"size has more than {max_pixels:,} pixels", received=repr(size))
    return int(sides[0]), int(sides[1])


def decoded(data: bytes, channels: int, size: Any, name: str, max_pixels: int) -> np.ndarray:
    """As `decode_image`, of options that were checked; read-only."""
    try:
        image = _of_plain_jpeg(data, size, max_pixels) or _opened(data, size, name, max_pixels)
        image = _in_mode(image, _MODES[channels], name)
        if size is not None and image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), 2)  # Image.Resampling.BILINEAR
        pixels = np.asarray(image)
    except DataError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds
        if "Bomb" in type(error).__name__:  # of GIF, TIFF and WebP Pillow applies its own limit, too
            raise _too_large(name, max_pixels, str(error)) from error
        raise DataError(
            f"{name} is a damaged image",
            received=f"{len(data):,} bytes: {type(error).__name__}: {str(error)[:100]}",
            fix="Fetch the file again, or leave it out",
        ) from error
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _of_plain_jpeg(data: bytes, size: Any, max_pixels: int) -> Image | None:
    """A small JPEG as nearly all are, of which Pillow's own reading of the headers takes longer than the pixels.

    None for all others, and where something is wrong, which is left to the usual way to say.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    place, width, height, parts = 2, 0, 0, 0
    while (marker := data[place : place + 2]) != b"\xff\xda":  # the beginning of the pixels
        if marker in _FRAMES:
            if parts or data[place + 4 : place + 5] != b"\x08":
                return None
            height, width = int.from_bytes(data[place + 5 : place + 7]), int.from_bytes(data[place + 7 : place + 9])
            parts = data[place + 9] if place + 9 < len(data) else 0
        elif marker not in _HARMLESS:  # EXIF data, Adobe's colours, a damaged file
            return None
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    if parts not in (1, 3) or not 0 < width * height <= min(max_pixels, _SMALL):
        return None
    if size is not None and height >= 4 * size[0] and width >= 4 * size[1]:
        return None
    from PIL import Image

    mode = "L" if parts == 1 else "RGB"
    try:
        return Image.frombytes(mode, (width, height), data, "jpeg", mode, "")
    except (ValueError, OSError):
        return None


_FRAMES = (b"\xff\xc0", b"\xff\xc1", b"\xff\xc2")
_HARMLESS = (b"\xff\xe0", b"\xff\xdb", b"\xff\xc4", b"\xff\xdd", b"\xff\xfe")
_SMALL = 1 << 18


def _opened(data: bytes, size: Any, name: str, max_pixels: int) -> Image:
    reader = next((reader for magic, reader in _FORMATS.items() if data.startswith(magic)), None)
    if reader is None:
        raise DataError(
            f"{name} is no image",
            rule="JPEG, PNG, BMP, GIF, WebP, TIFF and PPM are read",
            received=f"{len(data):,} bytes, the first {data[:12]!a}",
        )
    # Not Image.open, whose limit of pixels is a warning and belongs to the whole process.
    module = importlib.import_module(f"PIL.{reader[0]}ImagePlugin")
    image: Image = getattr(module, reader[1])(io.BytesIO(data))
    if image.width * image.height > max_pixels:
        raise _too_large(name, max_pixels, f"{image.width:,} x {image.height:,} in {len(data):,} bytes")
    if size is not None:
        height, width = size if _orientation(image) < 5 else size[::-1]
        image.draft(None, (2 * width, 2 * height))
    image.load()
    turned = _orientation(image)  # of a TIFF `load` has seen to it
    return image if turned == 1 else _upright(image, turned)


def _too_large(name: str, max_pixels: int, received: str) -> DataError:
    return DataError(
        f"{name} has too many pixels",
        rule=f"At most {max_pixels:,} are decoded",
        received=received,
        fix="If you trust the file: give larger max_pixels (of GIF, TIFF and WebP PIL.Image.MAX_IMAGE_PIXELS holds, too)",
    )


def _orientation(image: Image) -> int:
    """How the camera was held: 1 to 8 of EXIF's tag 274. Damaged EXIF data say nothing."""
    try:
        turned = image.getexif().get(274, 1)
    except Exception:
        return 1
    return turned if turned in range(1, 9) else 1


def _upright(image: Image, turned: int) -> Image:
    from PIL.Image import Transpose

    # Of the orientations 2 to 8.
    ways = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
    return image.transpose(Transpose[ways[turned - 2]])


def _in_mode(image: Image, mode: str, name: str) -> Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        from PIL import Image

        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise DataError(
            f"{name} holds numbers that are no colours",
            rule="Pixels have 8 or 16 bits for a colour",
            received=f"32 bits ({'whole numbers' if image.mode == 'I' else 'floats'})",
            fix="Read it with PIL.Image and numpy.asarray, and scale it as its numbers mean",
        )
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value > 0)
