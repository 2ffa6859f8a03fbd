"""Images turned by any angle."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import broadcast_to
from labkit.ops.build import apply
from labkit.ops.image.common import on_batch
from labkit.ops.rules import need_rank, same_dtype
from labkit.ops.shape import shape

_METHOD = {"interpolation": Attr("str", "nearest", choices=("nearest", "bilinear"))}
_ATTRS = {**_METHOD, "fill_value": Attr("float", 0.0)}


def _shapes(c: OpContext) -> list[Dims]:
    n, h, w, channels = need_rank(c, 0, 4, "A batch of images (batch, height, width, channels)")
    (angles,) = need_rank(c, 1, 1, "A batch of angles (batch,)")
    if n is not None and angles is not None and n != angles:
        received = f"{show(c.dims[0])} and {show(c.dims[1])}"
        raise ShapeError("", rule="There is one angle for each image", received=received)
    return [(angles if n is None else n, h, w, channels)]


def _weights(angle: float, height: int, width: int, interpolation: str) -> np.ndarray:
    """How much of each pixel of an image goes into each pixel of the result, both in one row."""
    x, y = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    sx = np.cos(angle) * x - np.sin(angle) * y + (width - 1) / 2
    sy = np.sin(angle) * x + np.cos(angle) * y + (height - 1) / 2
    sides = []
    for source, n in ((sy, height), (sx, width)):
        pixels = np.arange(n)
        if interpolation == "nearest":
            part = (np.floor(source.reshape(-1, 1) + 0.5) == pixels).astype(float)
        else:
            part = np.maximum(1 - np.abs(source.reshape(-1, 1) - pixels), 0)
        sides.append(part)
    return np.einsum("ph,pw->phw", *sides).reshape(height * width, height * width)


def _reference(x: np.ndarray, angles: np.ndarray, interpolation: str, fill_value: float = 0.0) -> np.ndarray:
    n, h, w, c = x.shape
    result = np.empty_like(x)
    for i in range(n):
        weights = _weights(float(angles[i]), h, w, interpolation)
        turned = weights @ x[i].reshape(h * w, c) + (1 - weights.sum(1, keepdims=True)) * fill_value
        result[i] = turned.reshape(h, w, c)
    return result


def _reference_gradient(g: np.ndarray, angles: np.ndarray, interpolation: str) -> np.ndarray:
    n, h, w, c = g.shape
    result = np.empty_like(g)
    for i in range(n):
        weights = _weights(float(angles[i]), h, w, interpolation)
        result[i] = (weights.T @ g[i].reshape(h * w, c)).reshape(h, w, c)
    return result


def _samples(*names: str) -> Any:
    cases: tuple[Any, ...] = (
        ((2, 5, 6, 3), [0.4, -2.0], "bilinear", 0.5),
        ((2, 4, 3, 1), [3.0, 0.7], "nearest", 0.0),
        ((1, 7, 7, 2), [0.0], "bilinear", -1.0),
        ((1, 1, 9, 1), [1.1], "bilinear", 0.0),
        ((1, 3, 17, 1), [100.3], "nearest", 2.0),
        ((0, 2, 2, 1), [], "nearest", 0.0),
    )
    return lambda rng: [
        Sample(
            [rng.normal(size=dims), np.asarray(angles, float)],
            {k: v for k, v in {"interpolation": method, "fill_value": fill}.items() if k in names},
        )
        for dims, angles, method, fill in cases
    ]


def _lower(c: OpContext) -> Any:
    return [int(c.attrs["interpolation"] == "bilinear")], [c.attrs.get("fill_value", 0.0)]


_HELD = "No gradient flows to the angles."
register(
    OpDef(
        name="ImageRotate",
        inputs=("images", "angles"),
        held=(1,),
        attrs=_ATTRS,
        kernel="rotate",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_shapes,
        lower=_lower,
        gradient=lambda op, g: [
            apply("ImageRotateGrad", [g, op.inputs[1]], {"interpolation": op.attrs["interpolation"]}),
            None,
        ],
        reference=_reference,
        samples=_samples("interpolation", "fill_value"),
        formula="y[p] = x[R (p - m) + m] with R = ((cos a, -sin a), (sin a, cos a)) in columns and rows, m the center",
        doc="Each image turned about its center by its own angle in radians, counter-clockwise; pixels that come from outside "
        f"of the image have fill_value. {_HELD}",
    )
)
register(
    OpDef(
        name="ImageRotateGrad",
        inputs=("gradient", "angles"),
        outputs=("dimages",),
        held=(1,),
        attrs=_METHOD,
        kernel="rotate_grad",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_shapes,
        lower=_lower,
        gradient=lambda op, g: [apply("ImageRotate", [g, op.inputs[1]], op.attrs), None],
        reference=_reference_gradient,
        samples=_samples("interpolation"),
        doc=f"The gradient of ImageRotate: each pixel gets what arrives at the pixels that it went into. {_HELD}",
    )
)


def rotate(
    images: Any, angle: Any, interpolation: str = "nearest", fill_value: float = 0.0, name: str | None = None
) -> Tensor:
    """Images turned about their centers, counter-clockwise as one looks at them; the size stays.

    Args:
        images: shape (height, width, channels) or (batch, height, width, channels); float32 or float64.
        angle: radians, a number, or a tensor of shape () or (batch,). No gradient flows to it.
        interpolation: "nearest" or "bilinear".
        fill_value: what is seen where no image was.

    Raises:
        ShapeError: there is not one angle, or one for each image.
        InvalidArgumentError: there is no such interpolation.
    """
    attrs = {"interpolation": interpolation, "fill_value": fill_value}

    def one(x: Tensor) -> Tensor:
        angles = to_tensor(angle, x.dtype)
        if angles.dims is None or not angles.dims:
            angles = broadcast_to(angles, shape(x)[:1])
        return apply("ImageRotate", [x, angles], attrs, name)

    return on_batch(images, one)
