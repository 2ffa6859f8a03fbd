"""The training loop: steps a model through its examples in an order that seed and epoch alone decide."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit.errors import CheckpointError, InvalidArgumentError, SessionError
from labkit.models.arrays import example_weights, positive, require_numbers, require_pairs
from labkit.models.meters import Meters

if TYPE_CHECKING:
    from labkit.models.model import Model

STRETCH_SECONDS = 0.05
"""How long one native call should last at most: between two calls, signals, limits and progress are served."""

METRICS = "loop/metrics/"


def example_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """The order of the examples in one epoch: a permutation that depends on nothing but the three arguments."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(examples)


class TrainingLoop:
    """Trains a compiled model, any number of steps at a time.

    Step s trains on examples s*batch ... (s+1)*batch - 1 of the endless sequence of epochs: where an epoch ends inside
    a batch, the batch goes on with the next epoch's order, so that every batch has the same size. How the steps are
    cut into calls of `run` changes no bit, nor does evaluating or predicting in between.

    Args:
        model: a compiled model; it is built for `x` where it is not built yet.
        x, y: arrays [examples, ...] of inputs and targets.
        batch_size: examples a step; at most all of them are used.
        seed: decides the order of the examples, 0 <= seed < 2**63.
        shuffle: False keeps the order of `x`.
        sample_weight, class_weight: as of `Model.fit`.

    Attributes:
        step: how many steps were run.
        examples, batch_size: ints.
        losses: the names of what `run` reports besides the metrics: "loss", and of several outputs each one's.

    Raises:
        SessionError: the model is not compiled.
        FeedError, ShapeError: x and y do not fit the model or each other, or hold NaN.
    """

    def __init__(
        self, model: Model, x: Any, y: Any, batch_size: int = 32, seed: int = 0, *, shuffle: bool = True,
        sample_weight: Any = None, class_weight: Any = None,
    ) -> None:  # fmt: skip
        self.model = model
        self._inputs, self._targets = model.training_arrays(x, y)
        self.examples = require_pairs(self._inputs, self._targets)
        self.require_numbers(large=False)
        weights = example_weights(sample_weight, class_weight, self._targets)
        self._feeds = model.feeds(self._inputs, self._targets, weights)
        self.batch_size = min(positive(batch_size, "batch_size"), self.examples)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
            raise InvalidArgumentError("seed must be a whole number from 0 on, below 2**63", received=repr(seed))
        self.seed, self.shuffle, self.step = int(seed), bool(shuffle), 0
        self._program = model.training_program(weights is not None)
        self.losses = list(self._program.values)
        self._meters = Meters(model.objectives())
        self._stretch = 1  # how many steps the next call of `stretches` runs, by the time that the last ones took
        self._orders: dict[int, np.ndarray] = {}

    def require_numbers(self, large: bool = True) -> None:
        """Raises FeedError where the data hold NaN; it is asked at the beginning for data that are not large."""
        require_numbers(self._inputs, self._targets, large=large)

    def indices(self, first: int, steps: int) -> np.ndarray:
        """The examples of `steps` steps from step `first` on, int64 [steps, batch_size]."""
        start, stop = first * self.batch_size, (first + steps) * self.batch_size
        epochs = range(start // self.examples, -(-stop // self.examples))
        self._orders = {epoch: self._orders[epoch] if epoch in self._orders else self._order(epoch) for epoch in epochs}
        sequence = np.concatenate([self._orders[epoch] for epoch in epochs])
        offset = epochs.start * self.examples
        return sequence[start - offset : stop - offset].reshape(steps, self.batch_size)

    def _order(self, epoch: int) -> np.ndarray:
        return example_order(self.seed, epoch, self.examples) if self.shuffle else np.arange(self.examples)

    def run(self, steps: int) -> dict[str, np.ndarray]:
        """Runs `steps` steps in one native call.

        Returns:
            For each step, [steps]: "loss", the loss that was minimized (the batch's mean plus the regularizers' terms), of
            several outputs each one's, and the batch's mean of each metric that is a function; all before the step's
            update. What other metrics come to, `results` says.

        Raises:
            SessionError: the model was compiled again since this loop was made.
        """
        steps = positive(steps, "steps")
        if self._program not in self.model.programs.values():
            raise SessionError(
                f"Model {self.model.name!r} was compiled again while it trains",
                rule="A training loop, and so a fit, keeps the losses, metrics and optimizer that it began with",
                fix="End the fit (model.stop_training = True), compile, and fit again with initial_epoch=.",
            )
        indices = self.indices(self.step, steps)
        program = self._program
        _, values, measured, counts = self.model.session.run(
            (program.train_op, program.values, program.measured, program.steps),
            {tensor: lk.Batches(array, indices) for tensor, array in self._feeds.items()},
            steps=steps,
        )
        self.step += steps
        if self._meters:
            rows = indices.ravel()
            seen = {name: array.reshape(-1, *array.shape[2:]) for name, array in measured.items()}
            weighed = {place: array.ravel() for place, array in counts.items()}
            self._meters.update(seen, [targets[rows] for targets in self._targets], weighed)
        return {**values, **self._meters.means(measured, counts)}

    def results(self) -> dict[str, Any]:
        """Each metric's value for the examples since the last `restart_metrics`: a float, or an array."""
        return self._meters.results()

    def restart_metrics(self) -> None:
        """Lets the metrics begin anew, as at an epoch's start."""
        self._meters.reset()

    def stretches(self, until: int, seconds: float = STRETCH_SECONDS) -> Iterator[dict[str, np.ndarray]]:
        """Runs up to step `until` in calls of at most about `seconds` (or one step), and yields what each returns."""
        while self.step < until:
            steps = min(self._stretch, until - self.step)
            started = time.perf_counter()
            values = self.run(steps)
            took = time.perf_counter() - started
            if took > seconds:
                self._stretch = max(1, int(steps * seconds / took))
            elif took < seconds / 2 and steps == self._stretch:
                self._stretch *= 2
            yield values

    def epoch_end(self, epoch: int) -> int:
        """The step after which `epoch` is complete: the first at which all its examples were used."""
        return -(-(epoch + 1) * self.examples // self.batch_size)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next steps and `results` depend on: variables, slots, random counters, metrics, position."""
        return {**self.model.session.state(), **self._place()}

    @contextmanager
    def frozen_state(self) -> Iterator[dict[str, np.ndarray]]:
        """What `state()` returns, without copies: the arrays are right inside the block only."""
        with self.model.session.frozen_state() as values:
            yield {**values, **self._place()}

    def _place(self) -> dict[str, np.ndarray]:
        place = {key: np.array(value, np.int64) for key, value in {**self._position(), "loop/step": self.step}.items()}
        return {**place, **{f"{METRICS}{key}": value for key, value in self._meters.state().items()}}

    def _position(self) -> dict[str, int]:
        return {
            "loop/seed": self.seed,
            "loop/model_seed": self.model.seed,
            "loop/examples": self.examples,
            "loop/batch_size": self.batch_size,
            "loop/shuffle": int(self.shuffle),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Goes back to a `state()` of the same model, data and settings: the steps that follow have the same bits.

        Raises:
            CheckpointError: the state is of another loop; nothing is changed.
        """
        for key, own in {**self._position(), "loop/step": self.step}.items():
            saved = None if state.get(key) is None else np.asarray(state[key])
            whole = saved is not None and saved.dtype.kind in "iu" and saved.size == 1 and saved >= 0
            if not whole or (key != "loop/step" and saved != own):
                raise CheckpointError(
                    "The saved state belongs to another training loop",
                    rule="Seeds, number of examples, batch size and shuffling are those of the loop that was saved",
                    received=f"{key} = {'nothing' if saved is None else saved}, here {own}",
                    fix="Continue with the settings of the saved run, or load its weights alone.",
                )
        kept = {key: value for key, value in state.items() if not key.startswith("loop/")}
        present = self.model.session.state()
        if lost := [key for key in present if key not in kept and not key.startswith("random:")]:
            raise CheckpointError("The saved state lacks variables of this model", received=f"no {', '.join(lost)}")
        meters = Meters(self.model.objectives())
        meters.restore({key.removeprefix(METRICS): value for key, value in state.items() if key.startswith(METRICS)})
        self.model.session.restore_state(kept)
        self._meters, self.step = meters, int(state["loop/step"])
