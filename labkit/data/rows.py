"""Examples by their numbers: of arrays, nests of them, frames, and the splits of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.data.tables import is_missing
from labkit.errors import InvalidArgumentError


def is_split(data: Any) -> bool:
    """Whether this is a data set's `Split`, or alike: what has x and y, and is made of them."""
    return hasattr(data, "x") and hasattr(data, "y") and not isinstance(data, Mapping | tuple) and not is_frame(data)


def is_frame(data: Any) -> bool:
    """Whether this is a frame or a series of pandas."""
    return hasattr(data, "iloc")


def count_of(data: Any) -> int:
    """The number of examples.

    Args:
        data: an array or list [n, ...], a tuple or dict of them, a pandas frame or series, a data set's split; or n.

    Raises:
        InvalidArgumentError: it is none of these, has no examples, or arrays differ in their number.
    """
    if isinstance(data, int | np.integer) and not isinstance(data, bool):
        lengths = [int(data)]
    else:
        lengths = [len(leaf) if np.ndim(leaf) else -1 for leaf in leaves_of(data)]
    if not lengths or min(lengths) < 0 or isinstance(data, bool):
        raise InvalidArgumentError(
            "These are no examples",
            rule="Examples are an array [n, ...], a tuple or dict of them, a pandas frame, the split of a data set, or n",
            received=type(data).__name__,
            fix="Of a data set give one of its splits, such as data.train; of a pipeline dataset.arrays().",
        )
    if len(set(lengths)) > 1:
        raise InvalidArgumentError("Arrays of examples differ in their number", received=", ".join(map(str, lengths)))
    if not lengths[0]:
        raise InvalidArgumentError("There are no examples", received="0")
    return lengths[0]


def take(data: Any, rows: np.ndarray) -> Any:
    """The examples of these numbers, int64 [k], in the form of `data`; of n the numbers themselves."""
    if isinstance(data, int | np.integer):
        return rows
    if is_split(data):
        return type(data)(take(data.x, rows), take(data.y, rows))
    if is_frame(data):
        return data.iloc[rows]
    if isinstance(data, Mapping):
        return {key: take(value, rows) for key, value in data.items()}
    if isinstance(data, tuple):
        parts = [take(value, rows) for value in data]
        return type(data)(*parts) if hasattr(data, "_fields") else tuple(parts)
    return np.asarray(data)[rows]


def labels_of(data: Any, labels: Any, count: int, what: str = "labels") -> np.ndarray:
    """Which class, or group, each example is of: numbers from 0 on, int64 [count], in the order of the sorted values.

    Args:
        labels: [count] or [count, 1], or the name of a column where `data` is a frame or a dict; None takes y of a split, or
            the second of a pair, where it is labels that are asked for.

    Raises:
        InvalidArgumentError: there are none, or they are not one for each example.
    """
    if isinstance(labels, str):
        labels = _column(data, labels, what)
    elif labels is None and what == "labels" and is_split(data):
        labels = data.y
    elif labels is None and what == "labels" and type(data) is tuple and len(data) == 2:
        labels = data[1]
    values = np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    listed = values.ravel().tolist() if values.dtype.kind in "fO" else []
    strange = [value for value in listed if is_missing(value) or (isinstance(value, float) and not value.is_integer())]
    if values.shape != (count,) or strange:
        raise InvalidArgumentError(
            f"Examples have no such {what}",
            rule=f"There is one for each of the {count} examples, a whole number or a text",
            received="none"
            if labels is None
            else f"{values.dtype} {list(values.shape)}{f', {strange[0]}' if strange else ''}",
            fix=f"Give them: {what}=y.",
        )
    if values.dtype.kind == "O":
        values = np.array([repr(value) for value in values.tolist()])
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _column(data: Any, name: str, what: str) -> Any:
    """The column of that name of a frame or a dict."""
    names = list(data) if isinstance(data, Mapping) or hasattr(data, "columns") else []
    if name not in names:
        raise InvalidArgumentError(
            f"The examples have no column {name!r}, which is to tell the {what}",
            rule="A name is that of a column of a frame or a dict",
            received=f"columns {', '.join(map(repr, names[:20]))}" if names else type(data).__name__,
            fix=f"Or give one for each example: {what}=y.",
        )
    return data[name]


def leaves_of(data: Any) -> list[Any]:
    """The arrays, and pandas' frames and series, in the order in which they stand; lists become arrays."""
    if is_split(data):
        return [*leaves_of(data.x), *leaves_of(data.y)]
    if isinstance(data, Mapping | tuple):
        values = data.values() if isinstance(data, Mapping) else data
        return [leaf for value in values for leaf in leaves_of(value)]
    return [data if is_frame(data) else np.asarray(data)]
