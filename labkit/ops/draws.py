"""Random numbers of one distribution everywhere: uniform, normal, truncated normal."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.rules import same_dtype
from labkit.ops.shape import full_dims, shape_tensor
from labkit.ops.streams import STREAM_ATTRS, stream_attrs

NO_GRADIENT = NotDifferentiable("a draw does not depend on an input")
SAMPLE_STREAM = {"key": 7, "counter": "draws"}
"""The stream of records' samples."""


def _source(name: str, kernel: str, first: str, second: str, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("shape",),
            value_inputs=(0,),
            kernel=kernel,
            kernel_dtype="output",
            random=True,
            attrs={first: Attr("float"), second: Attr("float"), "dtype": Attr("dtype"), **STREAM_ATTRS},
            dtypes=lambda inputs, attrs: [attrs["dtype"]],
            shapes=lambda c: [full_dims(c)],
            lower=lambda c: ([c.attrs["key"]], [c.attrs[first], c.attrs[second]]),
            gradient=NO_GRADIENT,
            reference=lambda shape, dtype, **attrs: np.zeros(tuple(shape), dtype.numpy),
            samples=lambda rng: [
                Sample([np.asarray(dims, np.int32)], {first: 1.0, second: 2.0, "dtype": dtype, **SAMPLE_STREAM})
                for dims, dtype in (((), dt.float32), ((3, 17), dt.float64), ((33,), dt.float32), ((2, 0), dt.float32))
            ],
            doc=doc,
        )
    )


_source("RandomUniform", "random_uniform", "low", "high", "Numbers drawn evenly from low on and below high.")
_source("RandomStandardNormal", "random_normal", "mean", "stddev", "Numbers drawn from a normal distribution.")
_source(
    "TruncatedNormal",
    "random_truncated_normal",
    "mean",
    "stddev",
    "Numbers drawn from a normal distribution, drawn again when more than two standard deviations from the mean; the "
    "sample's standard deviation is 0.8796 stddev.",
)


def _bounded_shape(c: OpContext) -> list[Dims]:
    for dims in c.dims[1:]:
        if dims:
            raise ShapeError("", rule="minval and maxval are single numbers", received=show(dims))
    return [full_dims(c)]


register(
    OpDef(
        name="RandomUniformInt",
        inputs=("shape", "minval", "maxval"),
        value_inputs=(0,),
        kernel="random_uniform_int",
        kernel_dtype="output",
        random=True,
        attrs=STREAM_ATTRS,
        dtypes=lambda inputs, attrs: same_dtype((dt.int32, dt.int64))(inputs[1:], attrs),
        shapes=_bounded_shape,
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=NO_GRADIENT,
        reference=lambda shape, minval, maxval, **attrs: np.zeros(tuple(shape), np.asarray(minval).dtype),
        samples=lambda rng: [
            Sample([np.asarray(dims, np.int32), np.asarray(-3, kind), np.asarray(14, kind)], SAMPLE_STREAM)
            for dims, kind in (((), np.int32), ((3, 17), np.int64), ((33,), np.int32), ((2, 0), np.int64))
        ],
        source="D. Lemire, Fast Random Integer Generation in an Interval (2019), without its rejections",
        refuses="minval is smaller than maxval",
        doc="Whole numbers drawn from minval on and below maxval: the upper half of the product of 64 random bits and the "
        "number of values n, so that no value is more frequent than another by more than n / 2^64.",
    )
)


# --- functions --------------------------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) or (isinstance(value, np.ndarray) and not value.ndim)


