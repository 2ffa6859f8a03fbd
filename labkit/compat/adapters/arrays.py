"""TF1's array functions that take more than labkit's."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.core.shapes import as_dims, broadcast


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None) -> lk.Tensor:
    """`lk.zeros_like`, of another dtype when one is given."""
    return _like(lk.zeros_like, tensor, dtype, name)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None) -> lk.Tensor:
    """`lk.ones_like`, of another dtype when one is given."""
    return _like(lk.ones_like, tensor, dtype, name)


def _like(function: Any, tensor: Any, dtype: Any, name: str | None) -> lk.Tensor:
    x = lk.convert_to_tensor(tensor)
    if dtype is None or lk.as_dtype(dtype) is x.dtype:
        return function(x, name=name)
    return lk.cast(function(x), dtype, name=name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> lk.Tensor:
    """`lk.where`; a condition of one dimension beside x and y of more chooses whole rows, as TF1 has it."""
    if x is None and y is None:
        return lk.where(condition, name=name)
    chosen = lk.convert_to_tensor(condition)
    rank = max(_rank(x), _rank(y))
    if chosen.dims is not None and len(chosen.dims) == 1 and rank > 1:
        chosen = lk.reshape(chosen, [-1, *[1] * (rank - 1)])
    return lk.where(chosen, x, y, name)


def _rank(value: Any) -> int:
    """The number of dimensions; 0 where it is not known."""
    if isinstance(value, lk.Tensor | lk.Variable):
        return len(value.dims or ())
    return len(lk.convert_to_tensor(value).dims or ()) if isinstance(value, list | tuple) else np.ndim(value)


def to_float(x: Any, name: str | None = "ToFloat") -> lk.Tensor:
    """x as float32."""
    return lk.cast(x, lk.float32, name)


def to_double(x: Any, name: str | None = "ToDouble") -> lk.Tensor:
    """x as float64."""
    return lk.cast(x, lk.float64, name)


def to_int32(x: Any, name: str | None = "ToInt32") -> lk.Tensor:
    """x as int32."""
    return lk.cast(x, lk.int32, name)


def to_int64(x: Any, name: str | None = "ToInt64") -> lk.Tensor:
    """x as int64."""
    return lk.cast(x, lk.int64, name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> lk.Tensor:
    """`lk.cast` of value, brought into the range of dtype first."""
    x, wanted = lk.convert_to_tensor(value), lk.as_dtype(dtype)
    low, high = max(x.dtype.min, wanted.min), min(x.dtype.max, wanted.max)
    return lk.cast(lk.clip_by_value(x, low, high), wanted, name or "saturate_cast")


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> lk.Tensor:
    """t, scaled down so that its Euclidean norm over its number of elements is at most clip_norm."""
    x = lk.convert_to_tensor(t)
    return lk.clip_by_norm(x, clip_norm * lk.cast(lk.size(x), x.dtype), name=name or "clip_by_average_norm")


def invert_permutation(x: Any, name: str | None = None) -> lk.Tensor:
    """y with y[x[i]] = i, for x that holds each of 0 ... n - 1 once."""
    return lk.identity(lk.argsort(x), name or "InvertPermutation")


def lbeta(x: Any, name: str | None = None) -> lk.Tensor:
    """The logarithm of the beta function of the last dimension: sum of lgamma(x_i), less lgamma of their sum."""
    with lk.name_scope(name or "lbeta"):
        return lk.reduce_sum(lk.lgamma(x), -1) - lk.lgamma(lk.reduce_sum(x, -1))


def cross(a: Any, b: Any, name: str | None = None) -> lk.Tensor:
    """The cross product of vectors of three numbers, which are the last dimension."""
    with lk.name_scope(name or "Cross"):
        a, b = lk.convert_to_tensor(a), lk.convert_to_tensor(b)
        after, before = [1, 2, 0], [2, 0, 1]
        return lk.gather(a, after, axis=-1) * lk.gather(b, before, axis=-1) - lk.gather(a, before, axis=-1) * lk.gather(
            b, after, axis=-1
        )


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> lk.TensorShape:
    """The shape that tensors of two shapes are broadcast to.

    Raises:
        ShapeError: they cannot be.
    """
    return lk.TensorShape(broadcast(as_dims(shape_x), as_dims(shape_y)))


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = lk.int32, name: str | None = None
) -> lk.Tensor:
    """How many values fall into each of `nbins` equal parts of a range; those outside go to the first or last part."""
    with lk.name_scope(name or "histogram_fixed_width"):
        x = lk.reshape(lk.convert_to_tensor(values), [-1])
        limits = lk.cast(lk.convert_to_tensor(value_range), lk.float64)
        share = (lk.cast(x, lk.float64) - limits[0]) / (limits[1] - limits[0])
        part = lk.cast(lk.clip_by_value(lk.floor(share * float(nbins)), 0.0, float(nbins - 1)), lk.int32)
        return lk.bincount(part, minlength=nbins, maxlength=nbins, dtype=dtype)
