"""What the settings of transforms must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.errors import InvalidArgumentError


def real(value: Any, what: str, low: float = float("-inf"), high: float = float("inf")) -> float:
    """A finite number from `low` to `high`.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not _is_real(value) or not low <= value <= high:
        raise InvalidArgumentError(f"{what} is a finite number{_limits(low, high)}", received=repr(value))
    return float(value)


def span(value: Any, what: str, low: float, high: float) -> tuple[float, float]:
    """The ends of a range: of (a, b) the smaller and the larger one; of a number -|a| and |a|.

    Raises:
        InvalidArgumentError: it is neither, or an end is not from `low` to `high`.
    """
    ends = list(value) if isinstance(value, list | tuple) else [-value, value] if _is_real(value) else []
    if len(ends) != 2 or not all(_is_real(end) and low <= end <= high for end in ends):
        rule = f"It is a number{_limits(low, high)}, or two of them: (lower, upper)"
        raise InvalidArgumentError(f"{what} is no range", rule=rule, received=repr(value))
    return float(min(ends)), float(max(ends))


def whole_pair(value: Any, what: str, least: int = 1) -> tuple[int, int]:
    """Two whole numbers from `least` on, for rows and columns; one stands for both.

    Raises:
        InvalidArgumentError: they are none.
    """
    pair = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2 or not all(_is_whole(n) and least <= n < 2**31 for n in pair):
        rule = f"It is a whole number from {least} on, or two of them: (rows, columns)"
        raise InvalidArgumentError(f"{what} is no size", rule=rule, received=repr(value))
    return int(pair[0]), int(pair[1])


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return (_is_whole(value) or isinstance(value, float | np.floating)) and bool(abs(value) < float("inf"))


def _limits(low: float, high: float) -> str:
    if low == float("-inf"):
        return ""
    return f" from {low:g} on" if high == float("inf") else f" from {low:g} to {high:g}"
