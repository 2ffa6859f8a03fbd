"""Values of an epoch as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def shown(values: Mapping[str, Any], between: str = " - ", colon: str = ": ") -> str:
    """ "loss: 0.1234 - accuracy: 0.9876"; what would round to 0, or is large, in scientific notation."""
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}  # no arrays
    return between.join(f"{name}{colon}{_number(value)}" for name, value in numbers.items())


def _number(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.3e}"


def duration(seconds: float) -> str:
    """ "4.2 s", "1:05", "2:03:10"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def count(number: float) -> str:
    """A rate of at least three digits: "15,870", "12.3", "0.0123"."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