def _draw(
    type_name: str, default: str, shape: Any, dtype: Any, seed: int | None, name: str | None, **numbers: float
) -> Tensor:
    graph = get_default_graph()
    kind = dt.as_dtype(dtype)
    if kind not in dt.FLOATS:
        raise InvalidArgumentError("Random numbers are floats", rule="dtype is float32 or float64", received=kind.name)
    for key, value in numbers.items():
        if not _is_number(value) or not np.isfinite(float(value)):
            raise InvalidArgumentError(f"{default}: {key} is a finite number", received=repr(value))
    attrs = {**{k: float(v) for k, v in numbers.items()}, "dtype": kind, **stream_attrs(graph, default, name, seed)}
    return graph.apply(type_name, [shape_tensor(shape)], attrs, name or default).outputs[0]


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dt.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn evenly from minval on and below maxval; new ones every run.

    Args:
        shape: a list, TensorShape, or integer tensor.
        minval, maxval: numbers or tensors. Tensors of floats are broadcast with the draw, which is then
            `minval + u (maxval - minval)`: rounding may give maxval. For whole numbers they have one element. maxval is 1 by
            default for floats, and has to be given for whole numbers.
        dtype: float32, float64, int32 or int64.
        seed: makes two operations of the same seed draw the same numbers.

    Raises:
        InvalidArgumentError: minval is above maxval (or equal, for whole numbers; of tensors when run), a number is not
            finite, or maxval is missing.
    """
    kind = dt.as_dtype(dtype)
    if kind in (dt.int32, dt.int64):
        return _random_uniform_int(shape, minval, maxval, kind, seed, name)
    maxval = 1 if maxval is None else maxval
    if minval is None:
        raise _no_range(minval, maxval, "at most")
    if not (_is_number(minval) and _is_number(maxval)):
        low, high = to_tensor(minval, kind), to_tensor(maxval, kind)
        return low + _draw("RandomUniform", "random_uniform", shape, kind, seed, name, low=0, high=1) * (high - low)
    if minval > maxval:
        raise _no_range(minval, maxval, "at most")
    return _draw("RandomUniform", "random_uniform", shape, kind, seed, name, low=minval, high=maxval)


def _no_range(minval: Any, maxval: Any, relation: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        "lk.random.uniform has nothing to draw from",
        rule=f"minval is {relation} maxval",
        received=f"minval={minval!r}, maxval={maxval!r}",
    )


def _random_uniform_int(
    shape: Any, minval: Any, maxval: Any, kind: dt.DType, seed: int | None, name: str | None
) -> Tensor:
    if maxval is None:
        raise InvalidArgumentError("lk.random.uniform needs maxval for whole numbers", received=f"dtype={kind.name}")
    if _is_number(minval) and _is_number(maxval) and minval >= maxval:
        raise _no_range(minval, maxval, "below")
    graph = get_default_graph()
    inputs = [shape_tensor(shape), to_tensor(minval, kind), to_tensor(maxval, kind)]
    attrs = stream_attrs(graph, "random_uniform", name, seed)
    return graph.apply("RandomUniformInt", inputs, attrs, name or "random_uniform").outputs[0]


def _normal(
    type_name: str, default: str, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None, name: str | None
) -> Tensor:
    if _is_number(mean) and _is_number(stddev):
        return _draw(type_name, default, shape, dtype, seed, name, mean=mean, stddev=stddev)
    kind = dt.as_dtype(dtype)
    standard = _draw(type_name, default, shape, kind, seed, name, mean=0, stddev=1)
    return standard * to_tensor(stddev, kind) + to_tensor(mean, kind)


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dt.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn from a normal distribution; new ones every run.

    Args:
        shape: a list, TensorShape, or integer tensor.
        mean, stddev: numbers, or tensors of the dtype that are broadcast with the draw and have gradients.
        dtype: float32 or float64.
        seed: makes two operations of the same seed draw the same numbers.

    Raises:
        InvalidArgumentError: a number is not finite, or the dtype is none of these.
    """
    return _normal("RandomStandardNormal", "random_normal", shape, mean, stddev, dtype, seed, name)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dt.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """As `normal`, but numbers beyond two standard deviations are drawn again: the sample's is 0.8796 stddev."""
    return _normal("TruncatedNormal", "truncated_normal", shape, mean, stddev, dtype, seed, name)


OPERATORS.update(random_uniform=random_uniform)
