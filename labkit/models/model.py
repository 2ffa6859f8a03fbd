"""Model: layers that are compiled, trained and evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import SessionError, ShapeError
from labkit.layers.base import default_name
from labkit.models.arrays import require_pairs, targets_array
from labkit.models.fit import fit
from labkit.models.history import History
from labkit.models.traced import TracedLayers
from labkit.plugins import resolve


@dataclass(frozen=True)
class TrainingProgram:
    """What one training step runs: the update, and the scalars it reports ("loss" first, then the metrics)."""

    train_op: lk.Operation
    values: dict[str, lk.Tensor]


class Model(TracedLayers):
    """The base of models: keeps layers, traces them, trains and evaluates.

    A model owns one graph and one session, which is never the default session. Its layers are traced twice, for
    inference and for training (under the scope `training`); both share the weights. Inputs and targets are
    placeholders [None, ...]. What looks at a model (evaluate, predict, taps) has no influence on training, to the bit.

    Subclasses define `call(inputs, training)` and keep their layers in `layers`.

    Args:
        name: for messages and tables; None takes the class's name.
        seed: decides the initial weights and the masks of Dropout; None takes the seed of `lk.set_random_seed`, or 0.

    Attributes:
        layers: the layers, in order; `Input` is none of them.
        graph, session: the model's own.
        y: the placeholder of the targets, from the first targets on.
        loss, metrics, optimizer: as compiled; `metrics` by name.
    """

    def __init__(self, name: str | None = None, seed: int | None = None) -> None:
        self.optimizer: Any = None
        self.loss: Any = None
        self.metrics: dict[str, Any] = {}
        super().__init__(name, seed)

    def _clear(self) -> None:
        super()._clear()
        self.y: lk.Tensor | None = None
        self._training: TrainingProgram | None = None
        self._evaluation: dict[str, lk.Tensor] | None = None

    def compile(self, optimizer: Any, loss: Any, metrics: Sequence[Any] | None = ()) -> None:
        """Says how the model is trained and judged. Compiling again keeps the weights; a new optimizer starts afresh.

        Args:
            optimizer: an optimizer, a registered name, or {"name": ..., settings}.
            loss: likewise; or a function (y_true, y_pred) -> one value for each example, [batch].
            metrics: likewise; each gives one value for each example.

        Raises:
            UnknownComponentError: no plugin provides that name.
        """
        resolved = resolve("optimizers", optimizer), resolve("losses", loss)
        named: dict[str, Any] = {}
        for spec in [metrics] if isinstance(metrics, (str, dict)) else metrics or ():
            metric = resolve("metrics", spec)
            named[_unique(_metric_name(spec, metric), named)] = metric
        (self.optimizer, self.loss), self.metrics = resolved, named
        self._training = self._evaluation = None

    def _require_compiled(self, what: str) -> None:
        if self.loss is None:
            raise SessionError(
                f"Model {self.name!r} is not compiled",
                rule=f"{what} needs an optimizer and a loss",
                fix='Call compile first: model.compile(optimizer="adam", loss="mse").',
            )

    def _values(self, y_pred: lk.Tensor) -> tuple[lk.Tensor, dict[str, lk.Tensor]]:
        """The loss and the metrics of every example, each [batch]."""
        with lk.name_scope("loss"):
            loss = self._per_example("loss", self.loss, y_pred)
        with lk.name_scope("metrics"):
            return loss, {name: self._per_example(name, metric, y_pred) for name, metric in self.metrics.items()}

    def _per_example(self, name: str, function: Callable[..., lk.Tensor], y_pred: lk.Tensor) -> lk.Tensor:
        values = function(self.y, y_pred)
        if values.shape.rank == 0:
            raise ShapeError(
                f"{name!r} of model {self.name!r} gives one number for the whole batch",
                rule="A loss or metric gives one value for each example, [batch]; the model takes the mean",
                received=repr(values),
                fix="Reduce over the last axis only: lk.reduce_mean(..., axis=-1).",
            )
        if not values.dtype.is_floating:
            values = lk.cast(values, y_pred.dtype)
        axes = list(range(1, values.shape.rank or 1))
        return lk.reduce_mean(values, axis=axes) if axes else values

    def training_program(self) -> TrainingProgram:
        """The training graph: made at the first call after `compile`, for the targets seen last.

        Raises:
            SessionError: the model is not compiled.
        """
        self._require_compiled("Training")
        if self._training is None:
            with self.graph.as_default(), self._forgetting_targets():
                # Masks follow from the layers' names alone, however often the model is compiled.
                with lk.name_scope("training") as scope, self.graph.stream_root(scope):
                    losses, metrics = self._values(self.call(self.x, training=True))
                    loss = lk.reduce_mean(losses)
                    for layer in self.layers:
                        for term in layer.regularization():
                            loss = loss + term
                    for term in lk.get_collection(lk.GraphKeys.REGULARIZATION_LOSSES, scope):  # of this trace's outputs
                        loss = loss + term
                    values = {"loss": loss, **{name: lk.reduce_mean(metric) for name, metric in metrics.items()}}
                train_op = self.optimizer.minimize(loss, var_list=self.trainable_weights)
                self._initialize()
                self._training = TrainingProgram(train_op, values)
        return self._training

    @contextmanager
    def _forgetting_targets(self) -> Iterator[None]:
        """Lets the next targets decide their shape and dtype anew when the loss could not take the first ones."""
        try:
            yield
        except BaseException:
            if self._training is None and self._evaluation is None:
                self.y = None
            raise

    def training_arrays(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """x and y as they are fed; builds the model and its target placeholder where that is still to be done.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: they do not fit the model or each other.
        """
        self._require_compiled("Training and evaluation")
        inputs = self._inputs(x)
        targets = targets_array(y, self.y, self.y_pred)
        require_pairs(inputs, targets)
        if self.y is None:
            with self.graph.as_default():
                self.y = lk.placeholder(targets.dtype, (None, *targets.shape[1:]), name="target")
        return inputs, targets

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        epochs: int = 1,
        steps: int | None = None,
        validation_data: tuple[Any, Any] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        seed: int = 0,
        verbose: int = 1,
    ) -> History:
        """Trains the model.

        Args:
            x, y: arrays [examples, ...] of inputs and targets.
            batch_size: examples a step; at most all of them are used. Every step has this size: a batch that reaches
                the end of an epoch goes on with the next one's order.
            epochs: how often every example is used.
            steps: how many steps to run, instead of `epochs`.
            validation_data: (x, y) to evaluate after every epoch.
            validation_split: the fraction of the examples, the last ones, to keep for that instead.
            shuffle: whether each epoch has an order of its own.
            seed: decides these orders.
            verbose: 0 prints nothing, 1 one line for each epoch.

        Returns:
            The history: for each epoch the means of the loss that was minimized (regularizers included) and of the
            metrics over the epoch's steps, and the values on the validation data.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: the data do not fit the model or each other.
            InvalidArgumentError: an argument or a target (a class number) is out of range.
        """
        return fit(
            self, x, y, batch_size=batch_size, epochs=epochs, steps=steps, validation_data=validation_data,
            validation_split=validation_split, shuffle=shuffle, seed=seed, verbose=verbose,
        )  # fmt: skip

    def train_on_batch(self, x: Any, y: Any, return_dict: bool = False) -> Any:
        """One training step on exactly these examples.

        Returns:
            As `evaluate`, but the loss that was minimized and the metrics' means, before the update.
        """
        inputs, targets = self.training_arrays(x, y)
        program = self.training_program()
        fetches = [program.train_op, *program.values.values()]
        _, *values = self.session.run(fetches, {self.x: inputs, self.y: targets})
        return _report(dict(zip(program.values, map(float, values), strict=True)), return_dict)

    def evaluate(self, x: Any, y: Any, batch_size: int = 32, return_dict: bool = False) -> Any:
        """The mean loss and metrics over all examples, in inference mode.

        Means are taken over the examples' own values in float64, so they do not depend on the batch size. The loss is
        that of the examples alone: the regularizers' terms belong to training.

        Returns:
            The loss, or [loss, *metrics] where the model has metrics, or all by name when `return_dict` is set.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: the data do not fit the model or each other.
        """
        inputs, targets = self.training_arrays(x, y)
        if self._evaluation is None:
            with self.graph.as_default(), self._forgetting_targets(), lk.name_scope("evaluation"):
                loss, metrics = self._values(self.y_pred)
                self._evaluation = {"loss": loss, **metrics}
        values = self._in_batches(list(self._evaluation.values()), {self.x: inputs, self.y: targets}, batch_size)
        means = (float(np.mean(value, dtype=np.float64)) for value in values)
        return _report(dict(zip(self._evaluation, means, strict=True)), return_dict)


def _metric_name(spec: Any, metric: Any) -> str:
    if isinstance(spec, str):
        return spec
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
    return name if isinstance(name, str) else default_name(type(metric))


def _unique(name: str, taken: dict[str, Any]) -> str:
    """`name`, or name_1 and so on where it is taken; "loss" always is."""
    names = (name if not i else f"{name}_{i}" for i in range(len(taken) + 2))
    return next(candidate for candidate in names if candidate not in taken and candidate != "loss")


def _report(values: dict[str, float], return_dict: bool) -> Any:
    if return_dict:
        return values
    return list(values.values()) if len(values) > 1 else values["loss"]
