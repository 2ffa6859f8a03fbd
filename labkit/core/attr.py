"""Attributes of operations: their kinds, bounds and normal forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.errors import DTypeError, InvalidArgumentError

_REQUIRED: Any = object()


@dataclass(frozen=True)
class Attr:
    """One attribute of an operation and what it may hold.

    Attributes:
        kind: "int", "float", "bool", "str", "ints" (a tuple of ints), "floats" (a tuple of floats), "pairs" (a tuple of
            pairs of ints), "axes" (a tuple of ints, or None for all), "dtype", "dtypes" (a tuple of them), "array",
            "callable" or "subgraph".
        low, high: inclusive bounds of a number, or of each number.
        choices: the allowed values.
    """

    kind: str
    default: Any = _REQUIRED
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    def check(self, name: str, value: Any) -> Any:
        """The value in its normal form.

        Raises:
            InvalidArgumentError: the value is of another kind or outside its range.
        """
        try:
            normal = _NORMAL[self.kind](value)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise self._refuse(name, value) from error
        numbers = [n for n in flatten(normal) if isinstance(n, int | float)]
        if self.low is not None and any(not n >= self.low for n in numbers):
            raise self._refuse(name, value)
        if self.high is not None and any(not n <= self.high for n in numbers):
            raise self._refuse(name, value)
        if self.choices is not None and normal not in self.choices:
            raise self._refuse(name, value)
        return normal

    def _refuse(self, name: str, value: Any) -> InvalidArgumentError:
        rule = f"{name} is {_IN_WORDS[self.kind]}"
        if self.choices is not None:
            rule = f"{name} is one of " + ", ".join(repr(c) for c in self.choices)
        if self.low is not None:
            rule += f", at least {self.low:g}"
        if self.high is not None:
            rule += f", at most {self.high:g}"
        return InvalidArgumentError("", rule=rule, received=f"{name}={value!r}")


def whole(value: Any) -> int:
    """A whole number as a Python int.

    Raises:
        DTypeError: the value is none; bools are not.
    """
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise DTypeError("A whole number is needed", rule="Bools and floats are none", received=repr(value))
    return int(value.__index__())


def _flag(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError("not a bool")
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _subgraph(value: Any) -> Any:
    if not hasattr(value, "captured"):
        raise TypeError("no subgraph")
    return value


def _function(value: Any) -> Any:
    if not callable(value):
        raise TypeError("not callable")
    return value


def flatten(value: Any) -> list[Any]:
    """The items of nested tuples, in order."""
    return [x for item in value for x in flatten(item)] if isinstance(value, tuple) else [value]


_NORMAL: Mapping[str, Callable[[Any], Any]] = {
    "int": whole,
    "float": float,
    "bool": _flag,
    "str": _text,
    "ints": lambda v: tuple(whole(x) for x in v),
    "axes": lambda v: None if v is None else tuple(whole(x) for x in (v if hasattr(v, "__iter__") else [v])),
    "floats": lambda v: tuple(float(x) for x in v),
    "pairs": lambda v: tuple((whole(a), whole(b)) for a, b in v),
    "dtype": dt.as_dtype,
    "dtypes": lambda v: tuple(dt.as_dtype(x) for x in v),
    "callable": _function,
    "subgraph": _subgraph,
    "array": np.asarray,
}


_IN_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "str": "a text",
    "ints": "a list of whole numbers",
    "axes": "a whole number, several, or None",
    "floats": "a list of numbers",
    "pairs": "a list of pairs of whole numbers",
    "dtype": "a dtype such as lk.float32",
    "dtypes": "a list of dtypes such as lk.float32",
    "callable": "a function",
    "subgraph": "a subgraph",
    "array": "an array",
}
