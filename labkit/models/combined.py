"""Wide & Deep: estimators of a linear model and a network that are trained as one."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.data.columns import feeds_of
from labkit.data.feature_column import as_columns
from labkit.errors import InvalidArgumentError
from labkit.models.estimator import Estimator
from labkit.models.estimators import Classifier, hidden_layers, linear_variables, sizes_of
from labkit.models.heads import ClassificationHead, RegressionHead
from labkit.models.model import Model

LINEAR_RATE, DNN_RATE = 0.005, 0.001
"""The largest learning rates that TensorFlow takes by default."""


class _Combined(Estimator):
    def __init__(
        self, head: Any, linear: Any, dnn: Any, hidden_units: Any, activation_fn: Any, dropout: Any,
        optimizers: tuple[Any, Any], model_dir: Any, weight_column: Any, seed: Any,
    ) -> None:  # fmt: skip
        self.linear_columns = [] if not _some(linear) else as_columns(linear)
        self.dnn_columns = [] if not _some(dnn) else as_columns(dnn)
        if not self.linear_columns and not self.dnn_columns:
            raise InvalidArgumentError(
                f"{type(self).__name__} needs linear_feature_columns or dnn_feature_columns", received="neither"
            )
        self.hidden_units = sizes_of(hidden_units or [])
        if bool(self.hidden_units) != bool(self.dnn_columns):
            raise InvalidArgumentError(
                "The deep part needs dnn_feature_columns and dnn_hidden_units",
                received=f"{len(self.dnn_columns)} columns, hidden units {self.hidden_units}",
            )
        feeds_of((*self.linear_columns, *self.dnn_columns))  # says where one name is two things
        names = {column.name: column for column in (*self.linear_columns, *self.dnn_columns)}
        super().__init__(head, list(names.values()), model_dir, weight_column, None, seed)
        self.activation_fn, self.dropout = activation_fn, dropout
        rate = min(LINEAR_RATE, 1 / math.sqrt(len(self.linear_columns) or 1))
        self.linear_optimizer = lk.optimizers.Ftrl(rate) if optimizers[0] is None else optimizers[0]
        self.dnn_optimizer = lk.optimizers.Adagrad(DNN_RATE) if optimizers[1] is None else optimizers[1]

    def network(self) -> Model:
        wide = deep = None
        table: dict[str, Any] = {}
        if self.linear_columns:
            wide = lk.layers.LinearFeatures(self.linear_columns, self.head.units, name="linear_model")
            table = wide.inputs()
        if self.dnn_columns:
            deep = lk.layers.DenseFeatures(self.dnn_columns, name="input_layer")
            table = deep.inputs(table)
        logits = [] if wide is None else [wide(table)]
        if deep is not None:
            x = deep(table)
            for layer in hidden_layers(self.hidden_units, self.activation_fn, self.dropout):
                x = layer(x)
            logits.append(lk.layers.Dense(self.head.units, name="logits")(x))
        return lk.Model(table, logits[0] if len(logits) == 1 else lk.layers.Add(name="sum")(logits), seed=self.seed)

    def compiled(self, model: Model) -> None:
        wide = [layer for layer in model.layers if layer.name == "linear_model"]
        deep = [layer for layer in model.layers if layer not in wide]
        pairs = [(self.linear_optimizer, wide), (self.dnn_optimizer, deep)]
        model.compile([pair for pair in pairs if pair[1]], self.head.loss)

    def variables(self) -> dict[str, np.ndarray]:
        model = self.model
        found = linear_variables(model, "linear_model") if self.linear_columns else {}
        deep = {path: each for path, each in model.named_weights().items() if not path.startswith("linear_model/")}
        return {**found, **{f"dnn/{path}": model.session.read(variable) for path, variable in deep.items()}}


class DNNLinearCombinedClassifier(_Combined, Classifier):
    """Wide & Deep classification (Cheng et al. 2016): the sum of a linear model's logits and a network's, trained as one.

    The wide part remembers what single categories and crosses mean; the deep part generalises by embeddings.

        cross = column.crossed_column(["guest", "dish"], 100_000)
        guest = column.embedding_column(column.categorical_column_with_hash_bucket("guest", 1000), 6)
        model = lk.DNNLinearCombinedClassifier([cross], dnn_feature_columns=[price, guest], dnn_hidden_units=[64, 32])
        model.fit(table, ordered, epochs=10)

    Args:
        linear_feature_columns: of the wide part; numbers and categories. None leaves the part out.
        linear_optimizer: of the wide part, as of `Estimator`; None takes Ftrl with the learning rate min(0.005,
            1 / √number of its columns), as TensorFlow.
        dnn_feature_columns: of the deep part; None leaves the part out. A column that stands in both parts is one object, and
            the numbers of a table's column are scaled in one way.
        dnn_optimizer: of the deep part; None takes Adagrad with the learning rate 0.001, as TensorFlow.
        dnn_hidden_units, dnn_activation_fn, dnn_dropout: as of `DNNRegressor`.
        model_dir, n_classes, weight_column, label_vocabulary, seed: as of `LinearClassifier`.

    Raises:
        InvalidArgumentError: an argument is out of range, or there is neither part.
    """

    def __init__(
        self,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = None,
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = None,
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Any = "relu",
        dnn_dropout: float | None = None,
        model_dir: str | os.PathLike[str] | None = None,
        n_classes: int = 2,
        weight_column: str | None = None,
        label_vocabulary: Sequence[Any] | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            ClassificationHead(n_classes, label_vocabulary), linear_feature_columns, dnn_feature_columns, dnn_hidden_units,
            dnn_activation_fn, dnn_dropout, (linear_optimizer, dnn_optimizer), model_dir, weight_column, seed,
        )  # fmt: skip


class DNNLinearCombinedRegressor(_Combined):
    """Wide & Deep regression; see `DNNLinearCombinedClassifier`.

    Args:
        linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units, dnn_activation_fn,
            dnn_dropout: as of `DNNLinearCombinedClassifier`.
        model_dir, label_dimension, weight_column, seed: as of `LinearRegressor`.

    Raises:
        InvalidArgumentError: an argument is out of range, or there is neither part.
    """

    def __init__(
        self,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = None,
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = None,
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Any = "relu",
        dnn_dropout: float | None = None,
        model_dir: str | os.PathLike[str] | None = None,
        label_dimension: int = 1,
        weight_column: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            RegressionHead(label_dimension), linear_feature_columns, dnn_feature_columns, dnn_hidden_units, dnn_activation_fn,
            dnn_dropout, (linear_optimizer, dnn_optimizer), model_dir, weight_column, seed,
        )  # fmt: skip


def _some(columns: Any) -> bool:
    return columns is not None and not (isinstance(columns, list | tuple) and not columns)
