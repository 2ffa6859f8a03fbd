"""Reductions by segment that are made of unsorted ones: means, and those whose ids are sorted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core.convert import to_tensor
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError
from labkit.ops.broadcast import ones_like, zeros_like
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast, greater
from labkit.ops.division import divide
from labkit.ops.elementwise import maximum, sqrt
from labkit.ops.indices import index_tensor, need_indices, number_tensor
from labkit.ops.logic import where
from labkit.ops.rules import need_rank
from labkit.ops.shape import expand_dims

_RULE = "Segment ids are not negative and do not fall"


def _ids_shape(c: OpContext) -> list[Dims]:
    need_rank(c, 0, 1, "segment_ids")
    return [()]


def _ids_dtypes(inputs: Any, attrs: Any) -> Any:
    need_indices(inputs, (0,))
    return [inputs[0]]


def _count(ids: np.ndarray) -> np.ndarray:
    if ids.size and (ids[0] < 0 or (np.diff(ids) < 0).any()):
        raise InvalidArgumentError("", rule=_RULE, received=str(ids.tolist())[:60])
    return np.asarray(ids[-1] + 1 if ids.size else 0, ids.dtype)


register(
    OpDef(
        name="SegmentCount",
        inputs=("segment_ids",),
        outputs=("count",),
        kernel="segment_count",
        dtypes=_ids_dtypes,
        shapes=_ids_shape,
        gradient=NotDifferentiable("a count does not change smoothly"),
        refuses=_RULE,
        formula="count = segment_ids[-1] + 1",
        reference=_count,
        samples=lambda rng: [
            Sample([np.sort(rng.integers(0, 9, size=n)).astype(d)])
            for n, d in ((7, np.int32), (0, np.int64), (33, np.int64), (1, np.int32))
        ],
        doc="How many segments sorted ids make: one more than the last. Ids that fall or are negative are an error when run.",
    )
)


def _sizes(values: Tensor, ids: Tensor, count: Tensor) -> Tensor:
    """How many rows each segment has, of values' dtype, shaped to meet the segments' rows."""
    sizes = apply("UnsortedSegmentSum", [ones_like(cast(ids, values.dtype)), ids, count])
    extra = len(values.shape) - len(ids.shape)
    return expand_dims(sizes, list(range(1, 1 + extra))) if extra else sizes


def _mean(values: Any, ids: Tensor, count: Tensor, name: str | None, *, root: bool = False) -> Tensor:
    tensor = to_tensor(values)
    sizes = maximum(_sizes(tensor, ids, count), 1)
    return divide(apply("UnsortedSegmentSum", [tensor, ids, count]), sqrt(sizes) if root else sizes, name)


@scoped("UnsortedSegmentMean")
def unsorted_segment_mean(values: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The mean of the rows of each segment, 0 where there is none; floats. Arguments as of `lk.unsorted_segment_sum`."""
    return _mean(values, index_tensor(segment_ids), number_tensor(num_segments), name)


@scoped("UnsortedSegmentSqrtN")
def unsorted_segment_sqrt_n(values: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sum of the rows of each segment divided by the root of their number, 0 where there is none; floats.

    Arguments as of `lk.unsorted_segment_sum`.
    """
    return _mean(values, index_tensor(segment_ids), number_tensor(num_segments), name, root=True)


def _function(what: str, word: str, type_name: str, empty: str) -> Callable[..., Tensor]:
    @scoped(f"Segment{word.capitalize()}")
    def build(values: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        tensor, ids = to_tensor(values), index_tensor(segment_ids)
        count = apply("SegmentCount", [ids])
        if word == "mean":
            return _mean(tensor, ids, count, name)
        if word not in ("max", "min"):
            return apply(type_name, [tensor, ids, count], name=name)
        y = apply(type_name, [tensor, ids, count])
        return where(greater(_sizes(tensor, ids, count), 0), y, zeros_like(y), name)

    build.__name__ = build.__qualname__ = f"segment_{word}"
    build.__doc__ = f"""{what} of the rows of each segment; {empty} for a segment between others that has no row.

    Args:
        values: float32, float64{"" if word == "mean" else ", int32 or int64"}; shape (n, *row).
        segment_ids: int32 or int64, shape (n,), sorted: to which segment each row belongs.

    Returns:
        Shape (last id + 1, *row); the number of segments is known when run.

    Raises:
        DTypeError, ShapeError: ids or values do not fit.
        InvalidArgumentError: when run, an id is negative or smaller than the one before it.
    """
    return build


segment_sum = _function("The sum", "sum", "UnsortedSegmentSum", "0")
segment_prod = _function("The product", "prod", "UnsortedSegmentProd", "1")
segment_max = _function("The largest", "max", "UnsortedSegmentMax", "0")
segment_min = _function("The smallest", "min", "UnsortedSegmentMin", "0")
segment_mean = _function("The mean", "mean", "", "0")
