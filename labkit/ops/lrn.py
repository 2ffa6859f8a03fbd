"""Local response normalization, and normalization to length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import ones
from labkit.ops.build import apply, scoped
from labkit.ops.composite import through
from labkit.ops.concat import stack
from labkit.ops.conv import conv2d
from labkit.ops.elementwise import maximum, sqrt
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import need_rank, same_dtype
from labkit.ops.shape import reshape, shape

_SOURCE = "Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep CNNs, 2012, section 3.3"
_ATTRS = {
    "depth_radius": Attr("int", 5, low=0),
    "bias": Attr("float", 1.0),
    "alpha": Attr("float", 1.0),
    "beta": Attr("float", 0.5),
}


def _window_sum(x: Tensor, radius: int) -> Tensor:
    """The sum of each channel and its neighbours up to `radius` away: a convolution along the channels."""
    rows = reshape(x, stack([-1, 1, shape(x)[3], 1]))
    total = reshape(conv2d(rows, ones([1, 2 * radius + 1, 1, 1], x.dtype)), shape(x))
    total.set_shape(x.dims)
    return total


def _gradient_formula(g: Tensor, x: Tensor, depth_radius: int, bias: float, alpha: float, beta: float) -> list[Tensor]:
    norm = bias + alpha * _window_sum(x * x, depth_radius)
    direct = g * norm ** (-beta)
    return [direct - (2 * alpha * beta) * x * _window_sum(direct * x / norm, depth_radius)]


def _reference_sum(x: np.ndarray, radius: int) -> np.ndarray:
    n = x.shape[-1]
    near = np.abs(np.arange(n)[:, None] - np.arange(n)) <= radius
    return x @ near.astype(float)


def _reference(x: np.ndarray, depth_radius: int, bias: float, alpha: float, beta: float) -> np.ndarray:
    return x * (bias + alpha * _reference_sum(x * x, depth_radius)) ** -beta


def _reference_gradient(g: Any, x: Any, depth_radius: int, bias: float, alpha: float, beta: float) -> np.ndarray:
    norm = bias + alpha * _reference_sum(x * x, depth_radius)
    direct = g * norm**-beta
    return direct - 2 * alpha * beta * x * _reference_sum(direct * x / norm, depth_radius)


def _shapes(c: OpContext) -> list[Dims]:
    both: Dims = need_rank(c, 0, 4, "A batch of images (batch, height, width, channels)")
    if len(c.dims) == 2:
        if not compatible(both, c.dims[1]):
            raise ShapeError("", rule="The gradient has x's shape", received=f"{show(both)} and {show(c.dims[1])}")
        both = merge(both, c.dims[1])
    return [both]


_CASES = (
    ((1, 2, 2, 5), (2, 1.0, 0.5, 0.75)),
    ((2, 1, 3, 17), (5, 2.0, 1e-2, 0.5)),
    ((1, 1, 1, 3), (0, 1.0, 1.0, 1.0)),
    ((1, 2, 1, 33), (40, 1.5, 0.1, 0.75)),
    ((1, 1, 1, 300), (1, 1.0, 0.2, 0.6)),
    ((0, 2, 2, 3), (1, 1.0, 1.0, 0.5)),
)


def _samples(count: int) -> Any:
    return lambda rng: [
        Sample([rng.normal(size=dims) for _ in range(count)], dict(zip(_ATTRS, attrs, strict=True)), dims[-1] < 50)
        for dims, attrs in _CASES
    ]


register(
    OpDef(
        name="LRN",
        inputs=("x",),
        attrs=_ATTRS,
        kernel="lrn",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_shapes,
        gradient=lambda op, g: [apply("LRNGrad", [g, op.inputs[0]], op.attrs)],
        reference=_reference,
        samples=_samples(1),
        formula="y[i] = x[i] / (bias + alpha sum of x[j]^2 over |j - i| <= depth_radius)^beta",
        source=_SOURCE,
        doc="Local response normalization: each number of images (batch, height, width, channels) divided by a power of the "
        "squares in the neighbouring channels.",
    )
)
register(
    OpDef(
        name="LRNGrad",
        inputs=("gradient", "x"),
        outputs=("dx",),
        attrs=_ATTRS,
        kernel="lrn_grad",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_shapes,
        gradient=through(_gradient_formula),
        reference=_reference_gradient,
        samples=_samples(2),
        formula="dx[i] = g[i] n[i]^-beta - 2 alpha beta x[i] sum of g[j] x[j] n[j]^(-beta-1) over |j - i| <= depth_radius",
        source=_SOURCE,
        doc="The gradient of LRN, with n the sums of squares that it divides by.",
    )
)


def local_response_normalization(
    x: Any,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """x[i] / (bias + alpha sum of x[j]^2 over |j - i| <= depth_radius)^beta along the channels (Krizhevsky et al. 2012, 3.3).

    Args:
        x: shape (batch, height, width, channels); float32 or float64.
        depth_radius: how many channels on each side take part, from 0 on. alpha multiplies the sum, not the mean.

    Raises:
        ShapeError: x does not have four dimensions.
        InvalidArgumentError: depth_radius is negative.
    """
    attrs = {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta}
    return apply("LRN", [to_tensor(x)], attrs, name)


lrn = local_response_normalization


@scoped("l2_normalize")
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Tensor:
    """x / sqrt(max(sum of x^2 along the axis, epsilon)): every vector along the axis (or axes) gets length 1.

    Args:
        x: float32 or float64.
        axis: a dimension or dimensions; default: all.
        epsilon: keeps vectors of zeros zero.
    """
    tensor = to_tensor(x)
    length = sqrt(maximum(reduce_sum(tensor * tensor, axis, keepdims=True), epsilon))
    return apply("RealDiv", [tensor, length], name=name)
