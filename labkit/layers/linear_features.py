"""LinearFeatures: a linear model of a table's columns, which looks up the weights of categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import labkit as lk
from labkit.core.names import valid_name
from labkit.core.settings import one_of
from labkit.data.columns import CategoricalColumn, FeatureColumn
from labkit.data.embedded import COMBINERS, EmbeddingColumn
from labkit.errors import InvalidArgumentError
from labkit.layers.arguments import positive
from labkit.layers.features import TableLayer


class LinearFeatures(TableLayer):
    """y = sum over the columns of x_c W_c + b: the wide part of Wide & Deep learning (Cheng et al. 2016).

    Each category has weights of its own, which are looked up: a step touches only those of the categories in its batch, so
    that its time and memory do not grow with their number, and hash buckets and crosses may be a million. What `Dense` makes
    of `DenseFeatures` would be the same, with an array [batch, categories] in between.

        wide, deep = lk.layers.LinearFeatures([cross]), lk.layers.DenseFeatures([age, work])
        table = deep.inputs(wide.inputs())
        hidden = lk.layers.Dense(32, activation="relu")(deep(table))
        model = lk.Model(table, wide(table) + lk.layers.Dense(1)(hidden))

    x: as of `DenseFeatures`; y: float32 [batch, units]. Weights: `kernel` [numbers, units] for all numeric columns together, in
    their order; `<column>` [categories, units] for each column of categories; `bias` [units].

    Args:
        feature_columns: of `lk.feature_column`, one or several; none of them an embedding.
        units: how many outputs there are.
        use_bias: whether b is added.
        combiner: what becomes of an example that has several categories of a column: "sum", "mean" or "sqrtn", as of
            `lk.feature_column.embedding_column`.
        kernel_initializer: of all weights but the bias.
        bias_initializer: of the bias.

    Raises:
        InvalidArgumentError: as of `DenseFeatures`; a column is an embedding; units is no positive whole number, or there is no
            such combiner.
        GraphError, FeedError: (when called) as of `DenseFeatures`.
    """

    def __init__(
        self,
        feature_columns: Any,
        units: int = 1,
        use_bias: bool = True,
        combiner: str = "sum",
        kernel_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(feature_columns, **kwargs)
        if embedded := [column for column in self.columns if isinstance(column, EmbeddingColumn)]:
            raise InvalidArgumentError(
                "A linear model of a table looks up its categories itself",
                rule="LinearFeatures takes columns of numbers and of categories, and indicator columns",
                received=repr(embedded[0]),
                fix="Give it the embedding's categorical column.",
            )
        self.units = positive(units, "LinearFeatures needs a positive whole number of outputs, units")
        self.use_bias, self.combiner = bool(use_bias), one_of(combiner, COMBINERS, "LinearFeatures' combiner")
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self._numbers = [column for column in self.columns if not isinstance(column.source, CategoricalColumn)]
        self._categories = [column for column in self.columns if isinstance(column.source, CategoricalColumn)]

    def build(self, input_shape: Any) -> None:
        self.dtype = self.dtype if self.dtype.is_floating else lk.float32
        self._kernel, self._bias = None, None
        self._rows: dict[str, lk.Variable] = {}
        if width := sum(column.width for column in self._numbers):
            self._kernel = self.add_weight("kernel", (width, self.units), self.kernel_initializer)
        for column in self._categories:
            shape = (column.width, self.units)
            self._rows[column.name] = self.add_weight(valid_name(column.name), shape, self.kernel_initializer)
        if self.use_bias:
            self._bias = self.add_weight("bias", (self.units,), self.bias_initializer)

    def call(self, inputs: Mapping[str, lk.Tensor], training: bool = False) -> lk.Tensor:
        terms = []
        if self._kernel is not None:
            numbers = [self.fed(inputs, column)[0] for column in self._numbers]
            terms.append(lk.matmul(numbers[0] if len(numbers) == 1 else lk.concat(numbers, 1), self._kernel))
        for column in self._categories:
            ids, weights = self.fed(inputs, column)
            rows = self._rows[column.name]
            terms.append(lk.nn.embedding_bag(rows, ids, weights=weights, combiner=self.combiner))
        total = terms[0] if len(terms) == 1 else lk.add_n(terms)
        return total if self._bias is None else total + self._bias

    def weights_of(self, column: FeatureColumn) -> tuple[lk.Variable, slice]:
        """A column's weights: the variable, and which of its rows they are. Only of a layer that is built."""
        if column.name in self._rows:
            return self._rows[column.name], slice(None)
        start = sum(each.width for each in self._numbers[: self._numbers.index(column)])
        assert self._kernel is not None
        return self._kernel, slice(start, start + column.width)

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "units": self.units}
