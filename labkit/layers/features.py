"""Layers that begin a model of tables: what reads a table through feature columns, and DenseFeatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import labkit as lk
from labkit.core.names import valid_name
from labkit.core.nest import flatten
from labkit.data.columns import CategoricalColumn, FeatureColumn, feeds_of, read_columns
from labkit.data.embedded import EmbeddingColumn
from labkit.data.feature_column import as_columns, described
from labkit.data.tables import is_table
from labkit.errors import GraphError, InvalidArgumentError
from labkit.layers.base import Layer
from labkit.layers.input import Input
from labkit.layers.symbol import is_symbolic


class TableLayer(Layer):
    """What the layers share that are made of feature columns.

    Text is never in a graph: a model that has such a layer reads the tables that it is given through the layer's columns
    (`lk.feature_column`), once for each fit, evaluate or predict, and feeds the numbers that they make of it: float32
    [batch, n] for numbers, int64 [batch, n] for categories, -1 where there is none. The layer takes a dict of these.

    Attributes:
        columns: the feature columns.
        sources: input's name -> the feature column that reads it.
    """

    settings_in: ClassVar[dict[str, str]] = {"feature_columns": "described_columns"}

    def __init__(self, feature_columns: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = as_columns(feature_columns)
        self.sources: dict[str, FeatureColumn] = feeds_of(self.columns)

    @property
    def described_columns(self) -> list[Any]:
        """The columns as mappings, of which the layer can be made again."""
        return [described(column) for column in self.columns]

    def inputs(self, others: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a functional model begins with that has this layer: an `Input` for each of the numbers that its columns make.

        Args:
            others: the inputs of another such layer in the model; they are in the result, and those of the same name are
                shared: `table = deep.inputs(wide.inputs())`.
        """
        found = dict(others or {})
        for name, source in self.sources.items():
            dtype, shape = source.feeds[name]
            found.setdefault(name, Input(shape, dtype, name=name))
        return found

    def __call__(self, inputs: Any, *args: Any, **options: Any) -> Any:
        """As of `Layer`. In a graph of a program's own it may be called on a table, too, whose numbers become constants.

        Raises:
            GraphError: the inputs are not those of `inputs()`.
            FeedError: as of `FeatureColumn.read`.
        """
        given = flatten(inputs)
        if (
            is_table(inputs)
            and not is_symbolic(given)
            and not any(isinstance(x, lk.Tensor | lk.Variable) for x in given)
        ):
            inputs = read_columns(self.columns, inputs)
        elif not isinstance(inputs, Mapping) or not inputs.keys() >= self.sources.keys():
            raise GraphError(
                f"Layer {self.name or type(self).__name__!r} takes what its feature columns make of a table",
                rule=f"A dict of {', '.join(map(repr, self.sources))}, by these names",
                received=f"a dict of {', '.join(map(repr, inputs)) or 'nothing'}"
                if isinstance(inputs, Mapping)
                else type(inputs).__name__,
                fix="Begin the model with them: table = layer.inputs(); x = layer(table); lk.Model(table, ...). In an "
                "lk.Sequential the layer stands first.",
            )
        return super().__call__({name: inputs[name] for name in self.sources}, *args, **options)

    def fed(self, inputs: Mapping[str, lk.Tensor], column: FeatureColumn) -> list[lk.Tensor]:
        """The tensors of a column: its numbers; or the numbers of its categories, and their weights, 0 where there is none.

        Categories that are missing are category 0, of weight 0.
        """
        found = [inputs[name] for name in column.feeds]
        if not isinstance(column.source, CategoricalColumn):
            return found
        ids, *given = found
        weights = lk.cast(given[0] if given else lk.greater_equal(ids, lk.zeros_like(ids)), self.dtype)
        return [lk.maximum(ids, lk.zeros_like(ids)), weights]

    def settings(self) -> dict[str, Any]:
        return {"feature_columns": [column.name for column in self.columns]}


class DenseFeatures(TableLayer):
    """A table's columns as numbers side by side, [batch, sum of the columns' widths], in the order of the columns.

        model = lk.Sequential([lk.layers.DenseFeatures(columns), lk.layers.Dense(8, activation="relu"), lk.layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(table, y)              # a dict of arrays [examples, ...] by column, or a pandas frame

    Numeric columns are what they are, categories zeros and ones, `embedding_column`s rows of weights, which the model learns
    and saves. Functional models begin with `inputs()`:

        features = lk.layers.DenseFeatures(columns)
        table = features.inputs()
        model = lk.Model(table, lk.layers.Dense(1)(features(table)))

    x: a dict of float32 and int64 [batch, n], see `inputs`; y: float32. Weights: for each table of embeddings `<table>`
    [categories, dimension].

    Args:
        feature_columns: of `lk.feature_column`, one or several.

    Raises:
        InvalidArgumentError: these are no feature columns; two have one name, or read one column of the table in two ways;
            columns that share embeddings differ in their number of categories or dimension; when run, a category is out of
            range.
        GraphError, FeedError: (when called) as of `TableLayer.__call__`.
    """

    def __init__(self, feature_columns: Any, **kwargs: Any) -> None:
        super().__init__(feature_columns, **kwargs)
        tables: dict[str, EmbeddingColumn] = {}
        for column in self.columns:
            if isinstance(column, EmbeddingColumn):
                first = tables.setdefault(column.table, column)
                if _table_of(first) != _table_of(column):
                    raise InvalidArgumentError(
                        f"Columns that share the embeddings {column.table!r} differ",
                        rule="They have one number of categories, dimension, initializer, and are all trainable, or none is",
                        received=f"{first!r} and {column!r}",
                    )
        self._tables = tables

    def build(self, input_shape: Any) -> None:
        self.dtype = self.dtype if self.dtype.is_floating else lk.float32
        self._rows: dict[str, lk.Variable] = {}
        for name, column in self._tables.items():
            initializer = column.initializer
            if initializer is None:
                initializer = {"name": "truncated_normal", "stddev": column.dimension**-0.5}
            shape = (column.categorical_column.num_buckets, column.dimension)
            self._rows[name] = self.add_weight(valid_name(name), shape, initializer, trainable=column.trainable)

    def call(self, inputs: Mapping[str, lk.Tensor], training: bool = False) -> lk.Tensor:
        parts = [self._numbers(inputs, column) for column in self.columns]
        return parts[0] if len(parts) == 1 else lk.concat(parts, 1)

    def _numbers(self, inputs: Mapping[str, lk.Tensor], column: FeatureColumn) -> lk.Tensor:
        if isinstance(column, EmbeddingColumn):
            ids, weights = self.fed(inputs, column)
            return lk.nn.embedding_bag(self._rows[column.table], ids, weights=weights, combiner=column.combiner)
        if not isinstance(column.source, CategoricalColumn):
            return self.fed(inputs, column)[0]
        ids, weights = self.fed(inputs, column)
        return lk.reduce_sum(lk.one_hot(ids, column.width, dtype=self.dtype) * lk.expand_dims(weights, -1), 1)


def _table_of(column: EmbeddingColumn) -> tuple[Any, ...]:
    return column.categorical_column.num_buckets, column.dimension, column.initializer, column.trainable
