"""What a feature column is."""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, ClassVar, cast

import numpy as np

from labkit.core.attr import whole
from labkit.data.tables import require_one_length
from labkit.errors import InvalidArgumentError, ResourceExhaustedError

MOST_BUCKETS = 2**31 - 1


class FeatureColumn(ABC):
    """Turns columns of a table into numbers that a model can multiply.

    What it makes of them has two halves. NumPy's half (`read`) makes numbers of a table, in which there may be text: numbers
    as they are multiplied, or the numbers of categories. The graph's half is a layer's, such as `lk.layers.DenseFeatures`,
    where categories have weights. `encode` does both where there are no weights.

    A column is a frozen dataclass whose fields are the arguments of the function that makes it.

    Attributes:
        made_by: that function of `lk.feature_column`.
        name: unique among the columns of one model.
        width: how many numbers it makes of an example.
        feeds: what a model is fed for it: input's name -> (dtype, the shape of one example).
    """

    made_by: ClassVar[str]

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def width(self) -> int: ...

    @property
    @abstractmethod
    def feeds(self) -> dict[str, tuple[str, tuple[int | None, ...]]]: ...

    @property
    def source(self) -> FeatureColumn:
        """The column that reads the table for this one: itself, or the categories that it gives weights to."""
        return self

    @abstractmethod
    def read(self, features: Any) -> dict[str, np.ndarray]:
        """An array [examples, ...] for each of `feeds`.

        Raises:
            FeedError: the table lacks a column, or a column holds other values than it must.
        """

    @abstractmethod
    def encode(self, features: Any) -> np.ndarray:
        """The numbers, float32 [examples, width].

        Raises:
            FeedError: as of `read`.
            ResourceExhaustedError: they do not fit in memory.
            InvalidArgumentError: the column has weights, which only a model has.
        """

    def settings(self) -> dict[str, Any]:
        """The arguments of `made_by` that make this column again."""
        return {field.name: getattr(self, field.name) for field in fields(cast(Any, self))}

    def __repr__(self) -> str:
        given = {key: value for key, value in self.settings().items() if value is not None}
        shown = [f"{k}={repr(v) if isinstance(v, FeatureColumn) else reprlib.repr(v)}" for k, v in given.items()]
        return f"{self.made_by}({', '.join(shown)})"


class CategoricalColumn(FeatureColumn):
    """A column whose values are one of so many categories, or several of them.

    It is encoded as 0 and 1 ("one-hot"), one number a category; an example of no category has zeros alone.

    Attributes:
        num_buckets: the number of categories.
    """

    num_buckets: int

    @abstractmethod
    def ids(self, features: Any) -> np.ndarray:
        """The numbers of the categories, int64 [examples, n], from 0 on; -1 where there is none.

        Raises:
            FeedError: as of `read`.
        """

    @property
    def width(self) -> int:
        return self.num_buckets

    @property
    def feeds(self) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        return {f"{self.name}_ids": ("int64", (None,))}

    def read(self, features: Any) -> dict[str, np.ndarray]:
        return dict(zip(self.feeds, [self.ids(features)], strict=True))

    def encode(self, features: Any) -> np.ndarray:
        ids, *weights = self.read(features).values()
        try:
            encoded = np.zeros((len(ids), self.num_buckets), np.float32)
        except MemoryError:
            raise ResourceExhaustedError(
                f"Column {self.name!r} does not fit in memory as zeros and ones",
                received=f"{len(ids)} examples of {self.num_buckets} categories",
                fix="Use fewer buckets, or lk.feature_column.embedding_column in an lk.layers.DenseFeatures, or "
                "lk.layers.LinearFeatures: these look up the categories that an example has.",
            ) from None
        rows, places = np.nonzero(ids >= 0)
        np.add.at(encoded, (rows, ids[rows, places]), weights[0][rows, places] if weights else 1)
        return encoded


def read_columns(columns: Iterable[FeatureColumn], features: Any) -> dict[str, np.ndarray]:
    """What a model is fed for these columns: input's name -> array [examples, ...].

    Args:
        columns: some may be fed the same.
        features: a table.

    Raises:
        FeedError: as of `FeatureColumn.read`; or columns have different numbers of examples.
    """
    found: dict[str, np.ndarray] = {}
    for column in columns:
        if not found.keys() >= column.feeds.keys():
            found |= column.read(features)
    require_one_length(found)
    return found


def feeds_of(columns: Iterable[FeatureColumn]) -> dict[str, FeatureColumn]:
    """Input's name -> the column that reads it from a table, for all inputs of these columns.

    Raises:
        InvalidArgumentError: two columns make different things of one input.
    """
    found: dict[str, FeatureColumn] = {}
    for column in columns:
        own = column.source
        for feed in column.feeds:
            other = found.setdefault(feed, own)
            if other is not own and other != own:
                raise InvalidArgumentError(
                    f"Two feature columns make different things of one input, {feed!r}",
                    rule="In one model a table's column is read in one way for all feature columns that are numbers of it, "
                    "and in one way for all that are its categories",
                    received=f"{other!r} and {own!r}",
                    fix="Use one column object in both places.",
                )
    return found


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


def key_of(key: Any) -> str:
    """The name of a table's column.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not isinstance(key, str) or not key:
        raise InvalidArgumentError("The key of a feature column is the name of a table's column", received=repr(key))
    return key


def whole_number(what: str, value: Any, low: int, high: int | None = None) -> int:
    """A whole number in a range.

    Raises:
        InvalidArgumentError: it is something else.
    """
    try:
        found = whole(value)
    except (TypeError, OverflowError):
        found = low - 1
    if found < low or (high is not None and found > high):
        bounds = f"from {low} on" if high is None else f"from {low} to {high}"
        raise InvalidArgumentError(f"{what} is a whole number {bounds}", received=repr(value))
    return found
