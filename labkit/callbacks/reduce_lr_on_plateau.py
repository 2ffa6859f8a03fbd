"""ReduceLROnPlateau: a lower learning rate when training no longer gets better."""

from __future__ import annotations

from labkit.callbacks.base import Logs
from labkit.callbacks.monitor import MonitorCallback
from labkit.callbacks.rates import adjustable
from labkit.core.settings import check_count, check_number


class ReduceLROnPlateau(MonitorCallback):
    """After `patience` epochs without an improvement (`MonitorCallback`):

        learning_rate = max(learning_rate factor, min_lr)

    The epoch's logs get "learning_rate", the one that the epoch was trained with.

    Args:
        monitor: such as "val_loss".
        factor: above 0 and below 1.
        patience: epochs in a row without an improvement.
        verbose: 1 prints when it acts.
        mode: "auto", "min" or "max".
        min_delta: what an improvement is at least.
        cooldown: epochs after a reduction that do not count against the patience.
        min_lr: the learning rate does not become smaller, from 0 on.

    Raises:
        InvalidArgumentError: as `MonitorCallback`; or the optimizer's learning rate cannot be set, as it follows a schedule.
    """

    remembers = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = check_number(self, "factor", factor, 0.0, 1.0, above=True, below=True)
        self.patience, self.verbose = check_count(self, "patience", patience), verbose
        self.cooldown, self.min_lr = check_count(self, "cooldown", cooldown), check_number(self, "min_lr", min_lr, 0.0)
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs: Logs) -> None:
        adjustable(self)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        rate = adjustable(self)
        logs["learning_rate"] = rate
        value = self.monitored(logs)
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            lower = max(rate * self.factor, self.min_lr)
            if self.wait >= self.patience and lower < rate:
                self.model.optimizer.learning_rate = lower
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    print(
                        f"Epoch {epoch + 1}: {self.monitor} has not improved, learning rate {rate:.4g} -> {lower:.4g}"
                    )
