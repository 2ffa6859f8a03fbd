"""Norms, variances and other sums of functions of the elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast, equal, not_equal
from labkit.ops.division import divide
from labkit.ops.elementwise import abs, add, exp, log, sqrt
from labkit.ops.logic import where
from labkit.ops.power import pow
from labkit.ops.reduce import (
    kept,
    reduce_max,
    reduce_sum,
    reduced_axes,
    reduced_shape,
    reducer,
    reduction_record,
    reduction_samples,
)
from labkit.ops.rules import same_dtype
from labkit.ops.shape import size, stop_gradient

# --- the Euclidean norm, and half its square ---


def _norm_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    y = kept(op, op.outputs[0])
    return [kept(op, g) * (op.inputs[0] / where(equal(y, 0), 1, y))]  # x is 0 where y is


def _reference_norm(x: np.ndarray, axis: Any, keepdims: bool) -> Any:
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


reduction_record(
    "EuclideanNorm",
    "euclidean_norm",
    _reference_norm,
    _norm_gradient,
    "y = √(Σ x²)",
    "The length of x over the given axes, or over all; float32 is squared in float64, so large numbers do not overflow. The "
    "gradient at 0 is 0.",
    dt.FLOATS,
    lambda rng: [s for s in reduction_samples(rng) if s.attrs["axes"] != ()],
)
register(
    OpDef(
        name="L2Loss",
        inputs=("x",),
        kernel="l2_loss",
        dtypes=same_dtype(dt.FLOATS),
        shapes=lambda c: [()],
        lower=lambda c: (list(range(len(c.dims[0] or ()))), ()),
        gradient=lambda op, g: [g * op.inputs[0]],
        formula="y = Σ x² / 2",
        reference=lambda x: np.asarray(np.sum(np.square(x)) / 2),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((), (7,), (3, 17), (2, 3, 5))],
        doc="Half the sum of the squares of x: what weight decay adds to a loss.",
    )
)


# --- variance ---


def _variance_shape(c: OpContext) -> list[Dims]:
    (dims,) = reduced_shape(c)
    if not compatible(dims, c.dims[1]):
        raise ShapeError(
            "", rule="The mean is x reduced over the axes", received=f"{show(c.dims[1])} for {show(c.dims[0])}"
        )
    return [dims]


def _variance_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x, mean = op.inputs
    share = 2 * g * apply("InverseCount", [x], {"axes": op.attrs["axes"]})
    own_mean = apply("Mean", [x], op.attrs)
    return [kept(op, share) * (x - kept(op, mean)), 2 * g * (mean - own_mean)]


def _variance_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for s in reduction_samples(rng):
        mean = np.mean(s.inputs[0], axis=s.attrs["axes"], keepdims=s.attrs["keepdims"])
        cases.append(Sample([s.inputs[0], np.asarray(mean + 0.1 * rng.normal(size=np.shape(mean)))], s.attrs))
    return cases


def _reference_variance(x: np.ndarray, mean: np.ndarray, axes: Any, keepdims: bool) -> Any:
    whole = np.mean(x, axis=axes, keepdims=True)
    return np.mean(np.square(x - np.reshape(mean, whole.shape)), axis=axes, keepdims=keepdims)


register(
    OpDef(
        name="Variance",
        inputs=("x", "mean"),
        attrs={"axes": Attr("axes", None), "keepdims": Attr("bool", False)},
        kernel="variance",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_variance_shape,
        lower=lambda c: (reduced_axes(c) or [], ()),
        gradient=_variance_gradient,
        formula="y = Σ (x - mean)² / n",
        reference=_reference_variance,
        samples=_variance_samples,
        doc="The mean square of the distances of x from given means, over the given axes or over all. With the mean of x this "
        "is its variance, in two passes and without cancellation (Chan, Golub and LeVeque 1983, equation 1.1).",
    )
)


def moments(x: Any, axes: Any, keepdims: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Mean and variance of x over `axes`, in two passes, so that a large mean costs the variance no digits.

    Args:
        x: float32 or float64.
        axes: the dimension or dimensions to reduce; None: all.
        keepdims: whether reduced dimensions stay, with size 1.

    Returns:
        (mean, variance). The variance is divided by n, as batch normalisation does. Of no elements both are NaN.

    Raises:
        ShapeError: an axis names no dimension of x.
        DTypeError: x is not floating.
    """
    tensor, attrs = to_tensor(x), {"axes": axes, "keepdims": keepdims}
    with tensor.graph.name_scope(name or "moments"):
        names = ("mean", "variance") if keepdims else ("Squeeze", "Squeeze_1")  # as TensorFlow calls the two results
        mean = apply("Mean", [tensor], attrs, names[0])
        return mean, apply("Variance", [tensor, mean], attrs, names[1])


