"""Elements of a pipeline side by side, so that steps without Python functions work on many at once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from labkit.core.convert import as_array, refuse_masked
from labkit.core.dtypes import ALL
from labkit.core.nest import flatten, pack
from labkit.core.shapes import show
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.data.spec import Element, leaf_dtype, require_same_structure
from labkit.errors import ElementError

Column: TypeAlias = "np.ndarray | list[np.ndarray]"
"""One tensor of each of k elements: an array [k, ...], or a list of k arrays where their shapes differ."""

_PLAIN = frozenset(dtype.numpy for dtype in ALL)
_COLUMNS = _PLAIN | {np.dtype(object)}


class Elements:
    """k elements of one structure.

    Args:
        like: the structure of an element; what its leaves are does not matter.
        columns: one for each leaf, in the order of `flatten`.
        count: k.
    """

    __slots__ = ("_is_flat", "columns", "count", "like")

    def __init__(self, like: Any, columns: Sequence[Column], count: int) -> None:
        self.like, self.columns, self.count = like, list(columns), count
        self._is_flat = type(like) is tuple and not any(isinstance(x, tuple | Mapping) for x in like)

    @classmethod
    def of(cls, elements: Sequence[Element], alike: bool = False) -> Elements:
        """At least one element, each as `as_element` makes it.

        Args:
            alike: whether their structures are known to be the same.

        Raises:
            ElementError: structures or dtypes differ.
        """
        first = elements[0]
        if isinstance(first, tuple | Mapping):
            if not alike:
                for other in elements[1:]:
                    require_same_structure(first, other)
            made = cls(first, [], len(elements))
            rows = elements if made._is_flat else [flatten(element) for element in elements]
            made.columns = [column(values) for values in zip(*rows, strict=True)]
            return made
        return cls(None, [column(elements)], len(elements))

    @classmethod
    def from_nest(cls, nest: Any, count: int) -> Elements:
        """The elements whose columns stand in a nest.

        Raises:
            ElementError: a column has not `count` entries, or is no column.
        """
        columns = flatten(nest) if isinstance(nest, tuple | Mapping) else [nest]
        for x in columns:
            if not isinstance(x, list) and not (isinstance(x, np.ndarray) and x.ndim and x.dtype in _COLUMNS):
                raise ElementError(
                    "Something is no column of elements",
                    rule=f"A column is an array [{count}, ...] of {', '.join(dtype.name for dtype in ALL)} or text, or a list",
                    received=f"{x.dtype} {show(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__,
                )
        if strange := [len(c) for c in columns if len(c) != count]:
            raise ElementError(
                "Columns have other numbers of elements than they should",
                rule=f"There are {count} elements",
                received=f"a column of {strange[0]}",
            )
        return cls(nest if isinstance(nest, tuple | Mapping) else None, columns, count)

    @classmethod
    def joined(cls, parts: Sequence[Elements]) -> Elements:
        """The elements of at least one part, one part after the other.

        Raises:
            ElementError: structures or dtypes differ.
        """
        first = parts[0]
        if len(parts) == 1:
            return first
        for part in parts[1:]:
            require_same_structure(first.like, part.like)
        columns = [_joined(pieces) for pieces in zip(*(part.columns for part in parts), strict=True)]
        return cls(first.like, columns, sum(part.count for part in parts))

    def element(self, place: int) -> Element:
        """One of them."""
        if self.like is None:
            return self.columns[0][place]
        if self._is_flat:
            return tuple([values[place] for values in self.columns])
        return pack(self.like, [values[place] for values in self.columns])

    def elements(self) -> list[Element]:
        return [self.element(i) for i in range(self.count)]

    def take(self, places: np.ndarray) -> Elements:
        """Those at the places, in that order; copies."""
        columns = [
            x.take(places, axis=0) if isinstance(x, np.ndarray) else column([copied(x[i]) for i in places])
            for x in self.columns
        ]
        return Elements(self.like, columns, len(places))

    def nest(self) -> Any:
        """The columns in the structure of an element."""
        return self.columns[0] if self.like is None else pack(self.like, self.columns)


def as_element(value: Any) -> Element:
    """What a user's function returned, or a source holds, as an element: lists and numbers are arrays.

    Python's floats are float32 and its ints int32; NumPy's values, also in lists, and Pillow's images keep their dtypes.

    Raises:
        DTypeError, InvalidArgumentError: something in it is no array of numbers, bools or text.
        ElementError: it is a tensor of a graph.
    """
    if isinstance(value, np.ndarray | np.generic) and value.dtype in _PLAIN:
        return np.asarray(value)[()] if value.ndim == 0 else value
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):
        return {key: as_element(value[key]) for key in value}
    if isinstance(value, tuple):
        parts = map(as_element, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, Tensor | Variable):
        raise ElementError(
            "A tensor of a graph is no element",
            rule="Elements are NumPy's, and functions of a pipeline compute with NumPy",
            received=repr(value),
            fix="For example np.square(x) for lk.square(x); labkit's operations are for models and sessions.",
        )
    if _keeps_dtype(value):
        with contextlib.suppress(ValueError):  # different shapes, which as_array refuses
            value = np.asarray(value)
    elif not isinstance(value, np.ndarray | np.generic) and hasattr(value, "__array__"):
        from labkit.data.frames import columns_of  # pandas' frames and columns, and arrays of others

        value = columns_of(value)
        if isinstance(value, dict):
            return value
    if isinstance(value, np.ndarray) and not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    return as_array(value)[()]


def _keeps_dtype(value: Any) -> bool:
    """Whether this is an image of Pillow's, or a list of nothing but such and NumPy's values."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_numeric, value))
    return not isinstance(value, np.ndarray | np.generic) and _is_numeric(value)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray | np.generic):
        refuse_masked(value)
        return value.dtype.kind in "biuf"
    return hasattr(value, "__array_interface__")


