"""LearningRateScheduler: a learning rate for each epoch, by a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.callbacks.base import Callback, Logs
from labkit.callbacks.rates import adjustable
from labkit.errors import InvalidArgumentError


class LearningRateScheduler(Callback):
    """Before each epoch: learning_rate = schedule(epoch, learning_rate). The epoch's logs get "learning_rate".

    A schedule of the step (`lk.schedules`), given to the optimizer itself, changes the rate at every step and keeps it
    in the graph.

    Args:
        schedule: a function of the epoch, from 0, and the learning rate so far (or of the epoch alone), which gives the new
            one, a float.
        verbose: 1 prints the rate of each epoch.

    Raises:
        InvalidArgumentError: `schedule` is no function, or gives something else than a finite number; or the optimizer's
            learning rate cannot be set, as it follows a schedule.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        takes = [count for count in (2, 1) if _takes(schedule, count)]
        if not takes:
            raise InvalidArgumentError(
                "LearningRateScheduler got no function of the epoch",
                rule="schedule(epoch, learning_rate), or schedule(epoch), gives the learning rate of that epoch",
                received=repr(schedule),
            )
        self.schedule, self.verbose, self._takes = schedule, verbose, takes[0]

    def on_train_begin(self, logs: Logs) -> None:
        adjustable(self)

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        rate: Any = self.schedule(*(epoch, adjustable(self))[: self._takes])
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not np.isfinite(float(rate)):
            raise InvalidArgumentError(
                "The function of LearningRateScheduler gave no learning rate",
                rule="It gives a finite number",
                received=f"{rate!r} for epoch {epoch}",
                fix="A schedule that gives a tensor belongs into the optimizer, Adam(learning_rate=...)."
                if hasattr(rate, "op")
                else "",
            )
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {float(rate):.4g}")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        logs["learning_rate"] = adjustable(self)


def _takes(function: Any, count: int) -> bool:
    """Whether the function can be called with that many arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # some built-in callables do not tell
        return True
    return True
