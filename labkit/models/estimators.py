"""Models of tables that need no layers written down. Names and arguments are TensorFlow's (`tf.estimator`)."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.data.tables import entries
from labkit.models.arrays import positive
from labkit.models.estimator import Estimator
from labkit.models.heads import ClassificationHead, RegressionHead
from labkit.models.model import Model


class _Linear(Estimator):
    def __init__(self, head: Any, feature_columns: Any, model_dir: Any, weight_column: Any, optimizer: Any, seed: Any):
        super().__init__(head, feature_columns, model_dir, weight_column, optimizer, seed)
        if optimizer is None:
            self.optimizer = lk.optimizers.Ftrl(min(0.2, 1 / math.sqrt(len(self.feature_columns))))

    def network(self) -> Model:
        wide = lk.layers.LinearFeatures(self.feature_columns, self.head.units, name="linear_model")
        return lk.Sequential([wide], seed=self.seed)

    def variables(self) -> dict[str, np.ndarray]:
        return linear_variables(self.model, "linear_model")


class _Deep(Estimator):
    def __init__(self, hidden_units: Sequence[int], activation_fn: Any, dropout: float | None, *estimator: Any) -> None:
        super().__init__(*estimator)
        self.hidden_units = sizes_of(hidden_units)
        self.activation_fn, self.dropout = activation_fn, dropout
        if self.optimizer is None:
            self.optimizer = lk.optimizers.Adagrad(0.05)

    def network(self) -> Model:
        hidden = hidden_layers(self.hidden_units, self.activation_fn, self.dropout)
        first = lk.layers.DenseFeatures(self.feature_columns, name="input_layer")
        return lk.Sequential([first, *hidden, lk.layers.Dense(self.head.units, name="logits")], seed=self.seed)

    def variables(self) -> dict[str, np.ndarray]:
        model = self.model
        return {f"dnn/{path}": model.session.read(variable) for path, variable in model.named_weights().items()}


def sizes_of(hidden_units: Any) -> list[int]:
    return [positive(units, "Each of hidden_units") for units in entries(hidden_units, "hidden_units")]


def hidden_layers(hidden_units: list[int], activation: Any, dropout: float | None) -> list[Any]:
    """The layers between the feature columns and the logits."""
    made: list[Any] = []
    for number, units in enumerate(hidden_units):
        made.append(lk.layers.Dense(units, activation=activation, name=f"hiddenlayer_{number}"))
        if dropout is not None:
            made.append(lk.layers.Dropout(dropout, name=f"dropout_{number}"))
    return made


def linear_variables(model: Model, name: str) -> dict[str, np.ndarray]:
    """The weights of a `LinearFeatures`, by the names that TensorFlow gives them."""
    layer: Any = model.get_layer(name)
    found = {}
    for column in layer.columns:
        variable, rows = layer.weights_of(column)
        found[f"linear/linear_model/{column.name}/weights"] = model.session.read(variable)[rows]
    return {**found, "linear/linear_model/bias_weights": model.session.read(layer.own_weights["bias"])}


class Classifier(Estimator):
    def predict_proba(self, x: Any) -> np.ndarray:
        """The classes' probabilities, float32 [examples, n_classes].

        Args:
            x: the features: a dict of arrays by column, or a pandas frame.

        Raises:
            FailedPreconditionError, FeedError: as of `predict`.
        """
        probabilities: np.ndarray = self.head.probabilities(self.outputs(x))
        return probabilities


class LinearRegressor(_Linear):
    """Linear regression, y = x W + b, by stochastic gradients of the mean squared error. W and b start at zero.

        table = {"x": np.array([1.0, 2.0, 3.0, 4.0])}
        model = lk.LinearRegressor([lk.feature_column.numeric_column("x")], optimizer=lk.optimizers.SGD(0.1))
        model.train((table, [0, -1, -2, -3]), steps=200)
        model.predict({"x": [5.0]})                                        # about [-4]

    Columns of categories give each category a weight of its own, which is looked up: a step does not take longer for a hash of
    a million buckets.

    Args:
        feature_columns, model_dir, weight_column, seed: as of `Estimator`.
        label_dimension: how many numbers y has; labels are [examples], or [examples, label_dimension].
        optimizer: as of `Estimator`; None takes Ftrl with the learning rate min(0.2, 1 / √number of columns), as TensorFlow.

    Raises:
        InvalidArgumentError: an argument is out of range.

    Source: Legendre 1805; Gauss 1809.
    """

    def __init__(
        self,
        feature_columns: Any = None,
        model_dir: str | os.PathLike[str] | None = None,
        label_dimension: int = 1,
        weight_column: str | None = None,
        optimizer: Any = None,
        seed: int | None = None,
    ) -> None:
        head = RegressionHead(label_dimension)
        super().__init__(head, feature_columns, model_dir, weight_column, optimizer, seed)


class LinearClassifier(_Linear, Classifier):
    """Logistic regression: the classes' probabilities are softmax(x W + b), of two classes p(1) = 1 / (1 + e^-(x w + b)).

    Learned by stochastic gradients of the mean cross-entropy; W and b start at zero.

    Args:
        feature_columns, model_dir, weight_column, seed: as of `Estimator`.
        n_classes: how many classes, from 2 on.
        label_vocabulary: the classes' names, where labels are names; else they are numbers from 0 on.
        optimizer: as of `LinearRegressor`.

    Raises:
        InvalidArgumentError: an argument is out of range.

    Source: Cox 1958, "The regression analysis of binary sequences".
    """

    def __init__(
        self,
        feature_columns: Any = None,
        model_dir: str | os.PathLike[str] | None = None,
        n_classes: int = 2,
        weight_column: str | None = None,
        label_vocabulary: Sequence[Any] | None = None,
        optimizer: Any = None,
        seed: int | None = None,
    ) -> None:
        head = ClassificationHead(n_classes, label_vocabulary)
        super().__init__(head, feature_columns, model_dir, weight_column, optimizer, seed)


class DNNRegressor(_Deep):
    """Regression by a network of dense layers.

    Args:
        hidden_units: the sizes of the hidden layers.
        feature_columns, model_dir, label_dimension, weight_column, seed: as of `LinearRegressor`.
        optimizer: as of `Estimator`; None takes Adagrad with the learning rate 0.05, as TensorFlow.
        activation_fn: of the hidden layers: a function, a registered name, or {"name": ..., settings}.
        dropout: the share of each hidden layer's outputs that training leaves out; None leaves out none.

    Raises:
        InvalidArgumentError: an argument is out of range.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Any = None,
        model_dir: str | os.PathLike[str] | None = None,
        label_dimension: int = 1,
        weight_column: str | None = None,
        optimizer: Any = None,
        activation_fn: Any = "relu",
        dropout: float | None = None,
        seed: int | None = None,
    ) -> None:
        head = RegressionHead(label_dimension)
        rest = head, feature_columns, model_dir, weight_column, optimizer, seed
        super().__init__(hidden_units, activation_fn, dropout, *rest)


class DNNClassifier(_Deep, Classifier):
    """Classification by a network of dense layers.

    Args:
        hidden_units, optimizer, activation_fn, dropout: as of `DNNRegressor`.
        feature_columns, model_dir, n_classes, weight_column, label_vocabulary, seed: as of `LinearClassifier`.

    Raises:
        InvalidArgumentError: an argument is out of range.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Any = None,
        model_dir: str | os.PathLike[str] | None = None,
        n_classes: int = 2,
        weight_column: str | None = None,
        label_vocabulary: Sequence[Any] | None = None,
        optimizer: Any = None,
        activation_fn: Any = "relu",
        dropout: float | None = None,
        seed: int | None = None,
    ) -> None:
        head = ClassificationHead(n_classes, label_vocabulary)
        rest = head, feature_columns, model_dir, weight_column, optimizer, seed
        super().__init__(hidden_units, activation_fn, dropout, *rest)
