"""Indexing a tensor as NumPy's arrays are indexed."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import whole
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import InvalidArgumentError, LabkitError
from labkit.ops.boolean_mask import boolean_mask
from labkit.ops.build import apply
from labkit.ops.compare import cast
from labkit.ops.concat import concat
from labkit.ops.dynamic_slice import dynamic_slice
from labkit.ops.gather import gather
from labkit.ops.shape import reshape, shape

_LARGEST = 2**63 - 1


def _getitem(x: Tensor, key: Any) -> Tensor:
    """x[key]: whole numbers, slices, `...` and None, where a number may be an integer tensor without dimensions; or one list,
    array or tensor of indices or of truth values.

    Raises:
        InvalidArgumentError: the key holds anything else.
        IndexBoundsError, ShapeError: an index lies outside, or there are more of them than dimensions.
    """
    items = list(key) if isinstance(key, tuple) else [key]
    for place, item in enumerate(items):
        if _is_array(item):
            return _advanced(x, items, place)
    if any(isinstance(item, Tensor) or hasattr(item, "as_tensor") for item in items) and x.dims is not None:
        x, items = _take(x, items)
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
    for i, item in enumerate(items):
        first, last, step = 0, 0, 1
        if item is None or item is Ellipsis:
            masks["new_axis_mask" if item is None else "ellipsis_mask"] |= 1 << i
        elif isinstance(item, slice):
            first, last, step = (_bound(x, bound, item) for bound in (item.start, item.stop, item.step))
            masks["begin_mask"] |= (item.start is None) << i
            masks["end_mask"] |= (item.stop is None) << i
            step = 1 if item.step is None else step
        else:
            first = _bound(x, item, item)
            masks["shrink_axis_mask"] |= 1 << i
        begin.append(first)
        end.append(last)
        strides.append(step)
    return apply("StridedSlice", [x, _vector(begin), _vector(end), _vector(strides)], masks, "strided_slice")


def _take(x: Tensor, items: list[Any]) -> tuple[Tensor, list[Any]]:
    """x cut to the elements that tensors among the indices name, and the indices that are left: 0 in their places."""
    rank = len(x.shape)
    used = sum(item is not None and item is not Ellipsis for item in items)
    axis, left, places = 0, list(items), {}
    for i, item in enumerate(items):
        if isinstance(item, Tensor) or hasattr(item, "as_tensor"):
            places[axis], left[i] = _bound(x, item, item), 0
        axis += 0 if item is None else rank - used if item is Ellipsis else 1
    if used > rank:  # what is wrong is told where the rest is cut
        return x, items
    begin = _vector([places.get(axis, 0) for axis in range(rank)])
    size = _vector([1 if axis in places else _length(x, axis) for axis in range(rank)])
    return dynamic_slice(x, begin, size, from_end=True), left


def _length(x: Tensor, axis: int) -> Any:
    """The size of a dimension, as a number where it is known."""
    known = x.shape[axis].value
    return shape(x, out_type=dt.int64)[axis] if known is None else known


def _is_array(item: Any) -> bool:
    """Whether an index stands for many elements, or for a choice by truth values."""
    if isinstance(item, Tensor) or hasattr(item, "as_tensor"):
        return item.dtype is dt.bool_ or item.dims != ()
    return isinstance(item, list | bool | np.bool_) or (isinstance(item, np.ndarray) and item.shape != ())


def _takes_all(item: Any) -> bool:
    return isinstance(item, slice) and item == slice(None)


def _advanced(x: Tensor, items: list[Any], place: int) -> Tensor:
    """x indexed by an array: of truth values at the front, or of indices after full slices."""
    index = items[place]
    if not isinstance(index, Tensor):
        index = index.as_tensor() if hasattr(index, "as_tensor") else to_tensor(index)
    rest = [item for i, item in enumerate(items) if i != place]
    front = place == 0 and all(item is Ellipsis for item in rest)
    if index.dtype is dt.bool_ and index.dims != () and front:
        return boolean_mask(x, index)
    full = all(_takes_all(item) for item in items[:place])
    full = full and all(item is Ellipsis or _takes_all(item) for item in items[place + 1 :])
    if index.dtype.is_integer and full:
        return gather(x, index, axis=place)
    raise _refuse(x, items[place] if index.dtype is dt.bool_ else tuple(items))


def _bound(x: Tensor, item: Any, shown: Any) -> Any:
    """A number of an index: an int that fits int64, or an integer tensor without dimensions; 0 for None."""
    if item is None:
        return 0
    if hasattr(item, "as_tensor"):
        item = item.as_tensor()
    if isinstance(item, Tensor):
        if not item.dtype.is_integer or (item.dims is not None and item.dims != ()):
            raise _refuse(x, shown)
        return item
    try:
        return min(max(whole(item), -_LARGEST), _LARGEST)
    except TypeError:
        raise _refuse(x, shown) from None


def _vector(numbers: list[Any]) -> Tensor:
    """Numbers, some of them tensors, as one tensor of int64."""
    if not any(isinstance(n, Tensor) for n in numbers):
        return to_tensor(np.asarray(numbers, np.int64))
    parts = [reshape(cast(n, dt.int64), [1]) if isinstance(n, Tensor) else to_tensor(np.asarray([n])) for n in numbers]
    return concat(parts, 0)


def _refuse(x: Tensor, item: Any) -> LabkitError:
    return InvalidArgumentError(
        f"{x.name} cannot be indexed with that",
        rule="Indices are whole numbers, integer tensors without dimensions, slices of these, `...` and None; or one array "
        "of indices or of truth values",
        received=repr(item),
        fix="Use lk.gather, lk.gather_nd, lk.boolean_mask, lk.transpose or lk.reshape for anything else.",
    )


OPERATORS.update(getitem=_getitem)
