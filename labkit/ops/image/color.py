"""Colors: red, green, blue; hue, saturation, value; shades of gray."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast, equal, greater, less
from labkit.ops.composite import through
from labkit.ops.concat import concat, split
from labkit.ops.elementwise import abs, maximum, minimum
from labkit.ops.image.dtype import in_floats
from labkit.ops.reduce import reduce_sum
from labkit.ops.rounding import floor
from labkit.ops.rules import same_dtype

_SOURCE = "Smith, Color Gamut Transform Pairs, 1978"


def _colors(c: OpContext) -> list[Dims]:
    dims = c.dims[0]
    if dims is not None and (not dims or dims[-1] not in (3, None)):
        raise ShapeError("", rule="The last dimension holds three channels", received=show(dims))
    return [None if dims is None else (*dims[:-1], 3)]


def _to_hsv_formula(x: Tensor) -> list[Tensor]:
    r, g, b = split(x, 3, -1)
    high, low = maximum(maximum(r, g), b), minimum(minimum(r, g), b)
    spread = high - low
    colored, bright = (cast(greater(t, 0), x.dtype) for t in (spread, high))
    is_r = cast(equal(high, r), x.dtype)
    is_g = (1 - is_r) * cast(equal(high, g), x.dtype)
    is_b = 1 - is_r - is_g
    along = is_r * (g - b) + is_g * (b - r) + is_b * (r - g)
    hue = colored * (along / (6 * (spread + 1 - colored)) + is_g / 3 + is_b * (2 / 3))
    return [concat([hue + cast(less(hue, 0), x.dtype), bright * spread / (high * bright + 1 - bright), high], -1)]


def _to_rgb_formula(x: Tensor) -> list[Tensor]:
    h, s, v = split(x, 3, -1)
    hue = (h - floor(h)) * 6
    distances = (abs(hue - 3) - 1, 2 - abs(hue - 2), 2 - abs(hue - 4))
    return [concat([(1 - s + s * minimum(maximum(d, 0), 1)) * v for d in distances], -1)]


def _reference_hsv(x: np.ndarray) -> np.ndarray:
    high, low = x.max(-1), x.min(-1)
    spread = high - low
    r, g, b = np.moveaxis(x, -1, 0)
    safe = np.where(spread > 0, 6 * spread, 1)
    hue = np.where(high == r, (g - b) / safe, np.where(high == g, (b - r) / safe + 1 / 3, (r - g) / safe + 2 / 3))
    hue = np.where(spread > 0, np.where(hue < 0, hue + 1, hue), 0)
    return np.stack([hue, np.where(high > 0, spread / np.where(high > 0, high, 1), 0), high], -1)


def _reference_rgb(x: np.ndarray) -> np.ndarray:
    colors = [colorsys.hsv_to_rgb(h % 1.0, s, v) for h, s, v in x.reshape(-1, 3)]
    return np.reshape(np.asarray(colors, float), x.shape)


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = [Sample([rng.uniform(0.05, 0.95, size=(*dims, 3))]) for dims in ((), (7,), (2, 5, 1), (2, 3, 4, 1), (0,))]
    corners = np.array(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0, 1.0])).reshape(3, -1).T
    return [*cases, Sample([corners], differentiate=False)]


def _conversion(name: str, kernel: str, formula: Any, reference: Any, text: str, words: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("images",),
            kernel=kernel,
            dtypes=same_dtype(dt.FLOATS),
            shapes=_colors,
            gradient=through(formula),
            reference=reference,
            samples=_samples,
            formula=text,
            source=_SOURCE,
            doc=words,
        )
    )


_conversion(
    "RGBToHSV",
    "rgb_to_hsv",
    _to_hsv_formula,
    _reference_hsv,
    "v = max(r, g, b), s = (v - min(r, g, b)) / v, h = the place on the circle of hues",
    "Colors (..., 3) from red, green and blue to hue (a share of the circle: 0 is red, 1/3 green, 2/3 blue; 0 for grays), "
    "saturation and value.",
)
_conversion(
    "HSVToRGB",
    "hsv_to_rgb",
    _to_rgb_formula,
    _reference_rgb,
    "color = v (1 - s + s clip(d, 0, 1)), d = |6 h - 3| - 1 for red, 2 - |6 h - 2| for green, 2 - |6 h - 4| for blue",
    "Colors (..., 3) from hue (a share of the circle, of which whole turns do not count), saturation and value to red, green "
    "and blue.",
)


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Colors from red, green, blue (0 to 1) to hue, saturation, value (0 to 1); shape (..., 3), floats.

    Raises:
        ShapeError: the last dimension is not 3.
    """
    return apply("RGBToHSV", [to_tensor(images)], name=name)


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The reverse of `rgb_to_hsv`. Whole turns of the hue do not count: 1.25 is 0.25."""
    return apply("HSVToRGB", [to_tensor(images)], name=name)


@scoped("rgb_to_grayscale")
def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """0.2989 red + 0.587 green + 0.114 blue (ITU-R BT.601): shape (..., 1), of the images' dtype.

    Raises:
        ShapeError: the last dimension is not 3.
    """
    tensor = to_tensor(images)
    _colors(OpContext([tensor.dims], [tensor.dtype], {}))
    weights = np.array([0.2989, 0.587, 0.114])
    return in_floats(tensor, lambda x: reduce_sum(x * weights.astype(x.dtype.numpy), -1, keepdims=True, name=name))


@scoped("grayscale_to_rgb")
def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Shades of gray as colors: (..., 1) becomes (..., 3).

    Raises:
        ShapeError: the last dimension is not 1.
    """
    tensor = to_tensor(images)
    if tensor.dims is not None and (not tensor.dims or tensor.dims[-1] not in (1, None)):
        raise ShapeError("Shades of gray have one channel", received=show(tensor.dims))
    return concat([tensor] * 3, -1, name)
