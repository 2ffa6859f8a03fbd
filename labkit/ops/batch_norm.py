"""Batch normalization: every channel, the last dimension, is one population (Ioffe and Szegedy 2015)."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dim, Dims, count, is_known, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import broadcast_to, ones_like, zeros_like
from labkit.ops.build import apply, scoped
from labkit.ops.composite import through
from labkit.ops.elementwise import maximum, sqrt
from labkit.ops.rules import same_dtype
from labkit.ops.shape import shape

_SOURCE = "Ioffe and Szegedy, Batch Normalization, 2015, algorithm 1"
_EPSILON = {"epsilon": Attr("float", 1e-3, low=0.0)}


def _dims(c: OpContext, whole: tuple[int, ...], single: tuple[int, ...]) -> tuple[Dims, Dims]:
    """What is known of x and of one number for each channel, from the inputs `whole` and `single` that have these shapes."""
    x: Dims = None
    channels: Dim = None
    for i in whole:
        _need(x is None or c.dims[i] is None or len(x) == len(c.dims[i]), c)  # type: ignore[arg-type]
        _need(all(m is None or n is None or m == n for m, n in zip(x or (), c.dims[i] or (), strict=False)), c)
        x = merge(x, c.dims[i])
    _need(x != (), c)
    for dims in [c.dims[i] for i in single] + [None if x is None else x[-1:]]:
        _need(dims is None or len(dims) == 1, c)
        known = None if dims is None else dims[0]
        _need(channels is None or known is None or channels == known, c)
        channels = known if channels is None else channels
    return None if x is None else (*x[:-1], channels), (channels,)


def _need(condition: bool, c: OpContext) -> None:
    if not condition:
        raise ShapeError(
            "",
            rule="x is (..., channels); everything else has one number for each channel, or x's shape where it is a gradient",
            received=" and ".join(show(dims) for dims in c.dims),
        )


def _normalize_shapes(c: OpContext) -> list[Dims]:
    return [_dims(c, (0,), (1, 2, 3, 4))[0]]


def _train_shapes(c: OpContext) -> list[Dims]:
    x, channel = _dims(c, (0,), (1, 2))
    return [x, channel, channel]


def _gradient_shapes(c: OpContext) -> list[Dims]:
    x, channel = _dims(c, (0, 1), (2, 3, 4))
    return [x, channel, channel]


def _sum(x: Tensor) -> Tensor:
    """The sum of each channel."""
    return apply("BiasAddGrad", [x])


def _share(x: Tensor, channel: Tensor) -> Tensor:
    """One divided by the number of elements of a channel."""
    return apply("InverseCount", [x]) / apply("InverseCount", [channel])


def _normalize_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x, mean, variance, scale, _ = op.inputs
    inverse = 1 / sqrt(variance + op.attrs["epsilon"])
    total, along = _sum(g), _sum(g * (x - mean))
    factor = scale * inverse
    return [g * factor, -factor * total, -0.5 * factor * inverse * inverse * along, along * inverse, total]


def _train_gradient(op: Operation, g: Any, g_mean: Any, g_variance: Any) -> list[Tensor | None]:
    x, scale, _ = op.inputs
    _, mean, variance = op.outputs
    grads: list[Any] = [None, None, None]
    if g is not None:
        grads = list(x.graph.apply("FusedBatchNormGrad", [g, x, scale, mean, variance], op.attrs).outputs)
    of_statistics = []
    if g_mean is not None:
        of_statistics.append(broadcast_to(g_mean * _share(x, mean), shape(x)))
    if g_variance is not None:
        of_statistics.append((x - mean) * (2 * g_variance * _share(x, mean)))
    for term in of_statistics:
        grads[0] = term if grads[0] is None else grads[0] + term
    return grads


def _gradient_formula(g: Tensor, x: Tensor, scale: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Any:
    inverse = 1 / sqrt(variance + epsilon)
    h = (x - mean) * inverse
    dscale, doffset, share = _sum(g * h), _sum(g), _share(x, scale)
    return [scale * inverse * (g - doffset * share - h * (dscale * share)), dscale, doffset]


def _reference(x: Any, scale: Any, offset: Any, epsilon: float) -> Any:
    axes, n = tuple(range(x.ndim - 1)), np.prod(x.shape[:-1])
    with np.errstate(invalid="ignore"):  # no rows have the mean NaN
        mean = x.sum(axis=axes) / n
        variance = ((x - mean) ** 2).sum(axis=axes) / n
    return (x - mean) / np.sqrt(variance + epsilon) * scale + offset, mean, variance


def _reference_gradient(g: Any, x: Any, scale: Any, mean: Any, variance: Any, epsilon: float) -> Any:
    inverse, axes = 1 / np.sqrt(variance + epsilon), tuple(range(x.ndim - 1))
    h = (x - mean) * inverse
    n = max(np.prod(x.shape[:-1]), 1)
    dscale, doffset = (g * h).sum(axis=axes), g.sum(axis=axes)
    return scale * inverse * (g - doffset / n - h * dscale / n), dscale, doffset


_SHAPES = ((5, 3), (2, 3, 2, 2), (1, 1), (17, 1), (4, 17), (0, 2), (2100, 2))


def _train_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(
            [rng.normal(size=dims) * 2 + 1, rng.uniform(0.5, 2, size=dims[-1:]), rng.normal(size=dims[-1:])],
            {"epsilon": 0.01},
            differentiate=0 < count(dims) < 500,
        )
        for dims in _SHAPES
    ]


def _all_samples(order: tuple[int, ...]) -> Any:
    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = []
        for dims in _SHAPES:
            one = dims[-1:]
            inputs = [rng.normal(size=dims), rng.normal(size=dims), rng.uniform(0.5, 2, size=one), rng.normal(size=one)]
            inputs += [rng.uniform(0.3, 2, size=one), rng.normal(size=one)]
            case = [inputs[i] for i in order]
            cases.append(Sample(case, {"epsilon": 0.02}, differentiate=0 < count(dims) < 500))
        return cases

    return samples


register(
    OpDef(
        name="BatchNormalize",
        inputs=("x", "mean", "variance", "scale", "offset"),
        attrs=_EPSILON,
        kernel="batch_normalize",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_normalize_shapes,
        gradient=_normalize_gradient,
        reference=lambda x, mean, variance, scale, offset, epsilon: (
            (x - mean) / np.sqrt(variance + epsilon) * scale + offset
        ),
        samples=_all_samples((0, 3, 4, 2, 5)),
        formula="y = (x - mean) / sqrt(variance + epsilon) scale + offset",
        source=_SOURCE,
        doc="x with each channel, the last dimension, normalized by a given mean and variance.",
    )
)
register(
    OpDef(
        name="FusedBatchNorm",
        inputs=("x", "scale", "offset"),
        outputs=("y", "mean", "variance"),
        attrs=_EPSILON,
        kernel="batch_norm",
        dtypes=lambda i, a: [same_dtype(dt.FLOATS)(i, a)[0]] * 3,
        shapes=_train_shapes,
        gradient=_train_gradient,
        reference=_reference,
        samples=_train_samples,
        formula="y = (x - mean) / sqrt(variance + epsilon) scale + offset",
        source=_SOURCE,
        doc="x with each channel, the last dimension, normalized by its own mean and variance (that of the population, "
        "divided by the count), which are results, too.",
    )
)
register(
    OpDef(
        name="FusedBatchNormGrad",
        inputs=("gradient", "x", "scale", "mean", "variance"),
        outputs=("dx", "dscale", "doffset"),
        attrs=_EPSILON,
        kernel="batch_norm_grad",
        dtypes=lambda i, a: [same_dtype(dt.FLOATS)(i, a)[0]] * 3,
        shapes=_gradient_shapes,
        gradient=through(_gradient_formula),
        reference=_reference_gradient,
        samples=_all_samples((0, 1, 2, 3, 4)),
        formula="dx = scale / s (g - mean(g) - h mean(g h)) with s = sqrt(variance + epsilon), h = (x - mean) / s",
        source=_SOURCE,
        doc="The gradient of FusedBatchNorm, through the mean and the variance as well; mean(.) is taken of each channel.",
    )
)


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 1e-3,
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalization in one pass (Ioffe and Szegedy 2015, algorithm 1).

    Args:
        x: shape (..., channels); float32 or float64.
        scale, offset: shape (channels,).
        mean, variance: shape (channels,), what x is normalized by when not training.
        epsilon: is added to the variance.
        is_training: whether x is normalized by its own mean and variance.

    Returns:
        y of x's shape, and each channel's mean and variance. When training the variance is that of a sample, N / (N - 1)
        times what y was normalized by, as moving averages want it; otherwise both are the given ones.

    Raises:
        ShapeError: channels do not fit, or mean and variance are missing when not training.
    """
    tensor = to_tensor(x)
    s, b = to_tensor(scale, tensor.dtype), to_tensor(offset, tensor.dtype)
    if is_training:
        y, m, v = tensor.graph.apply("FusedBatchNorm", [tensor, s, b], {"epsilon": epsilon}, name).outputs
        share = _share(tensor, m)
        return y, m, v / maximum(1 - share, share)  # of a single element: v itself, which is 0
    if mean is None or variance is None:
        raise ShapeError("fused_batch_norm lacks mean or variance", rule="Both are given unless is_training is true")
    m, v = to_tensor(mean, tensor.dtype), to_tensor(variance, tensor.dtype)
    return apply("BatchNormalize", [tensor, m, v, s, b], {"epsilon": epsilon}, name), m, v


