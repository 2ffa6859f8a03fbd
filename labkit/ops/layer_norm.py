"""Layer normalization: every example is one population (Ba, Kiros and Hinton 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, count, merge, normal_axes, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import broadcast_to, ones, zeros
from labkit.ops.build import apply, known_rank
from labkit.ops.composite import through
from labkit.ops.reduce import reduce_mean
from labkit.ops.rules import same_dtype
from labkit.ops.shape import expand_dims, shape
from labkit.ops.transpose import transpose

_SOURCE = "Ba, Kiros and Hinton, Layer Normalization, 2016, equation 3"
_EPSILON = {"epsilon": Attr("float", 1e-5, low=0.0)}


def _need(condition: bool, c: OpContext) -> None:
    if not condition:
        raise ShapeError(
            "",
            rule="scale and offset have x's last dimensions, at least one; mean and deviation the others",
            received=" and ".join(show(dims) for dims in c.dims),
        )


def _one_shape(c: OpContext, *places: int) -> Dims:
    """What is known of the shape that these inputs share."""
    known: Dims = None
    for i in places:
        _need(compatible(known, c.dims[i]), c)
        known = merge(known, c.dims[i])
    return known


def _examples(c: OpContext, x: Dims, scale: Dims) -> tuple[Dims, Dims, Dims]:
    """What is known of x, of scale, and of one number for each example."""
    _need(scale != (), c)
    if x is None or scale is None:
        return x, scale, None
    lead = len(x) - len(scale)
    _need(lead >= 0 and compatible(x[lead:], scale), c)
    scale = merge(x[lead:], scale)
    assert scale is not None
    return (*x[:lead], *scale), scale, x[:lead]


def _shapes(c: OpContext) -> list[Dims]:
    x, _, one = _examples(c, c.dims[0], _one_shape(c, 1, 2))
    return [x, one, one]


def _gradient_shapes(c: OpContext) -> list[Dims]:
    x, scale, one = _examples(c, _one_shape(c, 0, 1), c.dims[2])
    _need(compatible(one, _one_shape(c, 3, 4)), c)
    return [x, scale, scale]


def _last(scale: Tensor) -> tuple[int, ...]:
    """The dimensions that are normalized, counted from the end."""
    return tuple(range(-len(scale.shape), 0))


def _gradient(op: Operation, g: Any, g_mean: Any, g_inverse: Any) -> list[Tensor | None]:
    x, scale, _ = op.inputs
    _, mean, inverse = op.outputs
    grads: list[Any] = [None, None, None]
    if g is not None:
        grads = list(x.graph.apply("LayerNormGrad", [g, x, scale, mean, inverse]).outputs)
    share = apply("InverseCount", [scale])
    of_statistics = []
    if g_mean is not None:
        of_statistics.append(broadcast_to(expand_dims(g_mean * share, _last(scale)), shape(x)))
    if g_inverse is not None:
        slope = expand_dims(-share * g_inverse * inverse * inverse * inverse, _last(scale))
        of_statistics.append((x - expand_dims(mean, _last(scale))) * slope)
    for term in of_statistics:
        grads[0] = term if grads[0] is None else grads[0] + term
    return grads


def _gradient_formula(g: Tensor, x: Tensor, scale: Tensor, mean: Tensor, inverse: Tensor) -> list[Tensor]:
    last = _last(scale)
    s = expand_dims(inverse, last)
    h = (x - expand_dims(mean, last)) * s
    scaled = g * scale
    level, slope = (reduce_mean(t, last, keepdims=True) for t in (scaled, scaled * h))
    return [(scaled - level - h * slope) * s, apply("SumToShape", [g * h, scale]), apply("SumToShape", [g, scale])]


def _reference(x: Any, scale: Any, offset: Any, epsilon: float) -> Any:
    last = tuple(range(-np.ndim(scale), 0))
    mean, inverse = x.mean(axis=last, keepdims=True), 1 / np.sqrt(x.var(axis=last, keepdims=True) + epsilon)
    y = (x - mean) * inverse * scale + offset
    return y, np.squeeze(mean, last), np.squeeze(inverse, last)


def _reference_gradient(g: Any, x: Any, scale: Any, mean: Any, inverse: Any) -> Any:
    last = tuple(range(-np.ndim(scale), 0))
    first = tuple(range(x.ndim - np.ndim(scale)))
    s = np.expand_dims(inverse, last)
    h, scaled = (x - np.expand_dims(mean, last)) * s, g * scale
    level, slope = (t.mean(axis=last, keepdims=True) for t in (scaled, scaled * h))
    return (scaled - level - h * slope) * s, (g * h).sum(axis=first), g.sum(axis=first)


_CASES = (((5, 3), 1), ((2, 3, 4), 2), ((7,), 1), ((2, 2, 17), 1), ((0, 3), 1), ((3, 33), 1), ((1300, 2), 1))


def _samples(gradient: bool) -> Any:
    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = []
        for dims, last_dims in _CASES:
            last, first = dims[-last_dims:], dims[:-last_dims]
            inputs = [rng.normal(size=dims) * 2 + 1, rng.uniform(0.5, 2, size=last), rng.normal(size=last)]
            if gradient:
                inputs = [rng.normal(size=dims), *inputs[:2], rng.normal(size=first), rng.uniform(0.5, 2, size=first)]
            attrs = {} if gradient else {"epsilon": 0.01}
            cases.append(Sample([np.asarray(x) for x in inputs], attrs, differentiate=0 < count(dims) < 500))
        return cases

    return samples


register(
    OpDef(
        name="LayerNorm",
        inputs=("x", "scale", "offset"),
        outputs=("y", "mean", "inverse"),
        attrs=_EPSILON,
        kernel="layer_norm",
        dtypes=lambda i, a: [same_dtype(dt.FLOATS)(i, a)[0]] * 3,
        shapes=_shapes,
        gradient=_gradient,
        reference=_reference,
        samples=_samples(gradient=False),
        formula="y = (x - mean) inverse scale + offset with inverse = 1 / sqrt(variance + epsilon)",
        source=_SOURCE,
        doc="x with each example, what the last dimensions hold (as many as scale has), normalized by its own mean and "
        "variance; the mean and one divided by the deviation are results, too.",
    )
)
register(
    OpDef(
        name="LayerNormGrad",
        inputs=("gradient", "x", "scale", "mean", "inverse"),
        outputs=("dx", "dscale", "doffset"),
        kernel="layer_norm_grad",
        dtypes=lambda i, a: [same_dtype(dt.FLOATS)(i, a)[0]] * 3,
        shapes=_gradient_shapes,
        gradient=through(_gradient_formula),
        reference=_reference_gradient,
        samples=_samples(gradient=True),
        formula="dx = (g s - mean(g s) - h mean(g s h)) inverse with s = scale, h = (x - mean) inverse",
        source=_SOURCE,
        doc="The gradient of LayerNorm, through the mean and the variance as well; mean(.) is taken of each example.",
    )
)


def layer_normalization(
    x: Any, scale: Any = None, offset: Any = None, axis: Any = -1, epsilon: float = 1e-5, name: str | None = None
) -> Tensor:
    """x with each example normalized to mean 0 and variance 1, times scale, plus offset (Ba et al. 2016, equation 3).

    Args:
        x: float32 or float64, of known rank.
        scale, offset: the shape of the normalized dimensions; None for ones and zeros, where that shape is known.
        axis: the dimension or dimensions that make one example.
        epsilon: is added to the variance.

    Raises:
        ShapeError: scale or offset have another shape, or an axis names no dimension.
    """
    tensor = to_tensor(x)
    rank = known_rank(tensor, "lk.nn.layer_normalization")
    axes = sorted(normal_axes([*axis] if hasattr(axis, "__iter__") else [axis], rank))
    order = [i for i in range(rank) if i not in axes] + axes
    dims = [tensor.shape[i] for i in axes]
    s = ones(dims, tensor.dtype) if scale is None else to_tensor(scale, tensor.dtype)
    b = zeros(dims, tensor.dtype) if offset is None else to_tensor(offset, tensor.dtype)
    if order == list(range(rank)):
        return apply("LayerNorm", [tensor, s, b], {"epsilon": epsilon}, name)
    y = apply("LayerNorm", [transpose(tensor, order), s, b], {"epsilon": epsilon})
    return transpose(y, [order.index(i) for i in range(rank)], name)
