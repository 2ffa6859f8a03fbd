"""Frames and columns of pandas, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.errors import DTypeError, InvalidArgumentError, LabkitError


def columns_of(table: Any) -> Any:
    """A frame as a dict of its columns, a column as an array; the index is left out.

    Categories are their values, and whole numbers of which some are missing are float64 with NaN, as pandas itself has them.

    Args:
        table: a pandas frame, series or index, or whatever else NumPy makes an array of.

    Raises:
        DTypeError: a column is none of numbers, bools or text, or text or bools are missing in it.
        InvalidArgumentError: two columns have one name.
    """
    if not (hasattr(table, "columns") and hasattr(table, "items")):
        return _column(
            table, f"The column {table.name!r}" if getattr(table, "name", None) is not None else "The column"
        )
    names = list(table.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgumentError(
            f"The frame has two columns {twice!r}",
            rule="An element is a dict, in which a name stands once",
            received=", ".join(map(repr, names[:20])),
        )
    return {name: _column(column, f"Column {name!r} of the frame") for name, column in table.items()}


def _column(column: Any, what: str) -> np.ndarray:
    from labkit.data.elements import as_element

    dtype = str(getattr(column, "dtype", ""))
    try:
        array = np.asarray(column)
        return np.asarray(as_element(array))
    except LabkitError as error:
        missing: Any = np.flatnonzero(np.asarray(column.isna())) if hasattr(column, "isna") else []
        raise DTypeError(
            f"{what} is no array of numbers, bools or text",
            rule="These, and text in which nothing is missing, become tensors",
            received=f"dtype {dtype}"
            + (f", with no value in row {missing[0]}" if len(missing) else f": {error.received}"),
            fix=_advice(dtype, bool(len(missing))),
        ) from error


def _advice(dtype: str, missing: bool) -> str:
    if dtype.startswith(("datetime", "timedelta", "period")):
        return "Make numbers of times, e.g. column.dt.year, or (column - column.min()).dt.total_seconds()."
    if missing:
        return "Say what stands for a missing value, with column.fillna(value), or leave such rows out with frame.dropna()."
    return "Convert it first, e.g. with column.astype('float32') or column.astype(str), or leave it out."
