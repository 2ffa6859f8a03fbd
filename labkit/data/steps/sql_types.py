"""Columns of query results: from Python's values to numbers, bools and text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from labkit.core.convert import as_array
from labkit.core.dtypes import DType, bool_, float32, int64, string
from labkit.data.steps.csv_types import BadValue
from labkit.errors import LabkitError

_TEXT = (str, bytes, bytearray, memoryview)


def guessed(values: Sequence[Any], has_default: bool) -> DType:
    """The dtype of a column: bool, int64, float32 or text, whichever holds all its values.

    Where whole numbers are missing, for which nothing stands, there is NaN in their place, and so they are float32.
    """
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, _TEXT) for value in there):
        return string
    if len(there) < len(values) and not has_default:
        return float32
    if there and all(isinstance(value, bool) for value in there):
        return bool_
    whole = all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in there)
    return int64 if there and whole else float32


def converted(values: Sequence[Any], dtype: DType, default: Any) -> np.ndarray:
    """The values, [rows]; missing ones are the default; without one NaN.

    Raises:
        BadValue: one is no such value, or missing where nothing stands for it.
    """
    if default is None and dtype.is_floating:
        default = float("nan")
    if default is None and None in values:
        raise BadValue(
            list(values).index(None), "has no value", "Say with defaults what stands for one, or use COALESCE."
        )
    filled = [_plain(default if value is None else value) for value in values]
    try:
        return _array(filled, dtype)
    except (LabkitError, OverflowError):
        pass
    for row, value in enumerate(filled):
        try:
            _array([value], dtype)
        except (LabkitError, OverflowError):
            fix = f"Convert it in the query, e.g. CAST(x AS {'TEXT' if dtype is string else 'REAL'}), or say another dtype."
            raise BadValue(row, f"{str(value)[:40]!r}, {type(value).__name__}, is no {dtype.name}", fix) from None
    raise AssertionError("a column fails as a whole, but no value of it does")


def _array(values: list[Any], dtype: DType) -> np.ndarray:
    array = as_array(values, dtype)
    if array.shape != (len(values),):
        raise LabkitError("a value that is several")
    return array


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return bytes(value) if isinstance(value, bytearray | memoryview) else value