def reduce_variance(x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The variance of numbers: the mean square of their distances from their mean, divided by n. See `lk.nn.moments`."""
    return moments(x, axis, keepdims, name or "reduce_variance")[1]


@scoped("reduce_std")
def reduce_std(x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The standard deviation of numbers, the root of `reduce_variance`. Where it is 0 its gradient is given as 0."""
    variance = reduce_variance(x, axis, keepdims)
    none = equal(variance, 0)
    return where(none, variance, sqrt(where(none, 1, variance)), name)


# --- norms ---

reduce_euclidean_norm = reducer("EuclideanNorm", "The length √(Σ x²) of vectors", " Its gradient at 0 is 0.")


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Σ t² / 2 of all elements; floats."""
    return apply("L2Loss", [to_tensor(t)], name=name)


def norm(
    tensor: Any, ord: str | float = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The norm of vectors, or of matrices.

    Args:
        tensor: float32 or float64.
        ord: "euclidean" (or 2): √(Σ x²), over all the axes given. 1: Σ |x|. inf: max |x|, -inf: min |x|. Another number
            p > 0: (Σ |x|^p)^(1/p). For matrices: "euclidean" or "fro", or the largest sum of |x| in a column (1) or in a
            row (inf).
        axis: an axis: vectors; a pair (rows, columns): matrices; None: all elements are one vector.
        keepdims: whether reduced dimensions stay, with size 1.

    Returns:
        The norms. Their gradient at 0 is 0.

    Raises:
        InvalidArgumentError: there is no such norm, or not of matrices.
        ShapeError: an axis names no dimension of the tensor.
    """
    x = to_tensor(tensor)
    matrices = isinstance(axis, tuple | list) and len(axis) == 2
    if isinstance(ord, str):
        power = {"euclidean": 2.0, "fro": 2.0 if matrices else 0.0}.get(ord, 0.0)
    else:
        known = isinstance(ord, int | float | np.number) and not (matrices and ord == 2)
        power = float(ord) if known else 0.0
    if not (power > 0 or power == -math.inf) or (matrices and power not in (1, 2, math.inf)):
        raise InvalidArgumentError(
            "There is no such norm",
            rule="Of vectors: 'euclidean', a number above 0, inf or -inf; of matrices: 'euclidean', 'fro', 1 or inf",
            received=f"ord={ord!r} for axis={axis!r}",
            fix="The spectral norm of a matrix is its largest singular value.",
        )
    with x.graph.name_scope(name or "norm"):
        if power == 2:
            return reduce_euclidean_norm(x, axis, keepdims)
        if matrices:
            rows, columns = axis if power == 1 else reversed(axis)
            sums = reduce_sum(abs(x), rows, keepdims=True)
            largest = reduce_max(sums, columns, keepdims=True)
            return largest if keepdims else apply("Squeeze", [largest], {"axes": tuple(axis)})
        if math.isinf(power):
            return apply("Max" if power > 0 else "Min", [abs(x)], {"axes": axis, "keepdims": keepdims})
        if power == 1:
            return reduce_sum(abs(x), axis, keepdims)
        total = reduce_sum(pow(abs(x), power), axis, keepdims)
        none = equal(total, 0)
        return where(none, total, pow(where(none, 1, total), 1 / power))


@scoped("ReduceLogSumExp")
def reduce_logsumexp(x: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """log(Σ e^x) of numbers, shifted by the largest, so that nothing overflows; of none, or of -inf alone, -inf.

    Args:
        x: float32 or float64.
        axis: the dimension or dimensions to reduce, negative ones counted from the end; default: all.
        keepdims: whether reduced dimensions stay, with size 1.

    Raises:
        ShapeError: an axis names no dimension of x.
        DTypeError: x is not floating.
    """
    tensor = to_tensor(x)
    most = stop_gradient(reduce_max(tensor, axis, keepdims=True))
    shift = where(abs(most) < math.inf, most, 0)
    total = reduce_sum(exp(tensor - shift), axis, keepdims)
    none = equal(total, 0)
    logarithm = where(none, -math.inf, log(where(none, 1, total)))
    return add(logarithm, shift if keepdims else reduce_sum(shift, axis), name)


def count_nonzero(
    x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = dt.int64, name: str | None = None
) -> Tensor:
    """How many elements are not 0, or are true; NaN counts.

    Args:
        x: any dtype.
        axis: the dimension or dimensions to reduce, negative ones counted from the end; default: all.
        keepdims: whether reduced dimensions stay, with size 1.
        dtype: the result's dtype, a numeric one.
    """
    tensor = to_tensor(x)
    with tensor.graph.name_scope(name or "count_nonzero"):
        there = tensor if tensor.dtype is dt.bool_ else not_equal(tensor, 0)
        return reduce_sum(cast(there, dtype), axis, keepdims)


def zero_fraction(x: Any, name: str | None = None) -> Tensor:
    """The share of elements that are 0, float32; of none it is NaN."""
    tensor = to_tensor(x)
    with tensor.graph.name_scope(name or "zero_fraction"):
        zeros = cast(equal(tensor, 0), dt.float32)
        return divide(reduce_sum(zeros), cast(size(tensor), dt.float32), "fraction")
