"""Strided slices of a tensor, as NumPy's indexing takes them, and their gradients."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import ALIAS, Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, IndexBoundsError, ShapeError
from labkit.ops.broadcast import ones_like
from labkit.ops.build import apply
from labkit.ops.shape import int_array, shape_tensor


@dataclass(frozen=True)
class Cuts:
    """What a strided slice takes.

    Attributes:
        cuts: for each dimension of x the first element, the step and the number of elements; None where not known yet.
        dims: the result's shape.
    """

    cuts: list[tuple[int | None, int | None, int | None]]
    dims: Dims


_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def _cut_all(
    dims: Dims, given: Sequence[Sequence[int | None] | None], lengths: Sequence[Dims], attrs: Any
) -> Cuts | None:
    """What `begin`, `end` and `strides` (their numbers; None while unknown) take from a tensor of shape `dims`; None while
    even the result's rank is unknown."""
    counts = {len(v) for v in given if v is not None} | {d[0] for d in lengths if d and d[0] is not None}
    if len(counts) > 1:
        received = " and ".join(map(show, lengths))
        raise ShapeError("", rule="begin, end and strides are lists of one length", received=received)
    if dims is None or not counts:
        return None
    (count,) = counts
    begin_mask, end_mask, ellipsis, new_axis, shrink = (
        [bool(attrs[name] >> i & 1) for i in range(count)] for name in _MASKS
    )
    used = sum(not ellipsis[i] and not new_axis[i] for i in range(count))
    if sum(ellipsis) > 1 or used > len(dims):
        rule = "There is at most one index for each dimension, and one ellipsis"
        raise ShapeError("", rule=rule, received=f"{used} indices for {show(dims)}")
    cuts: list[tuple[int | None, int | None, int | None]] = []
    out: list[int | None] = []

    def keep(n: int) -> None:
        for total in dims[len(cuts) : len(cuts) + n]:
            cuts.append((0, 1, total))
            out.append(total)

    for i in range(count):
        begin, end, step = (None if v is None else v[i] for v in given)
        if ellipsis[i]:
            keep(len(dims) - used)
        elif new_axis[i]:
            out.append(1)
        elif shrink[i]:
            cuts.append((_element(begin, dims[len(cuts)]), 1, 1))
        else:
            total = dims[len(cuts)]
            known = (begin is not None or begin_mask[i]) and (end is not None or end_mask[i]) and step is not None
            if step == 0:
                raise ShapeError("", rule="A slice's step is not 0", received=f"strides {given[2]}")
            if known and total is not None:
                taken = range(
                    *builtins.slice(None if begin_mask[i] else begin, None if end_mask[i] else end, step).indices(total)
                )
                cuts.append((taken.start if taken else 0, taken.step, len(taken)))
            elif begin_mask[i] and end_mask[i] and step in (1, -1):
                cuts.append((None, step, total))
            else:
                cuts.append((None, step, None))
            out.append(cuts[-1][2])
    keep(len(dims) - len(cuts))
    return Cuts(cuts, tuple(out))


def _element(index: int | None, total: int | None) -> int | None:
    if index is None or total is None:
        return None
    if not -total <= index < total:
        rule = f"from {-total} to {total - 1}" if total else "one of size 0 has no element"
        raise IndexBoundsError("", rule=f"An index lies inside its dimension: {rule}", received=f"index {index}")
    return index % total


def _cuts(c: OpContext, x: int) -> Cuts | None:
    """What the strided slice takes from a tensor of the shape of input `x`; begin, end and strides come after it."""
    inputs = range(x + 1, x + 4)
    lengths = [c.dims[i] for i in inputs]
    if any(d is not None and len(d) != 1 for d in lengths):
        received = " and ".join(map(show, lengths))
        raise ShapeError("", rule="begin, end and strides are lists of one length", received=received)
    given = [c.partial.get(i) if (v := c.values[i]) is None else v.tolist() for i in inputs]
    return _cut_all(c.dims[x], given, lengths, c.attrs)


def _strided_shape(c: OpContext) -> list[Dims]:
    cuts = _cuts(c, 0)
    return [None if cuts is None else cuts.dims]


def _strided_gradient_shape(c: OpContext) -> list[Dims]:
    cuts = _cuts(c, 1)
    if cuts is not None and not compatible(c.dims[0], cuts.dims):
        raise ShapeError("", rule=f"The gradient has the slice's shape, {show(cuts.dims)}", received=show(c.dims[0]))
    return [c.dims[1]]


def _lower_cuts(x: int) -> Any:
    def lower(c: OpContext) -> Any:
        cuts = _cuts(c, x)
        assert cuts is not None
        if cuts.cuts == [(0, 1, n) for n in c.dims[x] or ()]:
            return ALIAS
        return [n for cut in cuts.cuts for n in cut], ()

    return lower


def _strided_dtypes(inputs: Sequence[dt.DType], attrs: Any) -> list[dt.DType]:
    if any(dtype not in dt.INTS for dtype in inputs[-3:]):
        received = ", ".join(d.name for d in inputs[-3:])
        raise DTypeError("", rule="begin, end and strides are int32 or int64", received=received)
    return [inputs[0]]


