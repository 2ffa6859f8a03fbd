"""Static shapes: a tuple of dimensions, each an int or None when unknown; a shape of unknown rank is None.

Shape rules work on these plain values (`Dims`). `TensorShape` (tensor_shape.py) is what users see of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any, TypeAlias

from labkit.errors import ShapeError

Dim: TypeAlias = int | None
Dims: TypeAlias = tuple[Dim, ...] | None

MAX_RANK = 8
MAX_COUNT = 2**48 - 1
"""The most elements a tensor can have: addresses in bytes stay far below 2**63 in every kernel."""


def as_dims(value: Any) -> Dims:
    """The dims that None, an int, a sequence of ints and Nones, or a TensorShape stands for.

    Raises:
        ShapeError: a dimension is negative or no integer, or there are more than 8.
    """
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        from labkit.core.tensor_shape import TensorShape

        if isinstance(value, TensorShape):
            return value.plain
    items = list(value) if hasattr(value, "__iter__") else [value]
    dims: list[Dim] = []
    for item in items:
        if getattr(item, "value", item) is None:  # an unknown Dimension holds None
            dims.append(None)
            continue
        try:
            number = int(item.__index__())
        except (TypeError, AttributeError):
            number = -1
        if number < 0:
            raise ShapeError(
                "A shape holds something that is no dimension",
                rule="Each dimension is a whole number from 0 on, or None where it is unknown",
                received=repr(value),
                fix="Give a shape such as (None, 784).",
            )
        dims.append(number)
    if len(dims) > MAX_RANK:
        raise ShapeError(
            "A shape has too many dimensions", rule=f"At most {MAX_RANK} are possible", received=repr(value)
        )
    return tuple(dims)


def is_known(dims: Dims) -> bool:
    """Whether rank and every dimension are known."""
    return dims is not None and None not in dims


def count(dims: Sequence[int]) -> int:
    """The number of elements of a fully known shape."""
    return math.prod(dims)


def check_dims(dims: Dims) -> Dims:
    """`dims`, checked to be a shape that a tensor can have; dimensions of size 0 do not make room for larger others.

    Raises:
        ShapeError: there are more than 8 dimensions, or 2**48 elements or more.
    """
    if dims is None:
        return dims
    if len(dims) > MAX_RANK:
        raise ShapeError("", rule=f"A tensor has at most {MAX_RANK} dimensions", received=show(dims))
    if math.prod(n for n in dims if n) > MAX_COUNT:
        raise ShapeError("", rule="A tensor has fewer than 2**48 elements", received=show(dims))
    return dims


def normal_axes(axes: Sequence[int], rank: int) -> list[int]:
    """Axes counted from the front, in the given order.

    Raises:
        ShapeError: an axis is no whole number, out of range, or named twice.
    """
    try:
        axes = [index(axis) for axis in axes]
    except TypeError:
        raise ShapeError("", rule="An axis is a whole number", received=repr(axes)) from None
    normal = [axis % rank if rank else axis for axis in axes]
    if any(not -rank <= axis < rank for axis in axes) or len(set(normal)) < len(normal):
        raise ShapeError(
            "",
            rule=f"An axis of {rank} dimensions is from {-rank} to {rank - 1}, and none is named twice"
            if rank
            else "Without dimensions there is no axis",
            received=f"axis {tuple(axes)}",
        )
    return normal


def compatible(a: Dims, b: Dims) -> bool:
    """Whether one actual shape could fit both."""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(m is None or n is None or m == n for m, n in zip(a, b, strict=True))


def merge(a: Dims, b: Dims) -> Dims:
    """What is known of a shape that fits both `a` and `b`, which are compatible."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(n if m is None else m for m, n in zip(a, b, strict=True))


def broadcast(a: Dims, b: Dims) -> Dims:
    """NumPy's broadcasting of two shapes.

    Raises:
        ShapeError: two dimensions differ and neither is 1.
    """
    if a is None or b is None:
        return None
    result: list[Dim] = []
    for i in range(1, max(len(a), len(b)) + 1):
        m: Dim = a[-i] if i <= len(a) else 1
        n: Dim = b[-i] if i <= len(b) else 1
        if m == 1 or m == n:
            result.append(n)
        elif n == 1:
            result.append(m)
        elif m is None or n is None:
            result.append(n if m is None else m)  # the known one is > 1 (or 0), so the other is 1 or equal to it
        else:
            raise ShapeError(
                "",
                rule="Shapes are aligned at their last dimensions; two dimensions fit when they are equal or one is 1",
                received=f"{show(a)} and {show(b)}",
            )
    return tuple(reversed(result))


def show(dims: Dims) -> str:
    """The shape as TensorFlow prints it: (?, 784), or <unknown>."""
    if dims is None:
        return "<unknown>"
    inner = ", ".join("?" if dim is None else str(dim) for dim in dims)
    return f"({inner},)" if len(dims) == 1 else f"({inner})"
