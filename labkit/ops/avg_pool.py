"""Average pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.ops.build import apply
from labkit.ops.pool import CASES, POOL_ATTRS, lower_pool, pool_attrs, pool_sides, pooled_dims
from labkit.ops.rules import same_dtype
from labkit.ops.window import SOURCE, check_gradient, outputs


def _gradient_shape(c: OpContext) -> list[Dims]:
    check_gradient(c, 0, pooled_dims(c, 1))
    return [c.dims[1]]


def _counts(height: Any, width: Any) -> np.ndarray:
    """How many pixels each window has inside the image: (height, width, 1)."""
    counts = []
    for side in (height, width):
        count = np.zeros(side.out)
        for _, places, _pixels in side.taps():
            count[places] += 1
        counts.append(count)
    return (counts[0][:, None] * counts[1])[:, :, None]


def _reference(x: np.ndarray, **attrs: Any) -> np.ndarray:
    height, width = pool_sides(x.shape, attrs)
    y = np.zeros((len(x), *outputs(height, width), x.shape[3]))
    for _, oh, ih in height.taps():
        for _, ow, iw in width.taps():
            y[:, oh, ow] += x[:, ih, iw]
    return y / _counts(height, width)


def _reference_gradient(g: np.ndarray, x: np.ndarray, **attrs: Any) -> np.ndarray:
    height, width = pool_sides(x.shape, attrs)
    shares, dx = g / _counts(height, width), np.zeros(x.shape)
    for _, oh, ih in height.taps():
        for _, ow, iw in width.taps():
            dx[:, ih, iw] += shares[:, oh, ow]
    return dx


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for x, attrs in CASES:
        height, width = pool_sides(x, {"explicit_paddings": ((0, 0), (0, 0)), **attrs})
        cases.append(Sample([rng.normal(size=(x[0], *outputs(height, width), x[3])), rng.normal(size=x)], attrs))
    return cases


register(
    OpDef(
        name="AvgPool",
        inputs=("x",),
        attrs=POOL_ATTRS,
        kernel="avg_pool",
        dtypes=same_dtype(dt.FLOATS),
        shapes=lambda c: [pooled_dims(c, 0)],
        gradient=lambda op, g: [apply("AvgPoolGrad", [g, op.inputs[0]], op.attrs)],
        lower=lower_pool(0),
        reference=_reference,
        samples=lambda rng: [Sample([rng.normal(size=x)], attrs) for x, attrs in CASES],
        formula="y[n, i, j, c] = mean over u, v of x[n, i sh + u - top, j sw + v - left, c]",
        source=SOURCE + "3",
        doc="The mean of each window of each image and channel. Padding is left out of the mean.",
    )
)
register(
    OpDef(
        name="AvgPoolGrad",
        inputs=("gradient", "x"),
        outputs=("dx",),
        shape_inputs=(1,),
        attrs=POOL_ATTRS,
        kernel="avg_pool_grad",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_gradient_shape,
        gradient=lambda op, g: [apply("AvgPool", [g], op.attrs), None],
        lower=lower_pool(1),
        reference=_reference_gradient,
        samples=_gradient_samples,
        formula="dx[n, a, b, c] = sum of gradient[n, i, j, c] / pixels(i, j) over the windows (i, j) that cover (a, b)",
        doc="The gradient of AvgPool: each arriving number is shared out evenly to its window's pixels; of x only the shape "
        "matters.",
    )
)


def avg_pool(
    input: Any,
    ksize: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window; for all pixels at once use lk.reduce_mean.

    Args:
        input: shape (batch, height, width, channels); float32 or float64.
        ksize: the window: an int, a pair, or [1, h, w, 1].
        strides: likewise; None is as far as the window is long, so that windows do not overlap.
        padding: as for conv2d; padding is left out of the mean, and explicit padding is smaller than the window.
        data_format: "NHWC" only.

    Raises:
        ShapeError: the input is no batch of images, or a window is larger than the padded image.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    return apply("AvgPool", [to_tensor(input)], pool_attrs(ksize, strides, padding, data_format), name)
