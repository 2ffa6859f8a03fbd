"""EarlyStopping: ends training when it no longer gets better."""

from __future__ import annotations

import numpy as np

from labkit.callbacks.base import Logs
from labkit.callbacks.monitor import MonitorCallback
from labkit.core.settings import check_count, check_number


class EarlyStopping(MonitorCallback):
    """Ends training after `patience` epochs without an improvement (`MonitorCallback` says what that is; Prechelt 1998,
    "Early stopping - but when?").

    Args:
        monitor: such as "val_loss".
        min_delta: what an improvement is at least.
        patience: after how many epochs in a row without an improvement training ends; 0 and 1 mean the first one.
        verbose: 1 prints when it acts.
        mode: "auto", "min" or "max".
        baseline: only improvements over this value, too, count against the patience.
        restore_best_weights: whether the weights of the best epoch are given back, to the bit, at the end of training,
            whatever ended it but an error. The optimizer's slots stay as they are.
        start_from_epoch: epochs before this one are not looked at.

    Attributes:
        best, best_epoch: the best value, and its epoch, from 0.
        stopped_epoch: the epoch after which training was ended; 0 when it was not.

    Raises:
        InvalidArgumentError: as `MonitorCallback`.
    """

    remembers = ("best", "best_epoch", "best_weights", "stopped_epoch", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = check_count(self, "patience", patience)
        self.verbose = verbose
        self.baseline = None if baseline is None else check_number(self, "baseline", baseline)
        self.restore_best_weights = bool(restore_best_weights)
        self.start_from_epoch = check_count(self, "start_from_epoch", start_from_epoch)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self.monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        improved = self.improves(value, self.best)
        if improved:
            self.best = value
        if improved or self.best is None:  # until a value can be compared, the last epoch is the best
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
        self.wait += 1
        if improved:
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: {self.monitor} has not improved since epoch {self.best_epoch + 1}")
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            if self.verbose:
                print(f"The weights are those of epoch {self.best_epoch + 1}, the best one")
