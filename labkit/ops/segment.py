"""Reductions by segment: rows that have the same id are combined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims
from labkit.core.tensor import OPERATORS, Tensor
from labkit.ops.build import apply
from labkit.ops.compare import cast, equal
from labkit.ops.elementwise import maximum
from labkit.ops.indices import addressed, index_tensor, joined, need_same, number_tensor, whole_number


def _unsorted_shape(c: OpContext) -> list[Dims]:
    values, ids, count = c.dims[0], c.dims[1], whole_number(c.values[2], "The number of segments")
    if values is None or ids is None:
        return [None]
    need_same(values[: len(ids)], ids, "The values' first dimensions are those of the ids,")
    return [joined((count,), values[len(ids) :])]


def _dtypes(inputs: Any, attrs: Any) -> Any:
    return addressed(0, (1, 2), dt.NUMERIC)(inputs, attrs)


def _spread(op: Operation, x: Tensor) -> Tensor:
    """For each row its segment's row of x; zeros for rows that are in no segment."""
    return apply("GatherOrZeros", [x, op.inputs[1]])


def _extreme_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    values, ids, count = op.inputs
    winners = cast(equal(values, _spread(op, op.outputs[0])), values.dtype)
    shares = maximum(apply("UnsortedSegmentSum", [winners, ids, count]), 1)
    return [winners * _spread(op, g / shares), None, None]


def _prod_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    # The product of the others: y / x; where x is 0, the product of what is not 0, if that is all but x.
    values, ids, count = op.inputs
    zero = cast(equal(values, 0), values.dtype)
    safe = values + zero
    zeros = apply("UnsortedSegmentSum", [zero, ids, count])
    rest = apply("UnsortedSegmentProd", [safe, ids, count]) * cast(equal(zeros, 1), values.dtype)
    others = (1 - zero) * _spread(op, op.outputs[0]) / safe + zero * _spread(op, rest)
    return [_spread(op, g) * others, None, None]


def _reference(combine: Any, neutral: Any) -> Callable[..., np.ndarray]:
    def reference(values: np.ndarray, ids: np.ndarray, count: Any) -> np.ndarray:
        rows = values.reshape(-1, *values.shape[ids.ndim :])
        start = neutral(values.dtype) if callable(neutral) else neutral
        result = np.full((int(count), *rows.shape[1:]), start, values.dtype)
        flat = ids.reshape(-1)
        if flat.size and flat.max() >= int(count):
            raise IndexError("an id is too large")
        combine.at(result, flat[flat >= 0], rows[flat >= 0])
        return result

    return reference


def _lowest(dtype: np.dtype) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _highest(dtype: np.dtype) -> Any:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


def _samples(rng: np.random.Generator, empty: bool) -> list[Sample]:
    cases = [
        ((5, 3), [0, 2, 0, -1, 2] if empty else [0, 2, 0, -1, 1], 3, np.int32),
        ((7,), [1, 1, 1, 0, 2, 2, 1], 3, np.int64),
        ((2, 3, 17), [[3, 0, 3], [-2, 1, 2]], 4, np.int32),
        ((0, 2), np.zeros(0), 2 if empty else 0, np.int32),
    ]
    return [
        Sample([rng.permutation(int(np.prod(dims))).reshape(dims) * 0.25 + 1, np.asarray(ids, d), np.asarray(count, d)])
        for dims, ids, count, d in cases
    ]


def _unsorted(name: str, kernel: str, gradient: Any, reference: Any, formula: str, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("values", "segment_ids", "num_segments"),
            value_inputs=(2,),
            kernel=kernel,
            dtypes=_dtypes,
            shapes=_unsorted_shape,
            gradient=gradient,
            formula=formula,
            reference=reference,
            # an empty segment's extreme is infinite, and infinities have no differences
            samples=lambda rng: _samples(rng, empty=gradient is not _extreme_gradient),
            doc=doc,
        )
    )


_unsorted(
    "UnsortedSegmentSum",
    "unsorted_segment_sum",
    lambda op, g: [_spread(op, g), None, None],
    _reference(np.add, 0),
    "y[s, :] = sum over k with segment_ids[k] = s of values[k, :]",
    "The sum of the rows of each segment, added in order of position; 0 where there is none. Rows with a negative id are "
    "left out; an id that is too large is an error when run.",
)
_unsorted(
    "UnsortedSegmentProd",
    "unsorted_segment_prod",
    _prod_gradient,
    _reference(np.multiply, 1),
    "y[s, :] = product over k with segment_ids[k] = s of values[k, :]",
    "The product of the rows of each segment; 1 where there is none. Rows with a negative id are left out.",
)
_unsorted(
    "UnsortedSegmentMax",
    "unsorted_segment_max",
    _extreme_gradient,
    _reference(np.maximum, _lowest),
    "y[s, :] = max over k with segment_ids[k] = s of values[k, :]",
    "The largest of the rows of each segment, a NaN if there is one; minus infinity (for integers: the smallest) where "
    "there is no row. Several largest share the gradient. Rows with a negative id are left out.",
)
_unsorted(
    "UnsortedSegmentMin",
    "unsorted_segment_min",
    _extreme_gradient,
    _reference(np.minimum, _highest),
    "y[s, :] = min over k with segment_ids[k] = s of values[k, :]",
    "The smallest of the rows of each segment, a NaN if there is one; infinity (for integers: the largest) where there is "
    "no row. Several smallest share the gradient. Rows with a negative id are left out.",
)


def _function(type_name: str, what: str, empty: str) -> Callable[..., Tensor]:
    def build(values: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        count = number_tensor(num_segments)
        return apply(type_name, [to_tensor(values), index_tensor(segment_ids), count], name=name)

    build.__name__ = build.__qualname__ = f"unsorted_segment_{type_name.removeprefix('UnsortedSegment').lower()}"
    build.__doc__ = f"""{what} of the rows of each segment; {empty} where there is none.

    Args:
        values: float32, float64, int32 or int64; shape segment_ids.shape + row.
        segment_ids: int32 or int64; to which segment each row belongs. Rows with a negative id are left out.
        num_segments: an int, or an integer scalar.

    Returns:
        Shape (num_segments, *row).

    Raises:
        DTypeError, ShapeError: ids or values do not fit.
        InvalidArgumentError: when run, an id is num_segments or more.
    """
    return build


unsorted_segment_sum = _function("UnsortedSegmentSum", "The sum", "0")
unsorted_segment_prod = _function("UnsortedSegmentProd", "The product", "1")
unsorted_segment_max = _function("UnsortedSegmentMax", "The largest", "minus infinity (the smallest integer)")
unsorted_segment_min = _function("UnsortedSegmentMin", "The smallest", "infinity (the largest integer)")

OPERATORS.update(unsorted_segment_sum=unsorted_segment_sum)
