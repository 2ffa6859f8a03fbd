"""Putting parts into a tensor at indices: the reverse of gathering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.ops.broadcast import zeros_like
from labkit.ops.build import apply
from labkit.ops.gather import ND_CASES, gather_nd
from labkit.ops.indices import addressed, addressed_rows, index_tensor, joined, need_same
from labkit.ops.shape import full_dims, int_array, shape_tensor


def check_updates(c: OpContext, indices: Dims, updates: Dims, x: Dims) -> None:
    """Raises ShapeError unless there is one update, a part of x, for each index."""
    wanted = joined(*addressed_rows(c, indices, x))
    need_same(updates, wanted, "There is one update for each index, of the shape")


def _scatter_nd_shape(c: OpContext) -> list[Dims]:
    dims = full_dims(c, 2)
    check_updates(c, c.dims[0], c.dims[1], dims)
    return [dims]


def _dtypes(inputs: Any, attrs: Any) -> Sequence[dt.DType]:
    return addressed(1, (0, 2), dt.NUMERIC)(inputs, attrs)


def place(indices: np.ndarray) -> tuple[np.ndarray, ...]:
    """NumPy's form of an index whose last dimension addresses the first dimensions of an array."""
    if (indices < 0).any():
        raise IndexError("negative")
    return tuple(np.moveaxis(indices, -1, 0))


def combined(x: np.ndarray, indices: np.ndarray, updates: np.ndarray, combine: Any) -> np.ndarray:
    """NumPy's scatter: a copy of x with all updates combined, in order; None replaces."""
    result = np.array(x)
    if not indices.shape[-1]:
        rows = updates.reshape(-1, *x.shape)
        for row in rows:
            result = np.array(row) if combine is None else combine(result, row)
    elif combine is None:
        result[place(indices)] = updates
    else:
        combine.at(result, place(indices), updates)
    return result


def nd_samples(rng: np.random.Generator, cases: Any = ND_CASES) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """(dims, indices, updates) of scattering."""
    found = []
    for dims, indices, dtype in cases:
        index = np.asarray(indices, dtype)
        found.append((dims, index, rng.normal(size=(*index.shape[:-1], *dims[index.shape[-1] :])) * 9))
    return found


register(
    OpDef(
        name="ScatterNd",
        inputs=("indices", "updates", "shape"),
        value_inputs=(2,),
        kernel="scatter_nd",
        kernel_dtype="output",
        dtypes=_dtypes,
        shapes=_scatter_nd_shape,
        lower=lambda c: ((0,), ()),
        gradient=lambda op, g: [None, gather_nd(g, op.inputs[0]), None],
        formula="y[indices[k, 0], indices[k, 1] ..., :] += updates[k, :], from zeros on",
        reference=lambda indices, updates, shape: combined(
            np.zeros(tuple(np.asarray(shape, int)), updates.dtype), indices, updates, np.add
        ),
        samples=lambda rng: [Sample([index, updates, int_array(dims)]) for dims, index, updates in nd_samples(rng)],
        doc="Zeros of a given shape to which the updates are added at their indices; the last dimension of the indices is "
        "one index. Updates of one place are added in order of position. An index out of range is an error when run.",
    )
)


def _tensor_shape(c: OpContext) -> list[Dims]:
    check_updates(c, c.dims[1], c.dims[2], c.dims[0])
    return [c.dims[0]]


def _tensor_scatter(name: str, how: str, gradient: Any, combine: Any, allowed: Any, formula: str, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("x", "indices", "updates"),
            kernel=f"tensor_scatter_{how}",
            in_place=f"scatter_{how}",
            dtypes=addressed((0, 2), 1, allowed),
            shapes=_tensor_shape,
            lower=lambda c: ((0,), ()),
            gradient=gradient,
            formula=formula,
            reference=lambda x, indices, updates: combined(x, indices, updates, combine),
            samples=lambda rng: [
                Sample([rng.normal(size=dims) * 9, index, updates]) for dims, index, updates in nd_samples(rng)
            ],
            doc=doc,
        )
    )


def _update_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    # Of several updates of one place the last one stands, and gets the gradient.
    x, indices, updates = op.inputs
    stays = gather_nd(g, indices) * apply("ScatterWinners", [indices, updates, x])  # first: then g may change in place
    return [apply("TensorScatterUpdate", [g, indices, zeros_like(updates)]), None, stays]


