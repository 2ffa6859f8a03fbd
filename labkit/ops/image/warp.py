"""Images seen through a projection each: moved, turned, scaled, slanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import broadcast_to, zeros_like
from labkit.ops.build import apply
from labkit.ops.compare import cast
from labkit.ops.concat import stack
from labkit.ops.image.common import image_tensor, on_batch
from labkit.ops.rules import need_rank, same_dtype
from labkit.ops.shape import full_dims, int_array, shape, shape_tensor

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "reflect", "wrap")
_METHOD = {
    "interpolation": Attr("str", "nearest", choices=INTERPOLATIONS),
    "fill_mode": Attr("str", "constant", choices=FILL_MODES),
}
_IMAGES = "A batch of images (batch, height, width, channels)"
_PROJECTIONS = "A batch of projections (batch, 8)"


def _batch(c: OpContext, images: Dims, projections: int) -> Any:
    """The number of images, after checking that there are pixels and eight numbers for each image."""
    count, eight = need_rank(c, projections, 2, _PROJECTIONS)
    n = None if images is None else images[0]
    if eight not in (None, 8) or (n is not None and count is not None and n != count):
        received = " and ".join(show(dims) for dims in c.dims)
        raise ShapeError("", rule="There are eight numbers for each image: (batch, 8)", received=received)
    if images is not None and 0 in images[1:3]:
        raise ShapeError("", rule="The images have pixels", received=show(images))
    return count if n is None else n


def _need_sides(*images: Dims) -> None:
    for dims in images:
        if any(n is not None and n >= 2**30 for n in (dims or ())[1:3]):
            raise ShapeError("", rule="Images have fewer than 2**30 rows and columns", received=show(dims))


def _shapes(c: OpContext) -> list[Dims]:
    images = need_rank(c, 0, 4, _IMAGES)
    n = _batch(c, images, 1)
    size = full_dims(c, 2)
    if size is not None and len(size) != 2:
        raise ShapeError("", rule="The size is a height and a width", received=show(size))
    height, width = size or (None, None)
    seen = (n, height, width, images[3])
    _need_sides(images, seen)
    return [seen]


def _gradient_shapes(c: OpContext) -> list[Dims]:
    g, images = need_rank(c, 0, 4, _IMAGES), need_rank(c, 2, 4, _IMAGES)
    n = _batch(c, images, 1)
    if any(a is not None and b is not None and a != b for a, b in ((g[0], n), (g[3], images[3]))):
        received = f"{show(c.dims[0])} for {show(c.dims[2])}"
        raise ShapeError("", rule="The gradient has the images' batch and channels", received=received)
    _need_sides(g, images)
    return [(n, *images[1:])]


def _outside(i: np.ndarray, n: int, mode: str) -> np.ndarray:
    """The pixels that stand for pixels i of a side of n; -1 for none."""
    if mode == "constant":
        return np.where((i >= 0) & (i < n), i, -1)
    if mode == "nearest":
        return np.clip(i, 0, n - 1)
    return np.where(i % (2 * n) < n, i % (2 * n), 2 * n - 1 - i % (2 * n)) if mode == "reflect" else i % n


def _weights(
    projection: np.ndarray, size: tuple[int, int], image: tuple[int, int], interpolation: str, mode: str
) -> np.ndarray:
    """How much of each pixel of an image goes into each pixel of the result, both in one row."""
    x, y = (a.reshape(-1).astype(float) for a in np.meshgrid(np.arange(size[1]), np.arange(size[0])))
    a0, a1, a2, b0, b1, b2, c0, c1 = map(float, projection)
    k = c0 * x + c1 * y + 1
    sides = [(b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k]
    weights = np.zeros((len(x), image[0] * image[1]))
    known = np.flatnonzero(np.isfinite(sides).all(0))
    rows, columns = (side[known] for side in sides)
    for down in (0, 1):
        for right in (0, 1):
            if interpolation == "nearest":
                i, j = np.floor(rows + 0.5), np.floor(columns + 0.5)
                part = np.full(len(i), float(not down and not right))
            else:
                i, j = np.floor(rows) + down, np.floor(columns) + right
                part = (1 - abs(rows - i)) * (1 - abs(columns - j))
            i = _outside(i.astype(int), image[0], mode)
            j = _outside(j.astype(int), image[1], mode)
            np.add.at(weights, (known, i * image[1] + j), np.where((i >= 0) & (j >= 0), part, 0))
    return weights


def _reference(
    x: np.ndarray, projections: np.ndarray, size: np.ndarray, interpolation: str, fill_mode: str, fill_value: float
) -> np.ndarray:
    n, height, width, channels = x.shape
    rows, columns = map(int, size)
    result = np.empty((n, rows, columns, channels), x.dtype)
    for i in range(n):
        weights = _weights(projections[i], (rows, columns), (height, width), interpolation, fill_mode)
        seen = weights @ x[i].reshape(-1, channels) + (1 - weights.sum(1, keepdims=True)) * fill_value
        result[i] = seen.reshape(rows, columns, channels)
    return result


def _reference_gradient(
    g: np.ndarray, projections: np.ndarray, x: np.ndarray, interpolation: str, fill_mode: str
) -> np.ndarray:
    n, height, width, channels = x.shape
    result = np.empty(x.shape, g.dtype)
    for i in range(n):
        weights = _weights(projections[i], g.shape[1:3], (height, width), interpolation, fill_mode)
        result[i] = (weights.T @ g[i].reshape(-1, channels)).reshape(height, width, channels)
    return result


_TURN = [0.9, -0.4, 1.3, 0.4, 0.9, -0.7, 0.0, 0.0]
_CASES: tuple[Any, ...] = (
    ((2, 5, 6, 3), (5, 6), [_TURN, [1.3, 0, -0.6, 0, 0.7, 0.4, 0, 0]], "bilinear", "constant", 0.5),
    ((2, 4, 3, 1), (3, 2), [[1, 0, 1, 0, 1, 1, 0, 0], [-1, 0, 2, 0, 1, 0, 0, 0]], "nearest", "constant", 2.0),
    ((1, 4, 5, 2), (6, 9), [[2.3, 0.2, -7.1, 0.1, 1.7, -3.3, 0, 0]], "bilinear", "reflect", 0.0),
    ((1, 3, 4, 3), (5, 6), [[1.1, 0.2, -9.1, 0.1, 1.9, 3.3, 0, 0]], "bilinear", "wrap", 0.0),
    ((1, 3, 4, 1), (4, 17), [[0.5, 0.1, -2.6, 0.2, 0.8, -1.2, 0, 0]], "bilinear", "nearest", 0.0),
    ((1, 5, 5, 1), (5, 5), [[0.9, 0.1, 0.3, -0.1, 1.1, 0.2, 0.05, 0.02]], "bilinear", "constant", -1.0),
    ((1, 1, 9, 1), (2, 9), [[1, 0.3, -0.3, 0, 2.2, -1.3, 0, 0]], "nearest", "reflect", 0.0),
    ((0, 2, 2, 1), (2, 2), np.zeros((0, 8)), "nearest", "wrap", 0.0),
)


def _samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(
            [rng.normal(size=dims), np.asarray(projections, float), int_array(size)],
            {"interpolation": method, "fill_mode": mode, "fill_value": fill},
        )
        for dims, size, projections, method, mode, fill in _CASES
    ]


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(
            [rng.normal(size=(dims[0], *size, dims[3])), np.asarray(projections, float), np.zeros(dims)],
            {"interpolation": method, "fill_mode": mode},
        )
        for dims, size, projections, method, mode, _ in _CASES
    ]


def _lower(c: OpContext) -> Any:
    ints = [int(c.attrs["interpolation"] == "bilinear"), FILL_MODES.index(c.attrs["fill_mode"])]
    return ints, [c.attrs["fill_value"]] if "fill_value" in c.attrs else ()


def _method(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: attrs[name] for name in _METHOD}


_HELD = "No gradient flows to the projections."
register(
    OpDef(
        name="ImageProjectiveTransform",
        inputs=("images", "projections", "size"),
        value_inputs=(2,),
        held=(1,),
        attrs={**_METHOD, "fill_value": Attr("float", 0.0)},
        kernel="warp",
        dtypes=same_dtype(dt.FLOATS, 2),
        shapes=_shapes,
        lower=_lower,
        gradient=lambda op, g: [
            apply("ImageProjectiveTransformGrad", [g, op.inputs[1], op.inputs[0]], _method(op.attrs)),
            None,
            None,
        ],
        reference=_reference,
        samples=_samples,
        formula="y[i, j] = x[(b0 j + b1 i + b2) / k, (a0 j + a1 i + a2) / k] with k = c0 j + c1 i + 1",
        doc="Images (batch, height, width, channels) of which each is seen through its own projection (a0, a1, a2, b0, b1, b2, "
        "c0, c1), at a size of its own. Between pixels lies the nearest one, or a mean of the four around it; outside of the "
        f"image fill_value, its nearest pixels, its mirror image, or the image again. {_HELD}",
    )
)
register(
    OpDef(
        name="ImageProjectiveTransformGrad",
        inputs=("gradient", "projections", "images"),
        outputs=("dimages",),
        shape_inputs=(2,),
        held=(1,),
        attrs=_METHOD,
        kernel="warp_grad",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_gradient_shapes,
        lower=_lower,
        gradient=lambda op, g: [
            apply("ImageProjectiveTransform", [g, op.inputs[1], shape(op.inputs[0])[1:3]], op.attrs),
            None,
            None,
        ],
        reference=_reference_gradient,
        samples=_gradient_samples,
        doc="The gradient of ImageProjectiveTransform: each pixel gets what arrives at the pixels that it went into. "
        f"{_HELD}",
    )
)


def projective_transform(
    images: Any,
    projections: Any,
    size: Any = None,
    interpolation: str = "nearest",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Images seen through projections: moved, turned, scaled, slanted, or in perspective.

    Pixel (row y, column x) of the result is the image at column (a0 x + a1 y + a2) / k and row (b0 x + b1 y + b2) / k, with
    k = c0 x + c1 y + 1, for a projection (a0, a1, a2, b0, b1, b2, c0, c1): TensorFlow's order. A place that is no finite
    number has fill_value, whatever the mode.

    Args:
        images: shape (height, width, channels) or (batch, height, width, channels); float32 or float64.
        projections: shape (8,), or (batch, 8); no gradient flows to them.
        size: the result's (height, width), a list or an integer tensor; None keeps that of the images.
        interpolation: "nearest", the pixel whose center is nearest, or "bilinear", a mean of the four around the place.
        fill_mode: what lies outside of an image a b c: "constant", fill_value; "nearest", a a | a b c | c c; "reflect",
            b a | a b c | c b; "wrap", b c | a b c | a b.

    Raises:
        ShapeError: there are not eight numbers, or eight for each image, or the images have no pixels.
        InvalidArgumentError: there is no such interpolation or mode.
    """
    attrs = {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": fill_value}

    def one(x: Tensor) -> Tensor:
        given = to_tensor(projections, x.dtype)
        if given.dims is not None and len(given.dims) == 1:
            given = broadcast_to(given, [shape(x)[0], 8])
        wanted = shape(x)[1:3] if size is None else shape_tensor(size)
        return apply("ImageProjectiveTransform", [x, given, wanted], attrs, name)

    return on_batch(image_tensor(images), one)


def about_centers(images: Tensor, a0: Tensor, a1: Tensor, b0: Tensor, b1: Tensor) -> Tensor:
    """The projections (batch, 8) that read a batch of images at M (p - m) + m, with M = ((a0, a1), (b0, b1)), m the center.

    Args:
        a0, a1, b0, b1: shape (batch,).
    """
    x, y = ((cast(shape(images)[axis], a0.dtype) - 1) / 2 for axis in (2, 1))
    none = zeros_like(a0)
    return stack([a0, a1, x - (a0 * x + a1 * y), b0, b1, y - (b0 * x + b1 * y), none, none], axis=1)
