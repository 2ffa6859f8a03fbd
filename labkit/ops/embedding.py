"""Embeddings: rows of a table looked up by number, one by one or summed in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.broadcast import ones_like
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast, equal
from labkit.ops.elementwise import maximum, sqrt, square
from labkit.ops.gather import gather, rows_of
from labkit.ops.indices import addressed, first_dim, index_tensor, need_same
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import need_rank
from labkit.ops.shape import expand_dims, reshape


@scoped("embedding_lookup")
def embedding_lookup(params: Any, ids: Any, max_norm: float | None = None, name: str | None = None) -> Tensor:
    """The rows of `params` that `ids` name: `lk.gather` on axis 0, whose gradient has the form of rows (`IndexedSlices`).

    Args:
        params: the table, shape (rows, ...); usually a variable.
        ids: int32 or int64, any shape.
        max_norm: a row whose Euclidean norm is larger is scaled down to it.

    Returns:
        Shape ids.shape + params.shape[1:].

    Raises:
        DTypeError, ShapeError: ids or params do not fit.
        InvalidArgumentError: max_norm is not positive; when run, an id is out of range.
    """
    rows = gather(params, ids)
    if max_norm is None:
        return rows
    if not isinstance(max_norm, int | float | np.number) or not 0 < max_norm < float("inf"):
        raise InvalidArgumentError("max_norm is a positive number", received=repr(max_norm))
    axes = list(range(len(index_tensor(ids).shape), len(rows.shape)))
    squares = reduce_sum(square(rows), axes, keepdims=True)
    return rows * (max_norm / sqrt(maximum(squares, max_norm**2)))


# --- bags ---


def _bag_count(c: OpContext, ids: Dims, offsets: Dims) -> int | None:
    """How many bags there are: one for each offset, or for each row of ids that have two dimensions."""
    if offsets is not None and len(offsets) != 1:
        raise ShapeError("", rule="offsets has one dimension", received=show(offsets))
    if ids is None:
        return None
    if len(ids) == 1:
        return None if offsets is None else offsets[0]
    if len(ids) != 2:
        raise ShapeError("", rule="ids has one dimension (with offsets) or two (without)", received=show(ids))
    if offsets is not None and offsets[0]:
        raise ShapeError("", rule="ids of two dimensions need no offsets: each row is a bag", received=show(offsets))
    return ids[0]


def _bags_shape(c: OpContext) -> list[Dims]:
    _, width = need_rank(c, 0, 2, "The table")
    if len(c.dims) > 3:
        need_same(c.dims[3], c.dims[1], "There is one weight for each id: the weights have the shape")
    return [(_bag_count(c, c.dims[1], c.dims[2]), width)]


def _positions(ids: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The bag of each position."""
    if ids.ndim == 2:
        return np.repeat(np.arange(ids.shape[0]), ids.shape[1])
    ends = np.append(offsets[1:], ids.size)
    if (offsets.size and offsets[0] != 0) or (ends < offsets).any() or (ends > ids.size).any():
        raise IndexError("offsets that fall")
    return np.repeat(np.arange(offsets.size), ends - offsets)


def _reference_bags(
    x: np.ndarray, ids: np.ndarray, offsets: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    if (ids < 0).any():
        raise IndexError("negative")
    rows = x[ids.reshape(-1)]
    y = np.zeros((ids.shape[0] if ids.ndim == 2 else offsets.size, x.shape[1]), x.dtype)
    np.add.at(y, _positions(ids, offsets), rows if weights is None else rows * weights.reshape(-1, 1))
    return y


def _bag_gradient(op: Operation, g: Tensor) -> list[Any]:
    x, ids, offsets = op.inputs[:3]
    flat = reshape(ids, [-1])
    arriving = gather(g, apply("BagIds", [offsets, ids]))  # for each position what arrives at its bag
    if op.type == "EmbeddingBag":
        return [rows_of(arriving, flat, x), None, None]
    weights = op.inputs[3]
    along = reshape(reduce_sum(gather(x, flat) * arriving, -1), apply("Shape", [ids]))
    return [rows_of(arriving * reshape(weights, [-1, 1]), flat, x), None, None, along]


_BAG_CASES: Any = (
    ((5, 3), [0, 4, 4, 1, 2], [0, 2, 2], np.int32),
    ((7, 17), [[6, 0, 3], [3, 3, 1]], [], np.int64),
    ((4, 33), [1, 2, 0, 3, 3, 3, 1], [0, 1], np.int32),
    ((3, 150), [[0], [2]], [], np.int32),
)


def _bag_samples(rng: np.random.Generator, *, weighted: bool) -> list[Sample]:
    cases = []
    for dims, ids, offsets, dtype in _BAG_CASES:
        arrays = [rng.normal(size=dims), np.asarray(ids, dtype), np.asarray(offsets, dtype)]
        cases.append(Sample([*arrays, rng.normal(size=np.shape(ids))] if weighted else arrays))
    return cases


def _bags(name: str, *, weighted: bool, formula: str, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("x", "ids", "offsets", "weights") if weighted else ("x", "ids", "offsets"),
            kernel="embedding_bag",
            dtypes=addressed((0, 3) if weighted else 0, (1, 2), dt.FLOATS),
            shapes=_bags_shape,
            gradient=_bag_gradient,
            formula=formula,
            reference=_reference_bags,
            samples=lambda rng: _bag_samples(rng, weighted=weighted),
            doc=doc,
        )
    )


