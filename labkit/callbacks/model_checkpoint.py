"""ModelCheckpoint: saves the model while it is trained."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from labkit.callbacks.base import Logs
from labkit.callbacks.monitor import MonitorCallback
from labkit.core.settings import check_count, check_number
from labkit.errors import InvalidArgumentError
from labkit.io import make_folder


class ModelCheckpoint(MonitorCallback):
    """Saves the model or its weights after epochs or every so many steps.

    Each save is whole or not there, and replaces one of the same path. A save that fails ends the training with its error;
    what was saved before it stays as it was.

    Args:
        filepath: where to, with the fields {epoch}, counted from 1, and the names of the logs, such as
            "runs/{epoch:02d}-{val_loss:.3f}"; with a save_freq of steps also {batch}, from 1. Folders are made when they are
            missing. Each becomes a checkpoint of that prefix.
        monitor: for save_best_only: such as "val_loss".
        verbose: 1 prints when it acts.
        save_best_only: whether to save only when the value is better than all before (`MonitorCallback`).
        save_weights_only: whether to save the weights alone, for `model.load_weights`, or the whole model with the state of
            its optimizer, for `lk.load_model`.
        mode: "auto", "min" or "max".
        save_freq: "epoch", or after every how many steps, counted over the whole training.
        initial_value_threshold: what the first value must be better than.

    Attributes:
        latest: the path last saved to; None before.

    Raises:
        InvalidArgumentError: as `MonitorCallback`; or `filepath` has a field that is no value of the epoch.
    """

    remembers = ("best", "latest")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = bool(save_best_only), bool(save_weights_only)
        self.save_freq = save_freq if save_freq == "epoch" else check_count(self, "save_freq", save_freq, 1)
        given = initial_value_threshold
        self.initial_value_threshold = None if given is None else check_number(self, "initial_value_threshold", given)
        if self.save_freq != "epoch":
            self.every = self.save_freq
            self.on_train_batch_end = self._after_steps  # type: ignore[method-assign]
        self.reset()

    def reset(self) -> None:
        self.best = self.initial_value_threshold
        self.latest: str | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.save_freq == "epoch":
            self._consider({**logs, "epoch": epoch + 1}, logs)

    def _after_steps(self, batch: int, logs: Logs) -> None:
        if self.save_best_only and self.monitor not in logs:
            raise InvalidArgumentError(
                f"ModelCheckpoint cannot choose the best steps by {self.monitor!r}",
                rule=f"The values of a step are {', '.join(logs)}",
                fix='Use save_freq="epoch", or monitor="loss".',
            )
        self._consider({**logs, "epoch": self._epoch + 1, "batch": batch + 1}, logs)

    def _consider(self, fields: dict[str, Any], logs: Logs) -> None:
        what = ""
        if self.save_best_only:
            value = self.monitored(logs)
            if value is None or not self.improves(value, self.best):
                return
            before = "" if self.best is None else f" from {self.best:.5g}"
            what = f"{self.monitor} improved{before} to {value:.5g}, "
            self.best = value
        path = self._path(fields)
        make_folder(Path(path).parent)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self.latest = path
        if self.verbose:
            print(f"Epoch {fields['epoch']}: {what}saved to {path}")

    def _path(self, fields: dict[str, Any]) -> str:
        try:
            return self.filepath.format(**fields)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise InvalidArgumentError(
                f"ModelCheckpoint cannot make a path of {self.filepath!r}",
                rule=f"Its fields are {', '.join(fields)}",
                received=f"{type(error).__name__}: {error}",
                fix="Such as '{epoch:02d}-{loss:.3f}'.",
            ) from None