def _winners(indices: np.ndarray, updates: np.ndarray, x: np.ndarray) -> np.ndarray:
    numbers = np.arange(int(np.prod(indices.shape[:-1]))).reshape(indices.shape[:-1])
    last = np.zeros(np.shape(x)[: indices.shape[-1]], int)
    last[place(indices)] = numbers
    stays = np.expand_dims(last[place(indices)] == numbers, tuple(range(numbers.ndim, np.ndim(updates))))
    return np.broadcast_to(stays, np.shape(updates)).astype(float)


def _winners_shape(c: OpContext) -> list[Dims]:
    check_updates(c, *c.dims)
    return [c.dims[1]]


register(
    OpDef(
        name="ScatterWinners",
        inputs=("indices", "updates", "x"),
        shape_inputs=(1, 2),
        kernel="scatter_winners",
        kernel_dtype="output",
        dtypes=addressed((1, 2), 0, dt.FLOATS),
        shapes=_winners_shape,
        lower=lambda c: (c.dims[2][: c.dims[0][-1]], ()),  # type: ignore[index,arg-type,return-value]
        gradient=NotDifferentiable("an update stands or does not"),
        reference=_winners,
        samples=lambda rng: [
            Sample([index, updates, np.zeros(dims)]) for dims, index, updates in nd_samples(rng) if index.shape[-1]
        ],
        doc="For TensorScatterUpdate's gradient: ones for each update that is the last one of its place, else zeros.",
    )
)
_tensor_scatter(
    "TensorScatterUpdate",
    "update",
    _update_gradient,
    None,
    dt.ALL,
    "y = x, y[indices[k, 0], indices[k, 1] ..., :] = updates[k, :]",
    "x with the updates at their indices; the last dimension of the indices is one index. Of several updates of one place "
    "the last one stands. An index out of range is an error when run.",
)
_tensor_scatter(
    "TensorScatterAdd",
    "add",
    lambda op, g: [g, None, gather_nd(g, op.inputs[1])],
    np.add,
    dt.NUMERIC,
    "y = x, y[indices[k, 0], indices[k, 1] ..., :] += updates[k, :]",
    "x with the updates added at their indices, in order of position; the last dimension of the indices is one index. An "
    "index out of range is an error when run.",
)
_tensor_scatter(
    "TensorScatterSub",
    "sub",
    lambda op, g: [g, None, -gather_nd(g, op.inputs[1])],
    np.subtract,
    dt.NUMERIC,
    "y = x, y[indices[k, 0], indices[k, 1] ..., :] -= updates[k, :]",
    "x with the updates subtracted at their indices, in order of position; the last dimension of the indices is one index. "
    "An index out of range is an error when run.",
)


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of `shape` to which the updates are added at their indices.

    Args:
        indices: int32 or int64, shape (..., depth), each last dimension one index into the first `depth` dimensions.
        updates: float32, float64, int32 or int64; shape indices.shape[:-1] + shape[depth:].
        shape: as in `lk.fill`.

    Raises:
        DTypeError, ShapeError: the operands do not fit.
        InvalidArgumentError: when run, an index is out of range.
    """
    return apply("ScatterNd", [index_tensor(indices), to_tensor(updates), shape_tensor(shape)], name=name)


def _function(type_name: str, what: str) -> Callable[..., Tensor]:
    def build(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        x, values = to_tensors(tensor, updates)
        return apply(type_name, [x, index_tensor(indices), values], name=name)

    build.__name__ = build.__qualname__ = f"tensor_scatter_{type_name.removeprefix('TensorScatter').lower()}"
    build.__doc__ = f"""{what}

    Args:
        tensor: any shape.
        indices: int32 or int64, shape (..., depth), each last dimension one index into the first `depth` dimensions.
        updates: of the tensor's dtype; shape indices.shape[:-1] + tensor.shape[depth:].

    Raises:
        DTypeError, ShapeError: the operands do not fit.
        InvalidArgumentError: when run, an index is out of range.
    """
    return build


tensor_scatter_update = _function(
    "TensorScatterUpdate", "`tensor` with the updates at their indices; of several for one place the last one stands."
)
tensor_scatter_add = _function("TensorScatterAdd", "`tensor` with the updates added at their indices, in order.")
tensor_scatter_sub = _function("TensorScatterSub", "`tensor` with the updates subtracted at their indices, in order.")
