"""TensorShape and Dimension: static shapes as programs see them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from labkit.core.shapes import Dim, Dims, as_dims, compatible, is_known, merge, show
from labkit.errors import DTypeError, ShapeError, UnknownShapeError


class Dimension:
    """One dimension of a TensorShape: a whole number, or None in `.value` where only a run knows it.

    `int(dim)` works when it is known. Arithmetic with whole numbers gives dimensions; what is computed from an unknown one
    is unknown, and a comparison with an unknown one is None.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Dim = value.value if isinstance(value, Dimension) else value
        if self.value is None:
            return
        try:
            self.value = operator.index(self.value)
        except TypeError:
            raise DTypeError("A dimension is a whole number or None", received=repr(value)) from None
        if self.value < 0:
            raise ShapeError(f"Dimension {value} must be >= 0")

    def __index__(self) -> int:
        if self.value is None:
            raise UnknownShapeError(
                "The dimension is not known while the graph is built",
                rule="int() needs a dimension that the graph knows",
                fix="Use lk.shape(tensor) for its value at run time, or give the placeholder a full shape.",
            )
        return self.value

    __int__ = __index__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.__index__(), dtype)

    def __eq__(self, other: object) -> bool:
        return self._compare(other, operator.eq)

    def __ne__(self, other: object) -> bool:
        return self._compare(other, operator.ne)

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> bool:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, operator.ge)

    def _compare(self, other: Any, compare: Callable[[Any, Any], bool]) -> Any:
        number = other.value if isinstance(other, Dimension) else other
        if number is not None and not hasattr(number, "__index__"):
            return NotImplemented
        return None if self.value is None or number is None else compare(self.value, number)

    def __hash__(self) -> int:
        return hash(self.value)

    def _combine(self, other: Any, combine: Callable[[int, int], int], swapped: bool = False) -> Any:
        number = other.value if isinstance(other, Dimension) else other
        if number is not None:
            try:
                number = operator.index(number)
            except TypeError:
                return NotImplemented
        if self.value is None or number is None:
            return Dimension(None)
        return Dimension(combine(number, self.value) if swapped else combine(self.value, number))

    def __add__(self, other: Any) -> Dimension:
        return self._combine(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dimension:
        return self._combine(other, operator.sub)

    def __rsub__(self, other: Any) -> Dimension:
        return self._combine(other, operator.sub, swapped=True)

    def __mul__(self, other: Any) -> Dimension:
        return self._combine(other, operator.mul)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Dimension:
        return self._combine(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Dimension:
        return self._combine(other, operator.floordiv, swapped=True)

    def __mod__(self, other: Any) -> Dimension:
        return self._combine(other, operator.mod)

    def __rmod__(self, other: Any) -> Dimension:
        return self._combine(other, operator.mod, swapped=True)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one actual dimension could be both."""
        return compatible((self.value,), (Dimension(other).value,))

    def merge_with(self, other: Any) -> Dimension:
        """What is known of a dimension that is both; raises ShapeError where none can be."""
        if not self.is_compatible_with(other):
            raise ShapeError(f"Dimensions {self} and {Dimension(other)} are not compatible")
        return Dimension(other if self.value is None else self.value)

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"


class TensorShape:
    """The static shape of a tensor: `len()`, indexing, iteration, `.as_list()`, `.ndims`, comparison with tuples and lists.

    Attributes:
        plain: the dimensions as ints and Nones; None for an unknown rank.
    """

    __slots__ = ("plain",)

    def __init__(self, dims: Any) -> None:
        self.plain: Dims = as_dims(dims)

    @property
    def dims(self) -> list[Dimension] | None:
        """The dimensions; None for an unknown rank."""
        return None if self.plain is None else list(self)

    @property
    def rank(self) -> int | None:
        """The number of dimensions; None where it is unknown."""
        return None if self.plain is None else len(self.plain)

    ndims = rank

    def _known_rank(self, what: str) -> tuple[Dim, ...]:
        if self.plain is None:
            raise UnknownShapeError(
                f"{what} is not defined on an unknown TensorShape",
                rule="The rank is known while the graph is built",
                fix="Give the placeholder a shape; dimensions may be None.",
            )
        return self.plain

    def as_list(self) -> list[Dim]:
        """The dimensions as ints, None where unknown.

        Raises:
            UnknownShapeError: the rank is unknown.
        """
        return list(self._known_rank("as_list()"))

    def is_fully_defined(self) -> bool:
        """Whether the rank and every dimension are known."""
        return is_known(self.plain)

    def num_elements(self) -> int | None:
        """The number of elements; None where it is unknown."""
        return math.prod(self.plain) if is_known(self.plain) else None  # type: ignore[arg-type]

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one actual shape could be both."""
        return compatible(self.plain, as_dims(other))

    def merge_with(self, other: Any) -> TensorShape:
        """What is known of a shape that is both.

        Raises:
            ShapeError: none can be.
        """
        dims = as_dims(other)
        if not compatible(self.plain, dims):
            raise ShapeError(f"Shapes {self} and {show(dims)} are not compatible")
        return TensorShape(merge(self.plain, dims))

    def concatenate(self, other: Any) -> TensorShape:
        """The dimensions of this shape, then those of the other; unknown where one of them is."""
        dims = as_dims(other)
        return TensorShape(None if self.plain is None or dims is None else self.plain + dims)

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, known to have that rank.

        Raises:
            ShapeError: it has another.
        """
        if self.rank not in (None, rank):
            raise ShapeError(f"Shape {self} must have rank {rank}")
        return TensorShape([None] * rank) if self.plain is None else self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape; raises ShapeError where it has fewer than `rank` dimensions."""
        if self.plain is not None and len(self.plain) < rank:
            raise ShapeError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape; raises ShapeError where it has more than `rank` dimensions."""
        if self.plain is not None and len(self.plain) > rank:
            raise ShapeError(f"Shape {self} must have rank at most {rank}")
        return self

    def assert_has_rank(self, rank: int) -> None:
        """Raises ShapeError where the shape has another rank."""
        self.with_rank(rank)

    def assert_same_rank(self, other: Any) -> None:
        """Raises ShapeError where the two have different ranks."""
        dims = as_dims(other)
        if dims is not None and self.rank not in (None, len(dims)):
            raise ShapeError(f"Shapes {self} and {show(dims)} must have the same rank")

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ShapeError where no shape can be both."""
        if not self.is_compatible_with(other):
            raise ShapeError(f"Shapes {self} and {show(as_dims(other))} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """Raises ShapeError where something of the shape is unknown."""
        if not self.is_fully_defined():
            raise ShapeError(f"Shape {self} is not fully defined")

    def __len__(self) -> int:
        return len(self._known_rank("len()"))

    def __bool__(self) -> bool:
        return self.plain is not None

    def __iter__(self) -> Iterator[Dimension]:
        return map(Dimension, self._known_rank("Iteration"))

    def __getitem__(self, key: Any) -> Any:
        if self.plain is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        return TensorShape(self.plain[key]) if isinstance(key, slice) else Dimension(self.plain[key])

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        try:
            return self.plain == as_dims(other)
        except (ShapeError, TypeError):
            return False

    def __hash__(self) -> int:
        return hash(self.plain)

    def __str__(self) -> str:
        return show(self.plain)

    def __repr__(self) -> str:
        return f"TensorShape({self.dims})"


def dimension_value(dimension: Dimension | Dim) -> Dim:
    """The number of a dimension or plain number; None where it is unknown."""
    return Dimension(dimension).value


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """The dimension at that place; an unknown one where the rank is unknown."""
    return shape[index]