@scoped("batchnorm")
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float, name: str | None = None
) -> Tensor:
    """(x - mean) / sqrt(variance + variance_epsilon) scale + offset (Ioffe and Szegedy 2015).

    Args:
        x: float32 or float64.
        mean, variance, offset, scale: shapes that broadcast to x's, e.g. (channels,) or what `lk.nn.moments` gives with
            keepdims; offset and scale may be None.
        variance_epsilon: a small number that keeps the root away from 0.
    """
    tensor = to_tensor(x)
    m, v = to_tensor(mean, tensor.dtype), to_tensor(variance, tensor.dtype)
    b = None if offset is None else to_tensor(offset, tensor.dtype)
    s = None if scale is None else to_tensor(scale, tensor.dtype)
    channels = None if tensor.dims is None else tensor.dims[-1:]
    if channels and is_known(channels) and all(t is None or t.dims == channels for t in (m, v, b, s)):  # in one pass
        inputs = [tensor, m, v, ones_like(m) if s is None else s, zeros_like(m) if b is None else b]
        return apply("BatchNormalize", inputs, {"epsilon": variance_epsilon}, "add_1")
    inverse = 1 / sqrt(v + variance_epsilon)
    y = (tensor - m) * (inverse if s is None else inverse * s)
    return y if b is None else y + b


def batch_norm_with_global_normalization(
    t: Any,
    m: Any,
    v: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: float,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Tensor:
    """batch_normalization under its first name: t normalized by mean m and variance v, times gamma if wanted, plus beta."""
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)
