"""Dtype and shape rules that many records share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.opdef import OpContext
from labkit.core.shapes import Dims, broadcast, compatible, merge, show
from labkit.errors import DTypeError, ShapeError


def same_dtype(allowed: Sequence[dt.DType], count: int | None = None) -> Callable[..., Sequence[dt.DType]]:
    """All inputs (the first `count`) have one dtype out of `allowed`, which is the output's too."""

    def rule(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
        checked = inputs[:count] if count else inputs
        if checked[0] not in allowed or any(dtype is not checked[0] for dtype in checked):
            names = [d.name for d in allowed]
            alone = len(checked) == 1
            raise DTypeError(
                "",
                rule=f"The input{'' if alone else 's'} {_out_of(names, alone)}",
                received=", ".join(d.name for d in inputs),
                fix=f"Convert {'it' if alone else 'one of them'} with lk.cast.",
            )
        return [checked[0]]

    return rule


def _out_of(names: Sequence[str], alone: bool) -> str:
    if len(names) == 1:
        return f"{'is' if alone else 'are'} {names[0]}"
    return ("is one of " if alone else "have one common dtype out of ") + ", ".join(names)


def need_rank(context: OpContext, index: int, rank: int, what: str) -> tuple[int | None, ...]:
    """The dims of input `index`, checked to have `rank` dimensions; unknown rank gives unknown dimensions."""
    dims = context.dims[index]
    if dims is None:
        return (None,) * rank
    if len(dims) != rank:
        raise ShapeError(
            "",
            rule=f"{what} has {rank} dimension{'s' if rank != 1 else ''}",
            received=" and ".join(map(show, context.dims)),
        )
    return dims


def same_shape(context: OpContext) -> list[Dims]:
    """Shape rule: one output of the first input's shape."""
    return [context.dims[0]]


def broadcast_shape(context: OpContext) -> list[Dims]:
    """Shape rule: two inputs are broadcast as in NumPy."""
    return [broadcast(context.dims[0], context.dims[1])]


def equal_shapes(context: OpContext) -> list[Dims]:
    """Shape rule: two inputs of one shape, which is the output's too."""
    a, b = context.dims[0], context.dims[1]
    if not compatible(a, b):
        raise ShapeError("", rule="Both inputs have one shape", received=f"{show(a)} and {show(b)}")
    return [merge(a, b)]
