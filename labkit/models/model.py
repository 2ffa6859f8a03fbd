"""Model: layers that are compiled, trained and evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.errors import SessionError
from labkit.models import saving
from labkit.models.arrays import example_weights, parts, require_pairs, targets_array
from labkit.models.fit import fit
from labkit.models.history import History
from labkit.models.meters import Meters
from labkit.models.objectives import Objective, Specs
from labkit.models.traced import TracedLayers
from labkit.optimizers.base import Optimizer
from labkit.plugins import resolve


@dataclass(frozen=True)
class TrainingProgram:
    """What one training step runs.

    Attributes:
        train_op: the update.
        values: scalars that it reports: "loss", and of several outputs each one's "<output>_loss".
        measured: what the metrics need of each example, [batch, ...].
        scope: what the names of its operations begin with.
    """

    train_op: lk.Operation
    values: dict[str, lk.Tensor]
    measured: dict[str, lk.Tensor]
    scope: str


class Model(TracedLayers):
    """Layers that are trained together. Three ways to make one:

        model = lk.Sequential([lk.Input((4,)), lk.layers.Dense(1)])         # layers one after the other

        wide, deep = lk.Input((3,), name="wide"), lk.Input((4,), name="deep")
        joined = lk.layers.Concatenate()([wide, lk.layers.Dense(8, activation="relu")(deep)])
        model = lk.Model([wide, deep], lk.layers.Dense(1)(joined))          # any graph of layers

        class Residual(lk.Model):                                           # a program
            def __init__(self):
                super().__init__()
                self.inner, self.outer = lk.layers.Dense(4, activation="relu"), lk.layers.Dense(1)

            def call(self, inputs, training=False):
                return self.outer(inputs + self.inner(inputs))

    A model owns one graph and one session, which is never the default session. Its layers are traced twice, for
    inference and for training (under the scope `training`); both share the weights. Inputs and targets are
    placeholders [None, ...]. What looks at a model (evaluate, predict, taps) has no influence on training, to the bit.
    A model is a layer, too: called inside another model it shares its weights, graph and session with that.

    Args:
        inputs, outputs: of a functional model: an Input and a symbol, or lists, tuples or dicts of them.
        name: for messages and tables; None takes the class's name.
        seed: decides the initial weights and the masks of Dropout; None takes the seed of `lk.set_random_seed`, or 0.
        trainable: as of `Layer`.

    Attributes:
        layers: the layers, in order; `Input` is none of them.
        graph, session: the model's own.
        x, y, y_pred: the placeholders of inputs and targets (from the first targets on), and the outputs: tensors, or
            nests of them where there are several.
        loss, metrics, optimizer: as compiled; `metrics` by the name that reports show. `optimizer.learning_rate` can be
            set at any time, unless it follows a schedule.
        stop_training: callbacks set it to end a fit.
        history: of the last fit, or of the one under way.
    """

    stop_training: bool = False
    history: History | None = None

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        seed: int | None = None,
        trainable: bool = True,
    ) -> None:
        self.optimizer: Any = None
        self.specs: Specs | None = None
        super().__init__(inputs, outputs, name, seed, trainable)

    def _forget(self) -> None:
        super()._forget()
        self.targets: list[lk.Tensor] = []
        self._weights: lk.Tensor | None = None
        self._forget_programs()

    def _forget_programs(self) -> None:
        self._objectives: list[Objective] | None = None
        self.programs: dict[bool, TrainingProgram] = {}
        self._evaluation: tuple[list[lk.Tensor | None], dict[str, lk.Tensor]] | None = None

    def compile(self, optimizer: Any, loss: Any, metrics: Any = (), loss_weights: Any = None) -> None:
        """Says how the model is trained and judged. Compiling again keeps the weights; a new optimizer starts afresh.

        Args:
            optimizer: an optimizer, a registered name, or {"name": ..., settings}.
            loss: likewise; or a function (y_true, y_pred) -> one value for each example, [batch]. For several outputs
                one for all, a list, or a dict by output; None where an output is not trained.
            metrics: a list of metrics, names, mappings or functions of that form. For several outputs one list for all,
                a list of lists, or a dict by output.
            loss_weights: for several outputs, what each one's loss is multiplied by in the sum: a list or dict.

        Raises:
            UnknownComponentError: no plugin provides that name.
            InvalidArgumentError: (here or when first used) a list or dict does not fit the outputs.
        """
        resolved = resolve("optimizers", optimizer), Specs(loss, metrics, loss_weights)
        self.optimizer, self.specs = resolved
        self._forget_programs()
        if self.built:
            self.objectives()  # says at once what does not fit

    @property
    def loss(self) -> Any:
        """As compiled: a loss, or a list or dict of them; None before."""
        return None if self.specs is None else self.specs.loss

    @property
    def metrics(self) -> dict[str, Any]:
        """As compiled, by the name that reports show."""
        if self.specs is None:
            return {}
        return {name: metric for objective in self.objectives() for name, metric in objective.metrics.items()}

    def objectives(self) -> list[Objective]:
        """What each output is judged by, in the order of the outputs.

        Raises:
            SessionError: the model is not compiled.
            InvalidArgumentError: what was compiled does not fit the outputs.
        """
        specs = self._require_compiled("Training and evaluation")
        if self._objectives is None:
            self._objectives = specs.objectives(self.name, self.output_names)
        return self._objectives

    def _require_compiled(self, what: str) -> Specs:
        if self.specs is None:
            raise SessionError(
                f"Model {self.name!r} is not compiled",
                rule=f"{what} needs an optimizer and a loss",
                fix='Call compile first: model.compile(optimizer="adam", loss="mse").',
            )
        return self.specs

    @property
    def y(self) -> Any:
        """The placeholder of the targets, from the first targets on; of several outputs theirs."""
        return pack(self.y_pred, self.targets) if self.targets else None

    def _graded(self, outputs: Any) -> tuple[list[lk.Tensor | None], dict[str, lk.Tensor]]:
        """Each output's losses of every example, [batch], and what the metrics need of them."""
        losses, measured = [], {}
        for objective, y_true, y_pred in zip(self.objectives(), self.targets, flatten(outputs), strict=True):
            loss, own = objective.per_example(y_true, y_pred)
            losses.append(loss)
            measured.update(own)
        return losses, measured

    def training_program(self, weighted: bool = False) -> TrainingProgram:
        """The training graph: made at the first call after `compile`, for the targets seen last.

        Args:
            weighted: whether each example's loss is multiplied by a number that is fed, `example_weights`.

        Raises:
            SessionError: the model is not compiled.
        """
        self._require_compiled("Training")
        if weighted not in self.programs:
            with self.graph.as_default(), self._forgetting_targets():
                # Masks follow from the layers' names alone, however often the model is compiled.
                with lk.name_scope("training") as scope, self.graph.stream_root(scope):
                    losses, measured = self._graded(self._trace(training=True))
                    values = self._mean_losses(losses, self.example_weights if weighted else None)
                    penalties = self.regularization()
                    # those of this trace's outputs
                    penalties += lk.get_collection(lk.GraphKeys.REGULARIZATION_LOSSES, scope)
                    for term in penalties:
                        values["loss"] = values["loss"] + term
                    updates = lk.get_collection(lk.GraphKeys.UPDATE_OPS, scope)
                if isinstance(self.optimizer, Optimizer):
                    self.optimizer.attach(self.session)
                train_op = self.optimizer.minimize(values["loss"], var_list=self.trainable_weights)
                if updates:
                    train_op = lk.group(train_op, *updates)
                self.home.initialize()
                self.programs[weighted] = TrainingProgram(train_op, values, measured, scope)
        return self.programs[weighted]

    def _mean_losses(self, losses: list[lk.Tensor | None], weights: lk.Tensor | None) -> dict[str, lk.Tensor]:
        """ "loss", the weighted sum over the outputs, and of several outputs each one's own."""
        means = {}
        total = None
        for objective, loss in zip(self.objectives(), losses, strict=True):
            if loss is not None:
                mean = lk.reduce_mean(loss if weights is None else loss * lk.cast(weights, loss.dtype))
                means[objective.loss_name] = mean
                term = mean if objective.weight == 1 else mean * objective.weight
                total = term if total is None else total + term
        assert total is not None
        return {"loss": total, **(means if len(losses) > 1 else {})}

    @property
    def example_weights(self) -> lk.Tensor:
        """The placeholder of the examples' weights, float32 [None]."""
        if self._weights is None:
            with self.graph.as_default():
                self._weights = lk.placeholder("float32", (None,), name="example_weights")
        return self._weights

    @contextmanager
    def _forgetting_targets(self) -> Iterator[None]:
        """Lets the next targets decide their shape and dtype anew when the loss could not take the first ones."""
        try:
            yield
        except BaseException:
            if not self.programs and self._evaluation is None:
                self.targets = []
            raise

    def training_arrays(self, x: Any, y: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """x and y as they are fed, in the order of the flattened placeholders `x` and `y`.

        Builds the model and its targets' placeholders where that is still to be done.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: they do not fit the model or each other.
        """
        self._require_compiled("Training and evaluation")
        inputs, outputs = self._inputs(x), flatten(self.y_pred)
        given = parts(y, self.y_pred, self.output_names, "y")
        targets = [
            targets_array(array, self.targets[i] if self.targets else None, output)
            for i, (array, output) in enumerate(zip(given, outputs, strict=True))
        ]
        require_pairs(inputs, targets)
        if not self.targets:
            self.make_targets([(array.dtype, (None, *array.shape[1:])) for array in targets])
        return inputs, targets

    def make_targets(self, kinds: Sequence[tuple[Any, Any]]) -> None:
        """Makes the placeholder of each output's targets, of these dtypes and shapes."""
        names = ["target"] if len(kinds) == 1 else [f"target_{name}" for name in self.output_names]
        with self.graph.as_default():
            self.targets = [lk.placeholder(*kind, name=name) for kind, name in zip(kinds, names, strict=True)]

    def save(self, prefix: str) -> str:
        """Saves the model whole: layers, weights, what it was compiled with, the optimizer's state. `lk.load_model` reads it.

        Args:
            prefix: folder and name of the checkpoint; one of that name is replaced.

        Returns:
            The prefix.

        Raises:
            CheckpointError: a layer or setting has no name that a file could hold (a Lambda's function); nothing is written.
        """
        return saving.save(self, prefix)

    @staticmethod
    def load(prefix: str, components: Mapping[str, Any] | None = None) -> Model:
        """A model that `save` wrote; see `lk.load_model`."""
        return saving.load(prefix, components)

    def feeds(
        self, x: list[np.ndarray], y: list[np.ndarray], weights: np.ndarray | None = None
    ) -> dict[lk.Tensor, np.ndarray]:
        """What `training_arrays` gave, by placeholder."""
        feeds = {**dict(zip(flatten(self.x), x, strict=True)), **dict(zip(self.targets, y, strict=True))}
        return feeds if weights is None else {**feeds, self.example_weights: weights}

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        epochs: int = 1,
        steps: int | None = None,
        validation_data: tuple[Any, Any] | None = None,
        validation_split: float | None = None,
        shuffle: bool = True,
        seed: int = 0,
        verbose: Any = 1,
        sample_weight: Any = None,
        class_weight: Any = None,
        callbacks: Any = None,
        initial_epoch: int = 0,
        validation_freq: int | Collection[int] = 1,
    ) -> History:
        """Trains the model.

        Args:
            x, y: arrays [examples, ...] of inputs and targets; of several inputs or outputs lists of them, or dicts by name.
            batch_size: examples a step; at most all of them are used. Every step has this size: a batch that reaches
                the end of an epoch goes on with the next one's order.
            epochs: how often every example is used; the number of the last epoch where `initial_epoch` is not 0.
            steps: how many steps to run, instead of `epochs`.
            validation_data: (x, y) to evaluate after every epoch.
            validation_split: the fraction of the examples, the last ones, to keep for that instead.
            shuffle: whether each epoch has an order of its own.
            seed: decides these orders.
            verbose: 0 prints nothing, 1 (or "auto") shows a progress bar in a terminal, and elsewhere, like 2, one line for
                each epoch.
            sample_weight: a number from 0 on for each example, which its loss is multiplied by.
            class_weight: class number -> number, likewise, for targets that are numbers of classes.
            callbacks: `lk.callbacks`, registered names, or {"name": ..., settings}.
            initial_epoch: the first epoch's number: 10, with epochs=15, goes on where a fit of 10 epochs ended, to the
                same bits.
            validation_freq: after every how many epochs to evaluate, or the numbers of these epochs, from 1.

        Returns:
            The history: for each epoch the mean over its steps of the loss that was minimized (regularizers included), the
            metrics for all examples that its steps saw, and the values on the validation data.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: the data do not fit the model or each other, or hold NaN.
            InvalidArgumentError: an argument or a target (a class number) is out of range.
            Whatever a callback raises, and KeyboardInterrupt: the weights are then as after the last finished step.
        """
        return fit(
            self, x, y, batch_size=batch_size, epochs=epochs, steps=steps, validation_data=validation_data,
            validation_split=validation_split, validation_freq=validation_freq, shuffle=shuffle, seed=seed,
            verbose=verbose, sample_weight=sample_weight, class_weight=class_weight, callbacks=callbacks,
            initial_epoch=initial_epoch,
        )  # fmt: skip

    def train_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One training step on exactly these examples.

        Returns:
            As `evaluate`, but the loss that was minimized and the metrics' values, before the update.
        """
        inputs, targets = self.training_arrays(x, y)
        weights = example_weights(sample_weight, class_weight, targets)
        program, meters = self.training_program(weights is not None), Meters(self.objectives())
        fetches = (program.train_op, program.values, program.measured)
        _, values, measured = self.session.run(fetches, self.feeds(inputs, targets, weights))
        meters.update(measured, targets)
        return _report({name: float(value) for name, value in values.items()} | meters.results(), return_dict)

    def evaluate(
        self, x: Any, y: Any, batch_size: int = 32, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The mean loss and metrics over all examples, in inference mode.

        Means are taken over the examples' own values in float64, so they do not depend on the batch size. The loss is
        that of the examples alone: the regularizers' terms belong to training.

        Args:
            sample_weight: a number for each example, which its loss is multiplied by.

        Returns:
            The loss, or [loss, *each output's loss where there are several, *metrics], or all by name when `return_dict`
            is set.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: the data do not fit the model or each other.
        """
        inputs, targets = self.training_arrays(x, y)
        weights = example_weights(sample_weight, None, targets)
        if self._evaluation is None:
            with self.graph.as_default(), self._forgetting_targets(), lk.name_scope("evaluation"):
                self._evaluation = self._graded(self.y_pred)
        losses, measured = self._evaluation
        objectives, meters = self.objectives(), Meters(self.objectives())
        trained = [i for i, loss in enumerate(losses) if loss is not None]
        fetches = [losses[i] for i in trained] + list(measured.values())
        found = self._in_batches(fetches, self.feeds(inputs, targets), batch_size)
        means = {
            objectives[i].loss_name: float(np.mean(values if weights is None else values * weights, dtype=np.float64))
            for i, values in zip(trained, found, strict=False)
        }
        meters.update(dict(zip(measured, found[len(trained) :], strict=True)), targets)
        loss = sum(means[objectives[i].loss_name] * objectives[i].weight for i in trained)
        return _report({"loss": loss, **(means if len(losses) > 1 else {}), **meters.results()}, return_dict)


def _report(values: dict[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return values
    return list(values.values()) if len(values) > 1 else values["loss"]
