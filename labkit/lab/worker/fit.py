"""Training a model in a trial: native stretches, cut where something is to be logged, checked, validated or saved."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit.data.dataset import Dataset
from labkit.data.rows import take
from labkit.lab.worker.best import BestWeights
from labkit.lab.worker.evaluate import examples_of
from labkit.models.loop import TrainingLoop
from labkit.summary import Histogram, filters

if TYPE_CHECKING:
    from labkit.lab.worker.trial import Trial

VALIDATION_EXAMPLES, QUICK_VALIDATION_EXAMPLES = 1_000, 200  # at validation points; the end's evaluation takes all
WATCHED = 32  # validation examples whose activations the histograms show
SHOWN = 16  # input images shown
SHOWN_FILTERS, MAGNIFIED = 256, 8  # filters shown, pixels for each of their weights along a side
SAVE_SHARE = 1 / 30  # of the time may go into checkpoints whose times nobody chose
SHORT = 5.0  # seconds; work that took less is rather done again than saved, with the same bits


class Fit:
    """One call of `trial.fit`. Steps are counted from 1; `offset` steps of the trial came before, also in an attempt
    that has already restored what came after."""

    def __init__(
        self, trial: Trial, model: Any, data: Any, batch_size: int | None, validation: Any, folder: Path, offset: int,
        keep_best: bool,
    ) -> None:  # fmt: skip
        self.trial, self.model, self.folder, self.offset = trial, model, folder, offset
        self.images: Any = None
        if isinstance(data, Dataset):
            self.loop = TrainingLoop(model, data, batch_size=batch_size)
        else:
            x, y = data if isinstance(data, tuple) else examples_of(data.train)
            self.loop = TrainingLoop(model, x, y, batch_size, seed=trial.seed)
            self.images = None if isinstance(x, list | tuple | dict) else x
            if validation is None and not isinstance(data, tuple):
                validation = data.validation
        self.validation = validation
        keep = keep_best and self.validation is not None
        self.best = BestWeights(model, folder.with_name(f"{folder.name}-best")) if keep else None
        self.epoch, self.epoch_weight = 0, 0.0
        self.epoch_sums: dict[str, float] = {}
        self._counted: dict[str, Any] | None = None
        self.saved_at, self.save_took, self.saved_step = time.monotonic(), 0.0, -1

    def run(self, steps: int, validation_every: int | None, checkpoint_every: int | None, seconds: float) -> int:
        """Train up to `steps` steps; the trial's step after them."""
        with self.loop:
            return self._run(steps, validation_every, checkpoint_every, seconds)

    def _run(self, steps: int, validation_every: int | None, checkpoint_every: int | None, seconds: float) -> int:
        loop, every = self.loop, validation_every or max(1, steps // 10)
        self.steps = steps
        if not self._resume():
            self._begin()
        while loop.step < steps:
            epoch_end, saving = loop.epoch_end(self.epoch), _next(loop.step, checkpoint_every or steps)
            until = min(steps, _next(loop.step, every), epoch_end, saving)
            for values in loop.stretches(until, self.epoch):
                self._log(values)
                if (
                    loop.step < until and loop.epoch <= self.epoch
                ):  # what belongs to a last step comes before it is saved
                    self._save_or_leave(due=not checkpoint_every and self._save_is_due(seconds))
            if loop.epoch > self.epoch:
                self._end_epoch()
            validated = loop.step % every == 0 or loop.step == steps
            if validated:
                self._validate()
            if checkpoint_every:
                due = loop.step % checkpoint_every == 0 or loop.step == steps
            else:
                due = self._save_is_due(SHORT if validated else seconds)
            self._save_or_leave(due)
        return self.step

    @property
    def step(self) -> int:
        return self.offset + self.loop.step

    # Logging

    def _log(self, values: dict[str, np.ndarray]) -> None:
        """Every step of a stretch that has just run. The stretch is logged up to the step at which the loss is gone."""
        count = len(values["loss"])
        first = self.step - count
        self.trial.write_head(self.model.graph)
        figures: dict[str, float] = {}
        for place in range(count):
            figures = {f"train/{name}": float(series[place]) for name, series in values.items()}
            self.trial.series.add(first + place + 1, figures)
            if not math.isfinite(figures["train/loss"]):
                self.trial.latest.update(figures)
                loss = figures["train/loss"]
                self.trial.check_loss(first + place + 1, {"loss": loss})
            for name, value in figures.items():
                self.epoch_sums[name] = self.epoch_sums.get(name, 0.0) + value * self.loop.share
            self.epoch_weight += self.loop.share
        self.trial.latest.update(figures)
        shown = {name.removeprefix("train/"): value for name, value in figures.items()}
        self.trial.series.flush()
        self.trial.link.progress(self.step, self.offset + self.steps, shown)

    def _end_epoch(self) -> None:
        """Of the epoch that has ended: the losses' means over its steps, each weighed by its examples; the metrics for all."""
        sums = sorted(self.epoch_sums.items())  # a restored dictionary has an order of its own
        means = {name.replace("train/", "train/epoch_"): total / self.epoch_weight for name, total in sums}
        means |= {f"train/epoch_{name}": value for name, value in scalars(self.loop.results()).items()}
        self.loop.restart_metrics()
        self.trial.series.add(self.step, means)
        self.trial.tell(self.step, means)
        self.epoch_sums, self.epoch_weight, self.epoch = {}, 0.0, self.loop.epoch

    def _begin(self) -> None:
        """What is shown once: some inputs, the weights before training."""
        self.trial.write_head(self.model.graph)
        if np.ndim(self.images) == 4:
            self.trial.series.writer().image("inputs", np.asarray(self.images[:SHOWN]), self.step)
        self._histograms()

    def _validate(self) -> None:
        """Loss and metrics on the first validation examples; histograms of weights and activations."""
        if self.validation is not None:
            limit = QUICK_VALIDATION_EXAMPLES if self.trial.quick else VALIDATION_EXAMPLES
            x, y = examples_of(self.validation)
            first = np.arange(min(limit, len(y)))
            judged = self.model.evaluate(take(x, first), y[first], batch_size=100, return_dict=True)
            figures = {f"validation/{name}": value for name, value in scalars(judged).items()}
            self.trial.series.add(self.step, figures)
            self.trial.latest.update(figures)
            self.trial.tell(self.step, figures)
            self.trial.check_loss(self.step, {"validation loss": figures["validation/loss"]})
            if self.best is not None:
                self.best.see(self.loop.step, figures)
        self._histograms()

    def _histograms(self) -> None:
        writer = self.trial.series.writer()
        names = [variable.op.name for variable in self.model.weights]
        with self.model.session.frozen_state() as values:
            for name in names:
                writer.histogram(f"weights/{name}", values[name], self.step)
        kernels = next((w for w in self.model.weights if len(w.shape.as_list()) == 4), None)
        if kernels is not None:
            images = filters(self.model.session.read(kernels))[:SHOWN_FILTERS]
            writer.image("first_layer_filters", images.repeat(MAGNIFIED, axis=1).repeat(MAGNIFIED, axis=2), self.step)
        watched = None if self.validation is None else examples_of(self.validation)[0]
        if watched is not None and not isinstance(watched, list | tuple | dict):
            seen = self.model.session.run(self._counts(), {self.model.x: watched[:WATCHED]})
            for name, (counts, stats) in seen.items():
                writer.histogram(f"activations/{name}", Histogram.of_counts(counts, stats), self.step)

    def _counts(self) -> dict[str, Any]:
        """What histograms of the activations are made of, counted in the graph: the activations themselves stay there."""
        if self._counted is None:
            graph = self.model.graph
            with graph.as_default(), lk.name_scope("activations"):
                taps = {n: x if x.dtype.is_floating else lk.cast(x, lk.float64) for n, x in self.model.taps().items()}
                self._counted = {n: graph.apply("HistogramCounts", [x]).outputs for n, x in taps.items()}
        return self._counted

    def restore_best(self) -> None:
        """Leave the model with the weights that validation found best, where these are kept."""
        if self.best is not None:
            self.best.restore(self.loop.step)

    # Checkpoints

    def _save_is_due(self, seconds: float) -> bool:
        return time.monotonic() - self.saved_at >= max(seconds, self.save_took / SAVE_SHARE)

    def _save_or_leave(self, due: bool) -> None:
        """Save when that is due, or when the trial was asked to leave, and then leave."""
        if not self.trial.link.pruned and (due or self.trial.link.stopping):
            self.save()
        self.trial.link.check()

    def save(self) -> None:
        """A checkpoint of this step, unless there is one."""
        if self.saved_step == self.loop.step:
            return
        began = time.monotonic()
        extra: dict[str, Any] = {"epoch_sums": self.epoch_sums, "epoch_weight": self.epoch_weight, "epoch": self.epoch}
        if self.best is not None:
            extra["best"] = self.best.facts()
        with self.loop.frozen_state() as state:
            self.trial.save_checkpoint(self.folder, self.step, state, extra)
        self.saved_at, self.saved_step = time.monotonic(), self.loop.step
        self.save_took = self.saved_at - began

    def _resume(self) -> bool:
        found = self.trial.load_checkpoint(self.folder)
        if found is None:
            return False
        arrays, extra, step = found
        self.loop.restore({name: value for name, value in arrays.items() if not name.startswith("labkit/")})
        self.epoch_sums, self.epoch_weight = extra["epoch_sums"], extra["epoch_weight"]
        self.epoch = extra.get("epoch", self.loop.epoch)  # older checkpoints do not hold it
        self.saved_step = self.loop.step
        self.offset = step - self.loop.step
        if self.best is not None:
            self.best.resume(extra["best"])
        return True


def scalars(values: dict[str, Any]) -> dict[str, float]:
    """The values that are single numbers; a confusion matrix is none."""
    return {name: float(value) for name, value in values.items() if np.ndim(value) == 0}


def _next(step: int, every: int) -> int:
    return (step // every + 1) * every
