"""The forms in which Keras lets users write sizes, borders, paddings and rates, each read in one place."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.attr import whole
from labkit.errors import InvalidArgumentError, ShapeError

PADDINGS = ("valid", "same")
SEQUENCES = "[batch, steps, channels]"
IMAGES = "[batch, height, width, channels]"
MEANING = {1: SEQUENCES, 2: IMAGES}
"""What a layer over one or two dimensions takes."""


def sizes(value: Any, count: int, what: str) -> tuple[int, ...]:
    """`count` positive sizes, from one whole number for all or from one each.

    Raises:
        ShapeError: neither, or not positive.
    """
    found = _whole_numbers(value, count)
    if found is None or min(found) < 1:
        form = "one positive int" if count == 1 else "one positive int, or two: (height, width)"
        raise ShapeError(f"{what} is {form}", received=repr(value))
    return found


def borders(value: Any, count: int, what: str) -> tuple[tuple[int, int], ...]:
    """(before, after) for each of `count` dimensions, none negative.

    Args:
        value: one whole number for all sides. For one dimension also (before, after); for two (rows, columns), or
            ((top, bottom), (left, right)).

    Raises:
        InvalidArgumentError: it is none of these.
    """
    entries = [value] if count == 1 else [value] * count if not hasattr(value, "__len__") else list(value)
    pairs = [_whole_numbers(entry, 2) for entry in entries]
    found = tuple((pair[0], pair[1]) for pair in pairs if pair is not None and min(pair) >= 0)
    if not len(found) == len(entries) == count:
        forms = "(before, after)" if count == 1 else "(rows, columns), or ((top, bottom), (left, right))"
        raise InvalidArgumentError(
            f"{what} is not understood",
            rule=f"It is one whole number{',' if count > 1 else ' or'} {forms}, none negative",
            received=repr(value),
        )
    return found


def positive(value: Any, what: str) -> int:
    """A positive whole number.

    Raises:
        InvalidArgumentError: it is none; `what` says what is needed.
    """
    found = _whole_numbers(value, 1)
    if found is None or found[0] < 1:
        raise InvalidArgumentError(what, received=repr(value))
    return found[0]


def real(value: Any, what: str, low: float = float("-inf"), below: float = float("inf")) -> float:
    """A finite number from `low` on and below `below`.

    Raises:
        InvalidArgumentError: it is none.
    """
    if isinstance(value, np.integer | np.floating):
        value = value.item()
    if not is_number(value) or not low <= value < below:
        limits = f", from {low:g} on" * (low > float("-inf")) + f" and below {below:g}" * (below < float("inf"))
        raise InvalidArgumentError(f"{what} is a finite number{limits}", received=repr(value))
    return value


def span(value: Any, what: str, low: float, high: float) -> tuple[float, float]:
    """The two ends of a range: of (a, b) the smaller and the larger one; of a number -|a| and |a|, neither below `low`.

    Raises:
        InvalidArgumentError: it is neither, or an end is below `low` or above `high`.
    """
    pair = isinstance(value, list | tuple)
    ends = list(value) if pair else [value]
    if len(ends) != 1 + pair or not all(is_number(end) and low <= end <= high for end in ends):
        rule = f"It is a number from {low:g} to {high:g}, or two of them: (lower, upper)"
        raise InvalidArgumentError(f"{what} is no range", rule=rule, received=repr(value))
    return (min(ends), max(ends)) if pair else (max(-abs(value), low), abs(value))


def is_number(value: Any) -> bool:
    """Whether it is a finite number, NumPy's included."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and bool(abs(value) < float("inf"))  # also of a whole number that no float is near


def checked_padding(padding: Any, layer: str, choices: tuple[str, ...] = PADDINGS) -> str:
    """A padding's name, such as "valid" or "same", whatever the case it was written in.

    Raises:
        InvalidArgumentError: it is none of the choices.
    """
    if not isinstance(padding, str) or padding.lower() not in choices:
        names = " or ".join(f'"{choice}"' for choice in choices)
        raise InvalidArgumentError(f"{layer} does not know that padding", rule=f"It is {names}", received=repr(padding))
    return padding.lower()


def _whole_numbers(value: Any, count: int) -> tuple[int, ...] | None:
    """`count` ints from one, or from as many; None for anything else."""
    try:
        found = tuple(whole(n) for n in value) if hasattr(value, "__iter__") else (whole(value),) * count
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == count else None
