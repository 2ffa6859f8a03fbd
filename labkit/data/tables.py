"""Tables: dicts of arrays [examples, ...] by column, or pandas frames; and how their columns are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.errors import FeedError, InvalidArgumentError
from labkit.near import quoted_near_names


def column_of(features: Any, key: str) -> np.ndarray:
    """The values of one column of a table, [examples, ...].

    Raises:
        FeedError: it has no such column, or this is no table, or the column is no array.
    """
    if not is_table(features):
        raise FeedError(
            "The features are no table",
            rule="They are a dict of arrays by column, or a pandas frame",
            received=type(features).__name__,
            fix="Of the split of a data set: split.x."
            if hasattr(features, "x") and hasattr(features, "y")
            else "Of a pipeline its columns are dataset.arrays(), in pairs (x, y) their first."
            if hasattr(features, "element_spec")
            else f'For example {{"{key}": x}}.',
        )
    if key not in features:
        known = [str(name) for name in features]
        near = quoted_near_names(key, known)
        raise FeedError(
            f"The features have no column {key!r}" + (f"; did you mean {near}?" if near else ""),
            rule="Every column that a feature column reads is there",
            received=f"columns {', '.join(map(repr, known)) or 'none'}",
        )
    try:
        values = np.asarray(features[key])
    except ValueError:
        values = np.asarray(None)
    if values.ndim == 0:
        raise FeedError(
            f"Column {key!r} is no array", rule="It has one value for each example", received=repr(features[key])
        )
    return values


def is_table(value: Any) -> bool:
    """Whether this is a dict by column, or a pandas frame."""
    return isinstance(value, Mapping) or hasattr(value, "columns")


def flat_column(features: Any, key: str) -> np.ndarray:
    """`column_of`, with one row of values for each example, [examples, n].

    Raises:
        FeedError: as of `column_of`.
    """
    values = column_of(features, key)
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: None, NaN, or pandas' NA."""
    return (
        value is None or type(value).__name__ == "NAType" or (isinstance(value, float | np.floating) and value != value)
    )


def is_number(value: Any) -> bool:
    """Whether this is one number; bools are none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.complexfloating)


def entries(value: Any, what: str) -> list[Any]:
    """The entries of a list, a tuple, an array or a series.

    Raises:
        InvalidArgumentError: it is something else, such as a text.
    """
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__") or np.ndim(value) == 0:
        raise InvalidArgumentError(f"{what} are given in a list", received=repr(value)[:200])
    return [entry.item() if isinstance(entry, np.generic) else entry for entry in value]


def require_one_length(columns: Mapping[str, np.ndarray]) -> None:
    """Raises FeedError when columns have different numbers of examples."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise FeedError(
            "The columns have different numbers of examples",
            rule="Every column has one value for each example",
            received=", ".join(f"{name!r}: {length}" for name, length in lengths.items()),
        )
