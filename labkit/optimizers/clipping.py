"""Clipping: gradients kept within bounds before an optimizer uses them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.errors import InvalidArgumentError
from labkit.plugins import unknown_settings


class Clipping(TypedDict, total=False):
    """The settings that every optimizer takes as keywords: at most one of them, a number above 0 or a scalar tensor.

    Attributes:
        clipvalue: each number g of a gradient becomes min(max(g, -clipvalue), clipvalue).
        clipnorm: each gradient g becomes g clipnorm / max(|g|, clipnorm), with its Euclidean norm |g|.
        global_clipnorm: the same for all gradients of a step together, as if they were one vector (Pascanu, Mikolov and
            Bengio 2013, algorithm 1).
    """

    clipvalue: Any
    clipnorm: Any
    global_clipnorm: Any


KEYS = tuple(Clipping.__annotations__)


def check_clipping(owner: object, base: type, clipping: Clipping) -> dict[str, Any]:
    """The setting that is given, if any. `base`: the class of all optimizers, where the settings arrive."""
    if unknown := {key: value for key, value in clipping.items() if key not in KEYS}:
        raise unknown_settings("optimizer", type(owner), base, unknown)
    given = {key: value for key, value in clipping.items() if value is not None}
    if len(given) > 1:
        raise InvalidArgumentError(
            f"{type(owner).__name__} cannot clip gradients in several ways",
            rule="At most one of clipvalue, clipnorm and global_clipnorm is given",
            received=", ".join(f"{key}={value!r}" for key, value in given.items()),
            fix="Choose one; global_clipnorm keeps the direction of the step.",
        )
    return {key: check_scalar(owner, key, value, 0.0, above=True) for key, value in given.items()}


def spelled_out(make: Any) -> inspect.Signature:
    """A constructor's signature, without self, with the settings of `Clipping` in place of a `**clipping`."""
    _, *given = inspect.signature(make).parameters.values()
    named = [p for p in given if p.kind is not p.VAR_KEYWORD]
    if len(named) < len(given):
        named += [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any) for key in KEYS]
    return inspect.Signature(named)


def clip(owner: Any, gradients: Sequence[Any]) -> Sequence[Any]:
    """The gradients, tensors or rows, clipped as `owner` says.

    Rows that come several times are added up first: they are clipped as the whole tensor would be. A norm that is not
    finite makes all that is scaled by it NaN, and so is seen.
    """
    if owner.clipvalue is None and owner.clipnorm is None and owner.global_clipnorm is None:
        return gradients
    given = [_distinct(g) for g in gradients]
    if owner.clipvalue is not None:
        return [_bounded(g, _like(owner.clipvalue, g.dtype)) for g in given]
    norms = [_norm(g) for g in given]
    if owner.clipnorm is not None:
        return [_scaled(g, norm, _like(owner.clipnorm, g.dtype)) for g, norm in zip(given, norms, strict=True)]
    wide = lk.float64 if any(g.dtype is lk.float64 for g in given) else lk.float32
    norm = lk.norm(lk.stack([lk.cast(norm, wide) for norm in norms]))
    return [_scaled(g, lk.cast(norm, g.dtype), _like(owner.global_clipnorm, g.dtype)) for g in given]


def _distinct(gradient: Any) -> Any:
    if not isinstance(gradient, lk.IndexedSlices):
        return gradient
    rows, places = lk.unique(gradient.indices)
    values = lk.unsorted_segment_sum(gradient.values, places, lk.size(rows))
    return lk.IndexedSlices(values, rows, gradient.dense_shape, gradient.dims)


def _norm(gradient: Any) -> lk.Tensor:
    return lk.norm(gradient.values if isinstance(gradient, lk.IndexedSlices) else gradient)


def _bounded(gradient: Any, bound: lk.Tensor) -> Any:
    return _changed(gradient, lambda x: lk.clip_by_value(x, -bound, bound))


def _scaled(gradient: Any, norm: lk.Tensor, bound: lk.Tensor) -> Any:
    scale = bound / lk.maximum(norm, bound) + (norm - norm)
    return _changed(gradient, lambda x: x * scale)


def _changed(gradient: Any, change: Callable[[lk.Tensor], lk.Tensor]) -> Any:
    if not isinstance(gradient, lk.IndexedSlices):
        return change(gradient)
    return lk.IndexedSlices(change(gradient.values), gradient.indices, gradient.dense_shape, gradient.dims)


def _like(value: Any, dtype: lk.DType) -> lk.Tensor:
    return lk.cast(value, dtype) if isinstance(value, lk.Tensor | lk.Variable) else lk.constant(value, dtype)
