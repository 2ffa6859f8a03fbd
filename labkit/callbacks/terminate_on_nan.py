"""TerminateOnNaN: ends training when the loss is no longer a finite number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labkit.callbacks.base import Callback, Logs
from labkit.errors import DivergedError


class TerminateOnNaN(Callback):
    """Ends training when the loss of a step is NaN or infinite, at the end of the stretch of steps (about 50 ms) in which
    it became so, and prints at which step that was.

    Args:
        raise_error: whether to raise instead, which skips the other callbacks' `on_train_end`.

    Attributes:
        batch: the number of that step in its epoch, from 0; None while all losses were finite.

    Raises:
        DivergedError: (during the fit) with raise_error.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = bool(raise_error)
        self.reset()

    def reset(self) -> None:
        self.batch: int | None = None

    def on_train_stretch_end(self, batch: int, logs: Logs, series: Mapping[str, np.ndarray]) -> None:
        finite = np.isfinite(series["loss"])
        if finite.all():
            return
        place = int(np.argmin(finite))
        self.batch = batch - len(finite) + 1 + place
        what = f"the loss is {series['loss'][place]}"
        if self.raise_error:
            raise DivergedError(
                f"Batch {self.batch}: {what}",
                rule="TerminateOnNaN(raise_error=True) ends a training that diverges",
                fix="Lower the learning rate, clip the gradients, or look for infinities in the data.",
            )
        print(f"Batch {self.batch}: {what}, training ends")
        self.model.stop_training = True
