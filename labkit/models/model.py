"""Model: layers that are compiled, trained and evaluated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import labkit as lk
from labkit.callbacks.history import History
from labkit.core.nest import flatten
from labkit.errors import SessionError
from labkit.layers.missing import Missing
from labkit.models import saving
from labkit.models.arrays import example_weights
from labkit.models.batches import DatasetLook, is_dataset, require_no_steps
from labkit.models.compiled import CompiledLayers
from labkit.models.fit import fit
from labkit.models.home import BUILDING
from labkit.models.meters import Meters
from labkit.models.rate_test import RateTest, find_learning_rate
from labkit.models.scores import Scores
from labkit.models.verbosity import Line


class Model(CompiledLayers):
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

    _fits = False

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

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        steps: int | None = None,
        validation_data: Any = None,
        validation_split: float | None = None,
        shuffle: bool | None = None,
        seed: int | None = None,
        verbose: Any = 1,
        sample_weight: Any = None,
        class_weight: Any = None,
        callbacks: Any = None,
        initial_epoch: int = 0,
        validation_freq: int | Collection[int] = 1,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
    ) -> History:
        """Trains the model.

        With an `lk.data.Dataset` every element is the batch of a step, as it is, a smaller last one, too; epoch e is that of
        `dataset.iterate(epoch=e)`. A thread makes the next batches while steps run.

        Args:
            x, y: arrays [examples, ...] of inputs and targets; of several inputs or outputs lists of them, or dicts by name.
                Models with `lk.layers.DenseFeatures` take tables: dicts of arrays by column, or pandas frames, with text. Or
                x alone: an `lk.data.Dataset` of batches (x, y) or (x, y, sample_weight) of such arrays, tuples and dicts.
            batch_size: examples a step, 32 where nothing is said; at most all of them are used. Every step has this size: a
                batch that reaches the end of an epoch goes on with the next one's order. Not with a data set.
            epochs: how often every example is used; the number of the last epoch where `initial_epoch` is not 0.
            steps: how many steps to run, instead of `epochs`.
            validation_data: (x, y), (x, y, sample_weight) or a data set to evaluate after every epoch.
            validation_split: the fraction of the examples, the last ones, to keep for that instead. Of arrays only.
            shuffle: whether each epoch has an order of its own: yes, where nothing is said. Not with a data set.
            seed: decides these orders; 0 where nothing is said. Not with a data set.
            verbose: 0 prints nothing, 1 (or "auto") shows a progress bar in a terminal, and elsewhere, like 2, one line for
                each epoch.
            sample_weight: a number from 0 on for each example, which its loss is multiplied by. Not with a data set.
            class_weight: class number -> number, likewise, for targets that are numbers of classes.
            callbacks: `lk.callbacks`, registered names, or {"name": ..., settings}.
            initial_epoch: the first epoch's number: 10, with epochs=15, goes on where a fit of 10 epochs ended, to the
                same bits.
            validation_freq: after every how many epochs to evaluate, or the numbers of these epochs, from 1.
            steps_per_epoch: how many steps make an epoch, which goes on with the data where the last one ended; needed with a
                data set that has no end.
            validation_steps: how many batches of a validation data set to evaluate, each time the first ones of its epoch 0.

        Returns:
            The history: for each epoch the mean over its steps of the loss that was minimized (regularizers included), the
            metrics for all examples that its steps saw, and the values on the validation data.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: the data do not fit the model or each other, or hold NaN.
            InvalidArgumentError: an argument or a target (a class number) is out of range, or does not go with a data set.
            PipelineError: a step of the data set failed.
            Whatever a callback raises, and KeyboardInterrupt: the weights are then as after the last finished step.
        """
        if self._fits:
            raise SessionError(
                f"Model {self.name!r} is being fitted already",
                rule="One fit of a model ends before the next begins",
                fix="In a callback use model.evaluate or train_on_batch, or fit another model.",
            )
        self._fits = True
        try:
            return fit(
                self, x, y, batch_size=batch_size, epochs=epochs, steps=steps, steps_per_epoch=steps_per_epoch,
                validation_data=validation_data, validation_steps=validation_steps, validation_split=validation_split,
                validation_freq=validation_freq, shuffle=shuffle, seed=seed,
                verbose=verbose, sample_weight=sample_weight, class_weight=class_weight, callbacks=callbacks,
                initial_epoch=initial_epoch,
            )  # fmt: skip
        finally:
            self._fits = False

    def find_learning_rate(
        self, x: Any, y: Any = None, batch_size: int | None = None, *, smallest: float = 1e-7, largest: float = 10.0,
        steps: int = 100, smoothing: float = 0.9, seed: int | None = None,
    ) -> RateTest:  # fmt: skip
        """A learning-rate range test (Smith 2017, "Cyclical learning rates for training neural networks", section 3.3, with
        rates that grow geometrically): trains a few steps, each at a larger rate, and sees how the loss answers.

        Afterwards the model is as it was, to the bit: weights, optimizer, random counters and learning rate.

            test = model.find_learning_rate(x, y)
            test.frame().plot(x="learning_rate", y="smoothed_loss", logx=True)
            model.optimizer.learning_rate = test.suggestion

        Args:
            x, y, batch_size, seed: as of `fit`.
            smallest, largest: the first and the last rate, above 0.
            steps: how many to take at most, from 3 on; the test ends early when the loss explodes.
            smoothing: of the losses, from 0 and below 1.

        Raises:
            SessionError, FeedError, ShapeError: as `fit`.
            InvalidArgumentError: a number is out of range, or the optimizer's learning rate follows a schedule.
        """
        return find_learning_rate(
            self, x, y, batch_size=batch_size, smallest=smallest, largest=largest, steps=steps, smoothing=smoothing,
            seed=seed,
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
        fetches = (program.train_op, program.values, program.measured, program.steps)
        _, values, measured, steps = self.session.run(fetches, self.feeds(inputs, targets, weights))
        meters.update(measured, targets, steps)
        return _report({name: float(value) for name, value in values.items()} | meters.results(), return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
        steps: int | None = None,
    ) -> Any:
        """The mean loss and metrics over all examples, in inference mode.

        Means are taken over the examples' own values in float64, so they do not depend on the batch size; of sequences with
        a mask they are over all steps that count. The loss is that of the examples alone: the regularizers' terms belong to
        training.

        Args:
            x, y: as of `fit`; of a data set epoch 0.
            batch_size: None stands for 32.
            verbose: 0 prints nothing; 1, 2 or "auto" a line with what was found.
            sample_weight: a number for each example, which its loss is multiplied by. Not with a data set.
            steps: of a data set: how many batches to take; None: all.

        Returns:
            The loss, or [loss, *each output's loss where there are several, *metrics], or all by name when `return_dict`
            is set.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: the data do not fit the model or each other.
            PipelineError: a step of the data set failed.
        """
        line = Line("evaluate", verbose)
        look: DatasetLook | None = None
        if is_dataset(x, "evaluate", y=y, batch_size=batch_size, sample_weight=sample_weight):
            look = DatasetLook.training(self, x, steps, "evaluate")
        else:
            require_no_steps(steps, "evaluate")
            inputs, targets = self.training_arrays(x, y)
            weights = example_weights(sample_weight, None, targets)
        with BUILDING, self.graph.as_default():
            if self._evaluation is None:
                with lk.name_scope("evaluation"):
                    self._evaluation = self._graded(self.y_pred)
        scores = Scores(self.objectives(), self._evaluation)
        if look is None:
            found = self._in_batches(scores.fetches, self.feeds(inputs, targets), batch_size)
            scores.add(found, targets, weights)
        else:
            tensors = [*flatten(self.x), *self.targets]
            for found, arrays in look.run(self.session, scores.fetches, tensors):
                own, *weighed = arrays[len(flatten(self.x)) :][: len(self.targets)], *arrays[len(tensors) :]
                scores.add(found, own, weighed[0] if weighed else None)
        report = scores.report()
        line.end(scores.examples, report)
        return _report(report, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """As `evaluate`, of exactly these examples in one batch."""
        examples = len(self.training_arrays(x, y)[0][0])
        return self.evaluate(x, y, examples, sample_weight=sample_weight, return_dict=return_dict)

    to_json = Missing(
        "model.save(path) writes the whole model, lk.load_model(path) reads it; model.summary() shows it."
    )
    export = Missing("model.save(path) writes the whole model; lk.checkpoint.export_meta_graph(...) its graph.")
    add_metric = Missing("Name metrics in compile(metrics=[...]); they may be functions of your own.")
    reset_metrics = Missing("Each epoch and each evaluate begins anew; lk.metrics.X() objects have reset_state().")
    fit_generator = Missing(
        "fit takes pipelines: model.fit(lk.data.Dataset.from_generator(function)), with batches as elements."
    )


def _report(values: dict[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return values
    return list(values.values()) if len(values) > 1 else values["loss"]