_WHERE = (
    "Bag b holds the positions from offsets[b] to offsets[b + 1]; ids of two dimensions need no offsets, their rows are the "
    "bags. An id out of range, or offsets that fall, are an error when run."
)
_bags(
    "EmbeddingBag",
    weighted=False,
    formula="y[b, :] = sum over k in bag b of x[ids[k], :]",
    doc="The sum of the rows of x that the ids of each bag name, without an array of these rows. " + _WHERE,
)
_bags(
    "WeightedEmbeddingBag",
    weighted=True,
    formula="y[b, :] = sum over k in bag b of weights[k] x[ids[k], :]",
    doc="The weighted sum of the rows of x that the ids of each bag name, without an array of these rows. " + _WHERE,
)


def _bag_ids_shape(c: OpContext) -> list[Dims]:
    _bag_count(c, c.dims[1], c.dims[0])
    dims = c.dims[1]
    return [(None if dims is None or None in dims else int(np.prod(dims)),)]  # type: ignore[arg-type]


register(
    OpDef(
        name="BagIds",
        inputs=("offsets", "ids"),
        outputs=("bag_ids",),
        shape_inputs=(1,),
        kernel="bag_ids",
        dtypes=lambda inputs, attrs: addressed(0, (0, 1), dt.INTS)(inputs, attrs),
        shapes=_bag_ids_shape,
        lower=lambda c: ((c.dims[1] or ())[1:] or (0,), ()),  # type: ignore[arg-type,return-value]
        gradient=NotDifferentiable("the number of a bag does not change smoothly"),
        formula="bag_ids[k] = b for offsets[b] <= k < offsets[b + 1]",
        reference=lambda offsets, ids: _positions(np.asarray(ids), offsets),
        samples=lambda rng: [
            Sample([np.asarray(offsets, dtype), np.asarray(ids, dtype)]) for _, ids, offsets, dtype in _BAG_CASES
        ],
        doc="The bag that each position of EmbeddingBag's ids is in.",
    )
)


def embedding_bag(
    params: Any,
    ids: Any,
    offsets: Any = None,
    weights: Any = None,
    combiner: str = "mean",
    name: str | None = None,
) -> Tensor:
    """For each bag of ids the sum or mean of the rows of `params` that they name, without an array of these rows.

    Args:
        params: the table, float32 or float64, shape (rows, width).
        ids: int32 or int64; shape (bags, length), or (n,) with `offsets`.
        offsets: int32 or int64, shape (bags,): where each bag begins in ids; it starts at 0 and does not fall.
        weights: of params' dtype and ids' shape; default: ones.
        combiner: "sum": the sum of weight times row; "mean": that divided by the sum of the weights; "sqrtn": divided
            by the root of the sum of their squares. A bag whose divisor is 0, such as an empty one, gives zeros.

    Returns:
        Shape (bags, width). The gradient with respect to params has the form of rows (`IndexedSlices`).

    Raises:
        DTypeError, ShapeError: the operands do not fit.
        InvalidArgumentError: there is no such combiner; when run, an id is out of range, or offsets fall.
    """
    if combiner not in ("sum", "mean", "sqrtn"):
        raise InvalidArgumentError(
            "embedding_bag has no such combiner", rule="It is 'sum', 'mean' or 'sqrtn'", received=repr(combiner)
        )
    table, index = to_tensor(params), index_tensor(ids)
    starts = index_tensor([] if offsets is None else offsets)
    if offsets is None and (index.dims is None or len(index.dims) != 2):
        raise ShapeError(
            "embedding_bag needs to know the bags",
            rule="ids have two dimensions, or offsets say where each bag begins",
            received=f"ids of shape {show(index.dims)} without offsets",
        )
    if weights is None:
        total = apply("EmbeddingBag", [table, index, starts], name=name)
        if combiner == "sum":
            return total
        weight = ones_like(reshape(cast(index, table.dtype), [-1]))
    else:
        given = to_tensor(weights, table.dtype)
        total = apply("WeightedEmbeddingBag", [table, index, starts, given], name=name)
        if combiner == "sum":
            return total
        weight = reshape(given, [-1])
    bags = apply("BagIds", [starts, index])
    summed = weight if combiner == "mean" else square(weight)
    divisor = apply("UnsortedSegmentSum", [summed, bags, first_dim(total)])
    nothing = cast(equal(divisor, 0), table.dtype)
    share = (1 - nothing) / (divisor + nothing if combiner == "mean" else sqrt(divisor + nothing))
    return total * expand_dims(share, -1)
