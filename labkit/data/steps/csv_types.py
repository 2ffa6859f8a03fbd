"""Columns of CSV files: from text to numbers, bools and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core.convert import as_array
from labkit.core.dtypes import DType, bool_, float32, int64, string
from labkit.errors import LabkitError

MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"})
"""What says that there is no value."""

_BOOLS = {"true": True, "false": False, "1": True, "0": False}


class BadValue(Exception):
    """A text that is no value of its column: raised to whoever knows file and line.

    Attributes:
        row: of the text, from 0 on.
        what, fix: what is wrong, what to do.
    """

    def __init__(self, row: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.row, self.what, self.fix = row, what, fix


def guessed(texts: Sequence[str], has_default: bool) -> DType:
    """The dtype of a column: int64, float32, bool or text, whichever comes first that all its values are.

    Where values are missing, for which nothing stands, there is NaN in whole numbers' place, and so they are float32.
    """
    values = [text for text in texts if text not in MISSING]
    complete = has_default or len(values) == len(texts)
    if not values:
        return string
    for dtype in (int64, float32):
        try:
            _numbers(values, dtype)
        except BadValue:
            continue
        return dtype if complete else float32
    named = all(text.strip().lower() in ("true", "false") for text in values)
    return bool_ if named and complete else string


def converted(texts: Sequence[str], dtype: DType, default: Any) -> np.ndarray:
    """The values, [rows]; missing ones are the default; without one NaN, or the text as it is.

    Raises:
        BadValue: a text is no such value, or missing where nothing stands for it.
    """
    if dtype is string:
        values = np.empty(len(texts), object)
        filled = "" if default is None else default.decode() if isinstance(default, bytes) else str(default)
        values[:] = [(filled if text == "" else text).encode(errors="surrogateescape") for text in texts]
        return values
    missing = [i for i, text in enumerate(texts) if text in MISSING]
    if not missing:
        return _numbers(texts, dtype)
    if default is None and not dtype.is_floating:
        raise BadValue(
            missing[0],
            "has no value",
            f"Say with defaults what stands for one, or read it as float32, not {dtype.name}.",
        )
    fill = str(float("nan") if default is None else default)
    kept = list(texts)
    for i in missing:
        kept[i] = fill
    return _numbers(kept, dtype)


def _numbers(texts: Sequence[str], dtype: DType) -> np.ndarray:
    try:
        return _parsed(texts, dtype)
    except (ValueError, OverflowError, LabkitError):
        pass
    for row, text in enumerate(texts):
        try:
            _parsed([text], dtype)
        except (ValueError, OverflowError, LabkitError):
            raise BadValue(
                row, f"{text[:40]!r} is no {dtype.name}", "Mend the file, or say another dtype with dtypes."
            ) from None
    raise AssertionError("a column fails as a whole, but no value of it does")


def _parsed(texts: Sequence[str], dtype: DType) -> np.ndarray:
    if any("_" in text for text in texts):
        raise ValueError("Python would take 1_000")
    if dtype is bool_:
        return np.array([_bool(text) for text in texts], bool)
    numbers = np.array([float(text) for text in texts] if dtype.is_floating else [int(text) for text in texts])
    return as_array(numbers, dtype)


def _bool(text: str) -> bool:
    if (value := _BOOLS.get(text.strip().lower())) is None:
        raise ValueError("neither true nor false")
    return value
