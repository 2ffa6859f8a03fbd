"""Arguments of callbacks that are counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.errors import InvalidArgumentError


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
