"""What a feature column is, and how one reads a table: a dict of arrays, or a pandas frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.errors import FeedError, InvalidArgumentError, ResourceExhaustedError
from labkit.near import quoted_near_names


class FeatureColumn(ABC):
    """Turns columns of a table into numbers that a model can multiply.

    Attributes:
        name: unique among the columns of one model.
        width: how many numbers it makes of an example.
    """

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def width(self) -> int: ...

    @abstractmethod
    def encode(self, features: Any) -> np.ndarray:
        """The numbers, float32 [examples, width].

        Raises:
            FeedError: the table lacks a column, or a column holds other values than it must.
            ResourceExhaustedError: they do not fit in memory.
        """


class CategoricalColumn(FeatureColumn):
    """A column whose values are one of so many categories. It is encoded as 0 and 1 ("one-hot"), one number a category;
    an example of no category has zeros alone.

    Attributes:
        num_buckets: the number of categories.
    """

    num_buckets: int

    @abstractmethod
    def ids(self, features: Any) -> np.ndarray:
        """The numbers of the categories, int64 [examples, n], from 0 on; -1 where there is none.

        Raises:
            FeedError: as of `encode`.
        """

    @property
    def width(self) -> int:
        return self.num_buckets

    def encode(self, features: Any) -> np.ndarray:
        ids = self.ids(features)
        try:
            encoded = np.zeros((len(ids), self.num_buckets), np.float32)
        except MemoryError:
            raise ResourceExhaustedError(
                f"Column {self.name!r} does not fit in memory as zeros and ones",
                received=f"{len(ids)} examples of {self.num_buckets} categories",
                fix="Use fewer buckets, or give its ids to an lk.layers.Embedding.",
            ) from None
        rows, places = np.nonzero(ids >= 0)
        np.add.at(encoded, (rows, ids[rows, places]), 1)
        return encoded


def column_of(features: Any, key: str) -> np.ndarray:
    """The values of one column of a table, [examples, ...].

    Raises:
        FeedError: it has no such column, or this is no table, or the column is no array.
    """
    if not isinstance(features, Mapping) and not hasattr(features, "columns"):
        raise FeedError(
            "The features are no table",
            rule="They are a dict of arrays by column, or a pandas frame",
            received=type(features).__name__,
            fix=f'For example {{"{key}": x}}.',
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


def one_of_each(columns: Any) -> list[FeatureColumn]:
    """The feature columns as a list.

    Raises:
        InvalidArgumentError: there are none, one is something else, or two have one name.
    """
    found = [columns] if isinstance(columns, FeatureColumn) else list(columns) if _is_collection(columns) else [columns]
    strange = [column for column in found if not isinstance(column, FeatureColumn)]
    if not found or strange:
        raise InvalidArgumentError(
            "These are no feature columns",
            rule="They are made by the functions of lk.feature_column; a model has at least one",
            received=repr(strange[0]) if strange else "none",
            fix='For example [lk.feature_column.numeric_column("x")].',
        )
    names = [column.name for column in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidArgumentError("Two feature columns have one name", received=repr(twice), fix="Leave one out.")
    return found


def _is_collection(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) or hasattr(value, "__next__")


def require_one_length(columns: Mapping[str, np.ndarray]) -> None:
    """Raises FeedError when columns have different numbers of examples."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise FeedError(
            "The columns have different numbers of examples",
            rule="Every column has one value for each example",
            received=", ".join(f"{name!r}: {length}" for name, length in lengths.items()),
        )
