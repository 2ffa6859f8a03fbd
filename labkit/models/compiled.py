"""What compiling a model makes: the graphs that training and evaluation run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.errors import FeedError, GraphError, InvalidArgumentError, SessionError
from labkit.models.arrays import parts, require_pairs, targets_array
from labkit.models.home import BUILDING
from labkit.models.layer_optimizers import LayerOptimizers
from labkit.models.logits import warn_of_probabilities
from labkit.models.objectives import Graded, Objective, Specs
from labkit.models.predicting import PredictingLayers
from labkit.optimizers.base import Optimizer
from labkit.plugins import resolve

KERAS_STEPS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")
"""Methods by which a Keras model changes what fit, evaluate and predict do; here these are graphs, and call no method."""


@dataclass(frozen=True)
class TrainingProgram:
    """What one training step runs.

    Attributes:
        train_op: the update.
        values: scalars that it reports: "loss", and of several outputs each one's "<output>_loss".
        measured: what the metrics need of each example, [batch, ...].
        steps: by the output's place, where its steps have a mask, how many of each example count, [batch].
        scope: what the names of its operations begin with.
    """

    train_op: lk.Operation
    values: dict[str, lk.Tensor]
    measured: dict[str, lk.Tensor]
    steps: dict[int, lk.Tensor]
    scope: str


class CompiledLayers(PredictingLayers):
    """A model's losses, metrics and optimizer, and the graphs they make. Arguments and attributes as of `Model`."""

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
        self._evaluation: list[Graded] | None = None

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = (), loss_weights: Any = None, **unknown: Any
    ) -> None:
        """Says how the model is trained and judged. Compiling again keeps the weights; a new optimizer starts afresh.

        Args:
            optimizer: an optimizer, a registered name, or {"name": ..., settings}; "rmsprop" is Keras's default. Several, each
                for layers of its own: [(optimizer, layers), ...].
            loss: likewise; or a function (y_true, y_pred) -> one value for each example, [batch]. For several outputs
                one for all, a list, or a dict by output; None where an output is not trained.
            metrics: a list of metrics, names, mappings or functions of that form. For several outputs one list for all,
                a list of lists, or a dict by output.
            loss_weights: for several outputs, what each one's loss is multiplied by in the sum: a list or dict.

        Raises:
            UnknownComponentError: no plugin provides that name.
            InvalidArgumentError: there is no loss, or an argument has another name; (here or when first used) a list or dict
                does not fit the outputs.
            GraphError: the model's class defines `train_step` or another of Keras's methods that nothing here would call.
        """
        if steps := [step for step in KERAS_STEPS if hasattr(type(self), step)]:
            raise GraphError(
                f"{type(self).__name__}.{steps[0]} would never be called",
                rule="fit, evaluate and predict run graphs, which are made of the model's call, loss, metrics and optimizer",
                received=f"a class that defines {', '.join(steps)}",
                fix="Give compile a loss and metrics of your own (functions of y_true and y_pred), or a layer an "
                "activity_regularizer; for steps of another kind write a loop around train_on_batch, or around "
                "session.run of optimizer.minimize(loss), and give the method another name.",
            )
        if loss is None or unknown:
            raise _not_compiled(self.name, unknown)
        several = isinstance(optimizer, list | tuple)
        made = LayerOptimizers(optimizer) if several else resolve("optimizers", optimizer)
        resolved = made, Specs(loss, metrics, loss_weights)
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

    @property
    def metrics_names(self) -> list[str]:
        """The names of the values that `evaluate` returns, in their order."""
        losses = [each.loss_name for each in self.objectives() if each.loss is not None]
        return ["loss", *(losses if len(self.objectives()) > 1 else []), *self.metrics]

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

    def _graded(self, outputs: Any) -> list[Graded]:
        """What each output's loss and metrics make of every example."""
        triples = list(zip(self.objectives(), self.targets, flatten(outputs), strict=True))
        if not self.programs and self._evaluation is None:  # the first graph since the model was compiled
            for objective, _, y_pred in triples:
                warn_of_probabilities(objective, y_pred)
        return [objective.per_example(y_true, y_pred) for objective, y_true, y_pred in triples]

    def training_program(self, weighted: bool = False) -> TrainingProgram:
        """The training graph: made at the first call after `compile`, for the targets seen last.

        Args:
            weighted: whether each example's loss is multiplied by a number that is fed, `example_weights`.

        Raises:
            SessionError: the model is not compiled.
        """
        self._require_compiled("Training")
        self._require_same_layers()
        with BUILDING, self.graph.as_default():
            if weighted not in self.programs:
                # Masks follow from the layers' names alone, however often the model is compiled.
                with lk.name_scope("training") as scope, self.graph.stream_root(scope):
                    graded = self._graded(self._trace(training=True))
                    values = self._mean_losses(graded, self.example_weights if weighted else None)
                    penalties = self.regularization()
                    # those of this trace's outputs
                    penalties += lk.get_collection(lk.GraphKeys.REGULARIZATION_LOSSES, scope)
                    for term in penalties:
                        values["loss"] = values["loss"] + term
                    updates = lk.get_collection(lk.GraphKeys.UPDATE_OPS, scope)
                if isinstance(self.optimizer, Optimizer | LayerOptimizers):
                    self.optimizer.attach(self.session)
                train_op = self.optimizer.minimize(values["loss"], var_list=self.trainable_weights)
                if updates:
                    train_op = lk.group(train_op, *updates)
                self._settle(self.home)
                self.programs[weighted] = TrainingProgram(train_op, values, *fetched(graded), scope)
        return self.programs[weighted]

    def _mean_losses(self, graded: list[Graded], weights: lk.Tensor | None) -> dict[str, lk.Tensor]:
        """ "loss", the weighted sum over the outputs, and of several outputs each one's own."""
        means = {}
        total = None
        for objective, own in zip(self.objectives(), graded, strict=True):
            if own.loss is not None:
                mean = means[objective.loss_name] = _mean(own.loss, own.steps, weights)
                term = mean if objective.weight == 1 else mean * objective.weight
                total = term if total is None else total + term
        assert total is not None
        return {"loss": total, **(means if len(graded) > 1 else {})}

    @property
    def example_weights(self) -> lk.Tensor:
        """The placeholder of the examples' weights, float32 [None]."""
        if self._weights is None:
            with self.graph.as_default():
                self._weights = lk.placeholder("float32", (None,), name="example_weights")
        return self._weights

    def training_arrays(self, x: Any, y: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """x and y as they are fed, in the order of the flattened placeholders `x` and `y`.

        Builds the model and its targets' placeholders where that is still to be done. The first targets after `compile`
        that the loss takes decide dtype and shape of those that follow.

        Raises:
            SessionError: the model is not compiled.
            FeedError, ShapeError: they do not fit the model or each other, or there are no targets.
        """
        self._require_compiled("Training and evaluation")
        if y is None:
            raise FeedError(
                f"Model {self.name!r} needs targets",
                rule="Training and evaluation take arrays of inputs, x, and of targets, y",
                received="y=None",
                fix="Of the split of a data set give both: model.fit(split.x, split.y)."
                if hasattr(x, "x") and hasattr(x, "y")
                else "Of a data set give its splits' arrays: model.fit(data.train.x, data.train.y)."
                if hasattr(x, "train")
                else "An autoencoder's targets are its inputs: model.fit(x, x).",
            )
        inputs, outputs = self.input_arrays(x), flatten(self.y_pred)
        given = parts(y, self.y_pred, self.output_names, "y")
        decided = bool(self.programs) or self._evaluation is not None
        targets = [
            targets_array(array, self.targets[i] if decided else None, output, objective.loss)
            for i, (array, output, objective) in enumerate(zip(given, outputs, self.objectives(), strict=True))
        ]
        require_pairs(inputs, targets)
        kinds = [(lk.as_dtype(array.dtype), (None, *array.shape[1:])) for array in targets]
        if not decided and kinds != [(y.dtype, tuple(y.shape.as_list())) for y in self.targets]:
            self.make_targets(kinds)
        return inputs, targets

    def make_targets(self, kinds: Sequence[tuple[Any, Any]]) -> None:
        """Makes the placeholder of each output's targets, of these dtypes and shapes."""
        names = ["target"] if len(kinds) == 1 else [f"target_{name}" for name in self.output_names]
        with self.graph.as_default():
            self.targets = [lk.placeholder(*kind, name=name) for kind, name in zip(kinds, names, strict=True)]

    def feeds(
        self, x: list[np.ndarray], y: list[np.ndarray], weights: np.ndarray | None = None
    ) -> dict[lk.Tensor, np.ndarray]:
        """What `training_arrays` gave, by placeholder."""
        feeds = {**dict(zip(flatten(self.x), x, strict=True)), **dict(zip(self.targets, y, strict=True))}
        return feeds if weights is None else {**feeds, self.example_weights: weights}


_OTHERS = {
    "weighted_metrics": "Metrics count every example alike; metric.update_state(y, model.predict(x), sample_weight) weighs "
    "them.",
    "run_eagerly": "A model is a graph: leave it out. To look inside: model.taps(), or lk.Print in a layer's call.",
    "steps_per_execution": "fit runs whole stretches of steps natively: leave it out.",
    "jit_compile": "Every model is compiled: leave it out.",
}
"""Arguments of Keras's `compile`, and what to do about them."""


def _not_compiled(name: str | None, unknown: Mapping[str, Any]) -> InvalidArgumentError:
    rule = "compile takes optimizer, loss, metrics and loss_weights"
    if unknown:
        fix = " ".join(_OTHERS[key] for key in unknown if key in _OTHERS)
        received = ", ".join(f"{key}={value!r}" for key, value in unknown.items())
        return InvalidArgumentError(
            f"Model {name!r} is not compiled with {' or '.join(unknown)}", rule=rule, received=received, fix=fix
        )
    fix = 'For example model.compile("adam", "mse"); None in a list or dict stands for an output that is not trained.'
    return InvalidArgumentError(f"Model {name!r} is compiled without a loss", rule=rule, fix=fix)


def fetched(graded: list[Graded]) -> tuple[dict[str, lk.Tensor], dict[int, lk.Tensor]]:
    """What `Meters` need of all outputs together: `measured` by metric and `steps` by the output's place."""
    measured = {name: tensor for own in graded for name, tensor in own.measured.items()}
    return measured, {place: own.steps for place, own in enumerate(graded) if own.steps is not None}


def _mean(values: lk.Tensor, steps: lk.Tensor | None, weights: lk.Tensor | None) -> lk.Tensor:
    """The mean of examples' values, [batch], times their weights; where they have steps, over all steps that count."""
    if weights is not None:
        values = values * lk.cast(weights, values.dtype)
    if steps is None:
        return lk.reduce_mean(values)
    return lk.reduce_sum(values * steps) / lk.maximum(lk.reduce_sum(steps), 1.0)
