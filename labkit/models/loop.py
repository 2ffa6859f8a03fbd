"""The training loop: steps a model through batches in an order that can be repeated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.errors import CheckpointError, SessionError
from labkit.models.arrays import positive
from labkit.models.batches import is_dataset
from labkit.models.feeding import ArrayFeed, DatasetFeed, Piece
from labkit.models.meters import Meters

if TYPE_CHECKING:
    from types import TracebackType

    from labkit.models.model import Model

STRETCH_SECONDS = 0.05
"""How long one native call should last at most: between two calls, signals, limits and progress are served."""

METRICS = "loop/metrics/"


class TrainingLoop:
    """Trains a compiled model, any number of steps at a time.

    With arrays step s trains on examples s*batch ... (s+1)*batch - 1 of the endless sequence of epochs: where an epoch ends
    inside a batch, the batch goes on with the next epoch's order, so that every batch has the same size. With a data set it
    trains on that's batches as they are, one epoch after the other. How the steps are cut into calls of `run` changes no bit,
    nor does evaluating or predicting in between.

    A loop through a data set has a thread, which makes the next batches while steps run. It ends with `close` or the end of a
    `with` block, or when nobody holds the loop any more.

    Args:
        model: a compiled model; it is built for `x` where it is not built yet.
        x, y: arrays [examples, ...] of inputs and targets; or an `lk.data.Dataset` of batches (x, y) or (x, y, sample_weight)
            alone.
        batch_size: examples a step, 32 where nothing is said; at most all of them are used. Of arrays only.
        seed: decides the order of the examples, 0 <= seed < 2**63. Of arrays only.
        shuffle: False keeps the order of `x`. Of arrays only.
        sample_weight, class_weight: as of `Model.fit`.
        steps_per_epoch: how many steps make an epoch; None: as many as use all data once.
        initial_epoch: to begin with.
        epochs: the epoch to end before, where one says so: data of later ones are not read. None: there is always another one.

    Attributes:
        step: how many steps were run. It begins with those of the epochs before `initial_epoch`, where their number is known.
        feed: where the batches come from.
        losses: the names of what `run` reports besides the metrics: "loss", and of several outputs each one's.
        share: examples in each step of the last native call, divided by `batch_size`: what means over steps weigh them by.

    Raises:
        SessionError: the model is not compiled.
        FeedError, ShapeError: x and y do not fit the model or each other, or hold NaN.
        PipelineError: a step of the data set failed.
    """

    def __init__(
        self, model: Model, x: Any, y: Any = None, batch_size: int | None = None, seed: int | None = None, *,
        shuffle: bool | None = None, sample_weight: Any = None, class_weight: Any = None,
        steps_per_epoch: int | None = None, initial_epoch: int = 0, epochs: int | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        self.steps_per_epoch = None if steps_per_epoch is None else positive(steps_per_epoch, "steps_per_epoch")
        self.feed: ArrayFeed | DatasetFeed
        if is_dataset(x, "fit", y=y, batch_size=batch_size, seed=seed, shuffle=shuffle, sample_weight=sample_weight):
            if self.steps_per_epoch is None:
                self.feed = DatasetFeed(model, x, class_weight, initial_epoch, 0, epochs)
            else:
                self.feed = DatasetFeed(model, x, class_weight, 0, initial_epoch * self.steps_per_epoch)
        else:
            size, number = 32 if batch_size is None else batch_size, 0 if seed is None else seed
            self.feed = ArrayFeed(model, x, y, size, number, shuffle is not False, sample_weight, class_weight)
        self.step = (
            initial_epoch * self.steps_per_epoch if self.steps_per_epoch else self.feed.first_step(initial_epoch)
        )
        try:
            self._program = model.training_program(self.feed.is_weighted)
        except BaseException:
            self.close()
            raise
        self.losses = list(self._program.values)
        self._meters = Meters(model.objectives())
        self.share = 1.0
        self._stretch = 1  # how many steps the next call of `stretches` runs, by the time that the last ones took

    @property
    def examples(self) -> int | None:
        """How many examples an epoch has; None of a data set."""
        return self.feed.examples

    @property
    def batch_size(self) -> int:
        """Examples in a step; of a data set in the first."""
        return self.feed.batch_size

    @property
    def epoch(self) -> int:
        """The epoch that the next step belongs to: the first that is not complete. Waits, where only the data tell."""
        return self.step // self.steps_per_epoch if self.steps_per_epoch else self.feed.epoch(self.step)

    def epoch_end(self, epoch: int) -> float:
        """The step after which `epoch` is complete; infinity where only the data tell."""
        return (epoch + 1) * self.steps_per_epoch if self.steps_per_epoch else self.feed.epoch_end(epoch)

    def steps_between(self, first: int, stop: int) -> int | None:
        """How many steps these epochs have, without the last; None where that is not known."""
        if self.steps_per_epoch:
            return (stop - first) * self.steps_per_epoch
        steps = self.feed.first_step(stop) - self.feed.first_step(first)
        return steps or None

    def require_numbers(self, large: bool = True) -> None:
        """Raises FeedError where the data hold NaN; it is asked at the beginning for data that are not large. Of a data set it
        looks at the batches that were used last."""
        self.feed.require_numbers(large)

    def run(self, steps: int) -> dict[str, np.ndarray]:
        """Runs `steps` steps: in one native call, or in several where batches have different shapes or are not ready.

        Returns:
            For each step, [steps]: "loss", the loss that was minimized (the batch's mean plus the regularizers' terms), of
            several outputs each one's, and the batch's mean of each metric that is a function; all before the step's
            update. What other metrics come to, `results` says.

        Raises:
            SessionError: the model was compiled again since this loop was made.
            PipelineError: a step of the data set failed; steps before it hold.
        """
        until, parts = self.step + positive(steps, "steps"), []
        while self.step < until:
            parts.append(self._run(self.feed.next(self.step, until - self.step)))
        return parts[0] if len(parts) == 1 else {name: np.concatenate([x[name] for x in parts]) for name in parts[0]}

    def _run(self, piece: Piece) -> dict[str, np.ndarray]:
        if self._program not in self.model.programs.values():
            raise SessionError(
                f"Model {self.model.name!r} was compiled again while it trains",
                rule="A training loop, and so a fit, keeps the losses, metrics and optimizer that it began with",
                fix="End the fit (model.stop_training = True), compile, and fit again with initial_epoch=.",
            )
        program = self._program
        _, values, measured, counts = self.model.session.run(
            (program.train_op, program.values, program.measured, program.steps), piece.feeds, steps=piece.steps
        )
        self.step += piece.steps
        self.feed.advance(piece.steps)
        self.share = len(piece.targets[0]) / piece.steps / self.batch_size
        if self._meters:
            seen = {name: array.reshape(-1, *array.shape[2:]) for name, array in measured.items()}
            weighed = {place: array.ravel() for place, array in counts.items()}
            self._meters.update(seen, piece.targets, weighed)
        return {**values, **self._meters.means(measured, counts)}

    def results(self) -> dict[str, Any]:
        """Each metric's value for the examples since the last `restart_metrics`: a float, or an array."""
        return self._meters.results()

    def restart_metrics(self) -> None:
        """Lets the metrics begin anew, as at an epoch's start."""
        self._meters.reset()

    def stretches(
        self, until: float, epoch: int | None = None, seconds: float = STRETCH_SECONDS
    ) -> Iterator[dict[str, np.ndarray]]:
        """Runs up to step `until`, or to the end of `epoch`, in calls of at most about `seconds` (or one step), and yields what
        each returns."""
        while self.step < until and (epoch is None or self.epoch <= epoch):
            wanted = int(min(self._stretch, until - self.step))
            piece = self.feed.next(self.step, wanted)
            started = time.perf_counter()
            values = self._run(piece)
            took = time.perf_counter() - started
            if took > seconds:
                self._stretch = max(1, int(piece.steps * seconds / took))
            elif took < seconds / 2 and piece.steps == self._stretch:
                self._stretch *= 2
            yield values

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next steps and `results` depend on: variables, slots, random counters, metrics, position."""
        return {**self.model.session.state(), **self._place()}

    @contextmanager
    def frozen_state(self) -> Iterator[dict[str, np.ndarray]]:
        """What `state()` returns, without copies: the arrays are right inside the block only."""
        with self.model.session.frozen_state() as values:
            yield {**values, **self._place()}

    def _place(self) -> dict[str, np.ndarray]:
        place = {key: np.array(value, np.int64) for key, value in {**self._facts(), "loop/step": self.step}.items()}
        return {
            **place,
            **self.feed.place(),
            **{f"{METRICS}{key}": value for key, value in self._meters.state().items()},
        }

    def _facts(self) -> dict[str, int]:
        return {"loop/model_seed": self.model.seed, **self.feed.facts()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Goes back to a `state()` of the same model, data and settings: the steps that follow have the same bits.

        Raises:
            CheckpointError: the state is of another loop; nothing is changed.
        """
        for key, own in {**self._facts(), "loop/step": self.step}.items():
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
        before = self.feed.place()
        self.feed.restore(state)
        try:
            self.model.session.restore_state(kept)
        except Exception:
            self.feed.restore(before)
            raise
        self._meters, self.step = meters, int(state["loop/step"])

    def close(self) -> None:
        """Ends the thread of a loop through a data set. The loop can go on afterwards."""
        self.feed.close()

    def __enter__(self) -> TrainingLoop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
