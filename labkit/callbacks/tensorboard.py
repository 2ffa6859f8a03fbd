"""TensorBoard: event files of training and validation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labkit.callbacks.base import Callback, Logs
from labkit.callbacks.rates import current
from labkit.core.settings import check_count
from labkit.summary import EventWriter


class TensorBoard(Callback):
    """Writes what TensorBoard shows (`tensorboard --logdir log_dir`).

    In `log_dir/train`: the graph; for each epoch the scalars `epoch_loss`, `epoch_<metric>`, `epoch_learning_rate`; the
    histograms `weights/<layer>/<weight>`. In `log_dir/validation`: `epoch_loss` and `epoch_<metric>` of the validation data. An
    epoch's values stand at its number, from 0, those of steps at the step of the whole training, from 0.

    Looking changes no bit of the training, and steps run natively as without it. A disk that cannot be written costs events
    and one warning, never the training.

    Args:
        log_dir: the folder; made when it is missing.
        histogram_freq: histograms of all weights after every so many epochs; 0 for none.
        write_graph: whether to write the model's graph.
        update_freq: "epoch", "batch" for the scalars `batch_loss` and `batch_<metric>` at every step, or at every how many
            steps.

    Raises:
        InvalidArgumentError: an argument is not allowed.
    """

    remembers = ("step",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        update_freq: Any = "epoch",
    ) -> None:
        self.log_dir, self.write_graph = os.fspath(log_dir), bool(write_graph)
        self.histogram_freq = check_count(self, "histogram_freq", histogram_freq)
        self.update_freq = update_freq
        if update_freq not in ("epoch", "batch"):
            self.update_freq = check_count(self, "update_freq", update_freq, 1)
        if update_freq != "epoch":
            self.on_train_stretch_end = self._steps  # type: ignore[method-assign]
        self._writers: dict[str, EventWriter] = {}
        self.reset()

    def reset(self) -> None:
        self.step = 0

    def on_train_begin(self, logs: Logs) -> None:
        if self.write_graph:
            self._writer("train").graph(self.model.graph)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        scalars = {name: value for name, value in logs.items() if np.ndim(value) == 0}
        if "learning_rate" not in scalars and (rate := current(self)) is not None:
            scalars["learning_rate"] = rate
        for run, prefix in (("train", ""), ("validation", "val_")):
            names = [name for name in scalars if name.startswith("val_") == bool(prefix)]
            if names:
                values = {f"epoch_{name.removeprefix(prefix)}": scalars[name] for name in names}
                self._writer(run).scalars(values, epoch)
        if self.histogram_freq and (epoch + 1) % self.histogram_freq == 0:
            writer = self._writer("train")
            names = [variable.op.name for variable in self.model.weights]
            with self.model.session.frozen_state() as state:
                for name in names:
                    writer.histogram(f"weights/{name}", state[name], epoch)

    def _steps(self, batch: int, logs: Logs, series: Mapping[str, np.ndarray]) -> None:
        every = 1 if self.update_freq == "batch" else self.update_freq
        steps = len(series["loss"])
        for place in range(-self.step % every, steps, every):
            values = {f"batch_{name}": column[place] for name, column in series.items()}
            self._writer("train").scalars(values, self.step + place)
        self.step += steps

    def _writer(self, run: str) -> EventWriter:
        if run not in self._writers:
            # TensorBoard drops all tags from a step on; where steps stand beside epochs none would be right for both
            resumed = self.params["initial_epoch"] if self.update_freq == "epoch" else 0
            self._writers[run] = EventWriter(Path(self.log_dir) / run, purge_step=resumed or None)
        return self._writers[run]

    def close(self) -> None:
        while self._writers:
            self._writers.popitem()[1].close()