def copied(element: Element) -> Element:
    """The same in arrays of its own."""
    if isinstance(element, tuple | Mapping):
        return pack(element, [copied(leaf) for leaf in flatten(element)])
    return element.copy() if isinstance(element, np.ndarray) else element


def column(values: Sequence[Any]) -> Column:
    """The same tensor of several elements as a column; at least one.

    Raises:
        ElementError: the dtypes differ.
    """
    first = values[0]
    if isinstance(first, bytes) or first.dtype == object:
        if any(not isinstance(x, bytes) and x.dtype != object for x in values):
            raise _other_dtypes(values)
    elif any(isinstance(x, bytes) or x.dtype != first.dtype for x in values):
        raise _other_dtypes(values)
    shape = np.shape(first)
    if any(np.shape(x) != shape for x in values):
        return list(values)
    if isinstance(first, np.ndarray) and len(values) == 1:
        return first[None]
    out = np.empty((len(values), *shape), object if isinstance(first, bytes) else first.dtype)
    for i, value in enumerate(values):
        out[i] = value
    return out


def form(element: Element) -> Any:
    """Structure, dtypes and ranks of an element, as something to compare: what all elements of a step share."""
    if isinstance(element, Mapping):
        return tuple((key, form(element[key])) for key in sorted(element, key=repr))
    if isinstance(element, tuple):
        return (type(element), *map(form, element))
    return (object, 0) if isinstance(element, bytes) else (element.dtype, element.ndim)


def _joined(pieces: Sequence[Column]) -> Column:
    arrays = [x for x in pieces if isinstance(x, np.ndarray)]
    if len(arrays) == len(pieces) and len({x.shape[1:] for x in arrays}) == 1:
        if any(x.dtype != arrays[0].dtype for x in arrays):
            raise _other_dtypes(arrays)
        return np.concatenate(arrays)
    return column([row for piece in pieces for row in piece])


def _other_dtypes(values: Sequence[Any]) -> ElementError:
    names = list(dict.fromkeys(leaf_dtype(x).name for x in values))
    return ElementError(
        "Elements have different dtypes",
        rule="The same tensor has one dtype in all elements",
        received=" and ".join(names),
        fix="Convert them, e.g. with array.astype('float32').",
    )