def _numpy_index(begin: Any, end: Any, strides: Any, masks: Any) -> Any:
    begin_mask, end_mask, ellipsis, new_axis, shrink = (masks[name] for name in _MASKS)
    key: list[Any] = []
    for i in range(len(begin)):
        if ellipsis >> i & 1:
            key.append(...)
        elif new_axis >> i & 1:
            key.append(None)
        elif shrink >> i & 1:
            key.append(int(begin[i]))
        else:
            first, last = None if begin_mask >> i & 1 else begin[i], None if end_mask >> i & 1 else end[i]
            key.append(np.s_[first : last : strides[i]])
    return tuple(key)


def _reference_strided(x: np.ndarray, begin: Any, end: Any, strides: Any, **masks: Any) -> np.ndarray:
    return np.asarray(x)[_numpy_index(begin, end, strides, masks)]


def _reference_strided_gradient(g: Any, x: Any, begin: Any, end: Any, strides: Any, **masks: Any) -> np.ndarray:
    result = np.zeros(np.shape(x))
    result[_numpy_index(begin, end, strides, masks)] = g
    return result


_STRIDED_CASES: tuple[tuple[Any, ...], ...] = (
    ((9,), (1,), (8,), (3,), {}),
    ((4, 5), (3, -1), (0, -4), (-2, -1), {}),
    ((4, 17), (0, 0), (0, 0), (1, -1), {"begin_mask": 3, "end_mask": 3}),
    ((3, 4, 5), (1, 0, 2), (0, 0, 9), (1, 1, 2), {"shrink_axis_mask": 1, "ellipsis_mask": 2}),
    ((3, 4), (0, -1), (0, 0), (1, 1), {"new_axis_mask": 1, "shrink_axis_mask": 2}),
    ((2, 3, 2), (1, 0), (5, 3), (1, 1), {}),
    ((3, 4), (2, 0), (2, 9), (1, 1), {}),
)


def _strided_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample([rng.normal(size=dims), int_array(begin), int_array(end), int_array(strides)], masks)
        for dims, begin, end, strides, masks in _STRIDED_CASES
    ]


def _strided_gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for sample in _strided_samples(rng):
        taken = _reference_strided(*sample.inputs, **{**dict.fromkeys(_MASKS, 0), **sample.attrs})
        cases.append(Sample([rng.normal(size=taken.shape), *sample.inputs], sample.attrs))
    return cases


_STRIDED_ATTRS = {name: Attr("int", 0, low=0) for name in _MASKS}


def _strided_slice_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    return [apply("StridedSliceGrad", [g, *op.inputs], op.attrs), None, None, None]


register(
    OpDef(
        name="StridedSlice",
        inputs=("x", "begin", "end", "strides"),
        value_inputs=(1, 2, 3),
        attrs=_STRIDED_ATTRS,
        kernel="strided_slice",
        dtypes=_strided_dtypes,
        shapes=_strided_shape,
        lower=_lower_cuts(0),
        gradient=_strided_slice_gradient,
        reference=_reference_strided,
        samples=_strided_samples,
        formula="y[i, j, ...] = x[begin₀ + strides₀ i, begin₁ + strides₁ j, ...]",
        text=True,
        doc="What NumPy's indexing by whole numbers, slices, `...` and None takes from x. Bit i of a mask says how entry i of "
        "begin, end and strides is meant: its begin or end is left out, it is the ellipsis, a new dimension, or one element.",
    )
)
register(
    OpDef(
        name="StridedSliceGrad",
        inputs=("gradient", "x", "begin", "end", "strides"),
        shape_inputs=(1,),
        value_inputs=(2, 3, 4),
        attrs=_STRIDED_ATTRS,
        kernel="strided_slice_grad",
        dtypes=_strided_dtypes,
        shapes=_strided_gradient_shape,
        lower=_lower_cuts(1),
        gradient=lambda op, g: [apply("StridedSlice", [g, *op.inputs[2:]], op.attrs), *[None] * 4],
        reference=_reference_strided_gradient,
        samples=_strided_gradient_samples,
        formula="dx[begin₀ + strides₀ i, begin₁ + strides₁ j, ...] = dy[i, j, ...], 0 elsewhere",
        doc="The gradient of StridedSlice: the arriving gradient in its places in a tensor of x's shape, zeros elsewhere.",
    )
)


def strided_slice(
    x: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    name: str | None = None,
) -> Tensor:
    """What `x[begin : end : strides]` takes, dimension by dimension; indexing a tensor is made of it.

    Args:
        begin, end, strides: whole numbers (lists, or int32 or int64 tensors of one length, as long as x has dimensions or
            shorter); negative ones count from the end; strides are 1 by default and not 0.
        begin_mask, end_mask: where bit i is set, begin[i] or end[i] is left out, as in `x[:3]` and `x[3:]`.
        ellipsis_mask: the entry that stands for all dimensions that no other entry names, as `...`.
        new_axis_mask: entries that put in a dimension of size 1, as None.
        shrink_axis_mask: entries of which begin alone counts and whose dimension goes away, as in `x[3]`.

    Raises:
        ShapeError: there are more entries than dimensions, or a stride of 0.
        IndexBoundsError: an index of shrink_axis_mask lies outside its dimension.
    """
    tensors = [shape_tensor(begin), shape_tensor(end)]
    tensors.append(ones_like(tensors[0]) if strides is None else shape_tensor(strides))
    masks = (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    return apply("StridedSlice", [to_tensor(x), *tensors], dict(zip(_MASKS, masks, strict=True)), name)
