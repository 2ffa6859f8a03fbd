"""What becomes of categories: zeros and ones, or rows of numbers that are learned; and categories that weigh differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from labkit.data.columns import CategoricalColumn, FeatureColumn, key_of, whole_number
from labkit.data.numbers import float64_of
from labkit.data.tables import column_of, entries
from labkit.errors import FeedError, InvalidArgumentError

COMBINERS = ("mean", "sum", "sqrtn")


class _Represented(FeatureColumn):
    """What becomes of a column of categories."""

    categorical_column: CategoricalColumn

    @property
    def feeds(self) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        return self.categorical_column.feeds

    @property
    def source(self) -> FeatureColumn:
        return self.categorical_column

    def read(self, features: Any) -> dict[str, np.ndarray]:
        return self.categorical_column.read(features)


@dataclass(frozen=True, repr=False)
class IndicatorColumn(_Represented):
    """See `indicator_column`."""

    made_by: ClassVar[str] = "indicator_column"
    categorical_column: CategoricalColumn

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_indicator"

    @property
    def width(self) -> int:
        return self.categorical_column.width

    def encode(self, features: Any) -> np.ndarray:
        return self.categorical_column.encode(features)


@dataclass(frozen=True, repr=False)
class EmbeddingColumn(_Represented):
    """See `embedding_column`.

    Attributes:
        table: the name of its weights; columns with one name share them.
    """

    made_by: ClassVar[str] = "embedding_column"
    categorical_column: CategoricalColumn
    dimension: int
    combiner: str
    initializer: Any
    trainable: bool
    shared_name: str | None

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_{'embedding' if self.shared_name is None else 'shared_embedding'}"

    @property
    def table(self) -> str:
        return self.name if self.shared_name is None else self.shared_name

    @property
    def width(self) -> int:
        return self.dimension

    def encode(self, features: Any) -> np.ndarray:
        raise InvalidArgumentError(
            f"Column {self.name!r} has weights, which only a model has",
            rule="input_layer makes numbers of columns without weights",
            received=repr(self),
            fix="Begin a model with lk.layers.DenseFeatures(columns); or take the indicator_column of these categories.",
        )


@dataclass(frozen=True, repr=False)
class WeightedColumn(CategoricalColumn):
    """See `weighted_categorical_column`."""

    made_by: ClassVar[str] = "weighted_categorical_column"
    categorical_column: CategoricalColumn
    weight_feature_key: str

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def num_buckets(self) -> int:  # type: ignore[override]
        return self.categorical_column.num_buckets

    @property
    def feeds(self) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        return {**super().feeds, f"{self.name}_weights": ("float32", (None,))}

    def ids(self, features: Any) -> np.ndarray:
        return self.categorical_column.ids(features)

    def read(self, features: Any) -> dict[str, np.ndarray]:
        ids, key = self.ids(features), self.weight_feature_key
        weights = float64_of(key, column_of(features, key))
        weights = weights.reshape(len(weights), -1) if weights.size else weights.reshape(len(weights), ids.shape[1])
        if weights.shape != ids.shape or not np.isfinite(weights[ids >= 0]).all():
            raise FeedError(
                f"Column {key!r} does not weigh the categories of {self.categorical_column.name!r}",
                rule="It has a finite number for each of them",
                received=f"numbers {list(weights.shape)} for categories {list(ids.shape)}"
                if weights.shape != ids.shape
                else "NaN or infinity",
            )
        return dict(zip(self.feeds, (ids, np.where(ids >= 0, weights, 0).astype(np.float32)), strict=True))


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """Categories as zeros and ones. That is what `input_layer` makes of a column of categories anyhow.

    Raises:
        InvalidArgumentError: this is no column of categories.
    """
    if not isinstance(categorical_column, CategoricalColumn):
        raise InvalidArgumentError("indicator_column takes a column of categories", received=repr(categorical_column))
    return IndicatorColumn(categorical_column)


def embedding_column(
    categorical_column: CategoricalColumn,
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    trainable: bool = True,
    shared_name: str | None = None,
) -> EmbeddingColumn:
    """Categories as rows of numbers that a model learns (Bengio et al., A neural probabilistic language model, 2003).

    For `lk.layers.DenseFeatures`: a step touches the rows only that its batch names, so its time and memory do not grow with
    the number of categories.

    Args:
        categorical_column: a column of categories.
        dimension: how many numbers a row has.
        combiner: what becomes of an example with several categories, whose rows are e_i, with weights w_i that are 1 but for
            `weighted_categorical_column`: "sum": sum w_i e_i; "mean": that over sum w_i; "sqrtn": over the root of sum w_i².
            An example of no category has zeros.
        initializer: of the rows: an initializer, a registered name, or {"name": ..., settings}; None draws from a normal
            distribution of standard deviation 1 / √dimension, cut off at twice that.
        trainable: whether the rows are learned.
        shared_name: columns with the same one, in one layer, share their rows; see `shared_embeddings`.

    Raises:
        InvalidArgumentError: this is no column of categories, the dimension is below 1, there is no such combiner, or the
            name is none.
    """
    if not isinstance(categorical_column, CategoricalColumn):
        raise InvalidArgumentError("embedding_column takes a column of categories", received=repr(categorical_column))
    dimension = whole_number("The dimension of an embedding", dimension, 1)
    if combiner not in COMBINERS:
        raise InvalidArgumentError(
            "An embedding has no such combiner", rule=f"It is {', '.join(COMBINERS)}", received=repr(combiner)
        )
    if shared_name is not None:
        shared_name = key_of(shared_name)
    return EmbeddingColumn(categorical_column, dimension, combiner, initializer, bool(trainable), shared_name)


def shared_embeddings(
    categorical_columns: Sequence[CategoricalColumn],
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    shared_embedding_collection_name: str | None = None,
    trainable: bool = True,
) -> list[EmbeddingColumn]:
    """Embedding columns, one for each column of categories, that have the same rows: of a list of the last films seen and the
    film that is asked about, say.

    Args:
        categorical_columns: with as many categories each.
        dimension, combiner, initializer, trainable: as of `embedding_column`.
        shared_embedding_collection_name: of the weights; None makes one of the columns' names.

    Raises:
        InvalidArgumentError: as of `embedding_column`; or there are no columns, or other numbers of categories.
    """
    columns = entries(categorical_columns, "Columns that share an embedding")
    made = [embedding_column(column, dimension, combiner, initializer, trainable) for column in columns]
    buckets = {column.categorical_column.num_buckets for column in made}
    if len(buckets) != 1:
        raise InvalidArgumentError(
            "Columns share an embedding that have the same categories",
            received=", ".join(
                f"{each.categorical_column.name!r}: {each.categorical_column.num_buckets}" for each in made
            )
            or "no columns",
        )
    name = shared_embedding_collection_name
    if name is None:
        name = f"{'_'.join(sorted(column.categorical_column.name for column in made))}_shared_embedding"
    return [embedding_column(column, dimension, combiner, initializer, trainable, name) for column in columns]


def weighted_categorical_column(categorical_column: CategoricalColumn, weight_feature_key: str) -> WeightedColumn:
    """Categories that count as much as another column says: of words in a text, how often they occur.

    As zeros and ones they are the sums of their weights; see `embedding_column` for combiners.

    Args:
        categorical_column: a column of categories.
        weight_feature_key: the table's column of their weights, of the shape of that of the categories.

    Raises:
        InvalidArgumentError: this is no column of categories, or no key.
    """
    if not isinstance(categorical_column, CategoricalColumn):
        raise InvalidArgumentError(
            "weighted_categorical_column takes a column of categories", received=repr(categorical_column)
        )
    return WeightedColumn(categorical_column, key_of(weight_feature_key))
