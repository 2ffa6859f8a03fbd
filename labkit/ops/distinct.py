"""What is distinct among values: results whose shape depends on data, computed in Python."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.ops.rules import need_rank, same_dtype


class Unique(NamedTuple):
    """What `lk.unique` gives: the distinct values, and for each element which of them it is."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """What `lk.unique_with_counts` gives."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]


def _distinct(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(order.size)
    return x[first[order]], number[inverse].astype(np.int32), counts[order].astype(np.int32)


def _distinct_shape(c: OpContext) -> list[Dims]:
    (n,) = need_rank(c, 0, 1, "x")
    return [(None,), (n,), (None,)]


register(
    OpDef(
        name="UniqueWithCounts",
        inputs=("x",),
        outputs=("y", "idx", "count"),
        host=_distinct,
        dtypes=lambda inputs, attrs: [*same_dtype(dt.ALL)(inputs, attrs), dt.int32, dt.int32],
        shapes=_distinct_shape,
        gradient=NotDifferentiable("which values are distinct does not change smoothly"),
        formula="x[k] = y[idx[k]]; count[i] = how many idx are i",
        reference=_distinct,
        samples=lambda rng: [Sample([rng.integers(0, 5, size=n).astype(float)]) for n in (0, 1, 7, 33)],
        doc="The distinct values of x in order of first occurrence, for each element which of them it is, and how often each "
        "occurs. A NaN is distinct from every other.",
    )
)


def unique(x: Any, name: str | None = None) -> Unique:
    """The distinct values of x, shape (n,), in order of first occurrence, and for each element which of them it is (int32).

    The number of values is known when run. A NaN is distinct from every other.

    Raises:
        ShapeError: x has not one dimension.
    """
    return Unique(*unique_with_counts(x, name or "Unique")[:2])


def unique_with_counts(x: Any, name: str | None = None) -> UniqueWithCounts:
    """As `lk.unique`, and how often each value occurs (int32)."""
    tensor = to_tensor(x)
    return UniqueWithCounts(*tensor.graph.apply("UniqueWithCounts", [tensor], name=name).outputs)


class ListDiff(NamedTuple):
    """What `lk.setdiff1d` gives: the values that remain, and where they were."""

    out: Tensor
    idx: Tensor


def _remaining(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    places = np.flatnonzero(~np.isin(x, y))
    return x[places], places.astype(np.int32)


def _remaining_shape(c: OpContext) -> list[Dims]:
    need_rank(c, 0, 1, "x")
    need_rank(c, 1, 1, "y")
    return [(None,), (None,)]


register(
    OpDef(
        name="ListDiff",
        inputs=("x", "y"),
        outputs=("out", "idx"),
        host=_remaining,
        dtypes=lambda inputs, attrs: [*same_dtype(dt.ALL)(inputs, attrs), dt.int32],
        shapes=_remaining_shape,
        gradient=NotDifferentiable("which values remain does not change smoothly"),
        formula="out = x[idx], those of x that are not in y",
        reference=_remaining,
        samples=lambda rng: [
            Sample([rng.integers(0, 9, size=n).astype(float), rng.integers(0, 9, size=m).astype(float)])
            for n, m in ((7, 3), (0, 2), (33, 0), (1, 1))
        ],
        doc="The elements of x that are not in y, in order, and where they were.",
    )
)


def setdiff1d(x: Any, y: Any, name: str | None = None) -> ListDiff:
    """The elements of x, shape (n,), that are not in y, shape (m,), in order; and where they were (int32).

    Raises:
        DTypeError, ShapeError: x and y differ in dtype, or have not one dimension.
    """
    a, b = to_tensors(x, y)
    return ListDiff(*a.graph.apply("ListDiff", [a, b], name=name).outputs)
