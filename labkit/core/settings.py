"""Settings that are one number, or one of several names: of layers, initializers, optimizers, schedules, transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.errors import InvalidArgumentError

_INFINITY = float("inf")


def check_number(
    owner: object,
    name: str,
    value: Any,
    low: float = -_INFINITY,
    high: float = _INFINITY,
    *,
    above: bool = False,
    below: bool = False,
) -> float:
    """`value` as a float.

    Args:
        owner: whose setting it is, and name: what it is called there; both for the error.
        low, high: the least and the greatest number that will do; with `above` and `below` not these themselves.

    Raises:
        InvalidArgumentError: it is no finite number within these limits.
    """
    return _checked(owner, name, value, low, high, above=above, below=below, also="")


def one_of(value: Any, choices: tuple[str, ...], what: str) -> str:
    """One of several names.

    Raises:
        InvalidArgumentError: it is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        names = ", ".join(f'"{choice}"' for choice in choices)
        raise InvalidArgumentError(f"{what} has no such choice", rule=f"It is one of {names}", received=repr(value))
    return value


def check_count(owner: object, name: str, value: Any, low: int = 0) -> int:
    """`value` as an int.

    Raises:
        InvalidArgumentError: it is no whole number from `low` on.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise InvalidArgumentError(
            f"{type(owner).__name__} cannot use this {name}",
            rule=f"It is a whole number from {low} on",
            received=f"{name}={value!r}",
        )
    return int(value)


def check_scalar(
    owner: object,
    name: str,
    value: Any,
    low: float = -_INFINITY,
    high: float = _INFINITY,
    *,
    above: bool = False,
    below: bool = False,
) -> Any:
    """As `check_number`; a tensor or variable will do too, and is given back as it is."""
    if isinstance(value, Tensor | Variable):
        return value
    return _checked(owner, name, value, low, high, above=above, below=below, also=", or a scalar tensor")


def _checked(
    owner: object, name: str, value: Any, low: float, high: float, *, above: bool, below: bool, also: str
) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    beyond = (above and number == low) or (below and number == high)
    if not low <= number <= high or abs(number) == _INFINITY or beyond:
        limits = [f"above {low:g}" if above else f"from {low:g} on"] if low > -_INFINITY else []
        limits += [f"{'below' if below else 'at most'} {high:g}"] if high < _INFINITY else []
        raise InvalidArgumentError(
            f"{type(owner).__name__} cannot use this {name}",
            rule=" ".join(["It is a finite number", " and ".join(limits)]).strip() + also,
            received=f"{name}={value!r}",
        )
    return number
