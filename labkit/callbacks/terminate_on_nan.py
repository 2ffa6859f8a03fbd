"""TerminateOnNaN: ends training when the loss is no longer a finite number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labkit.callbacks.base import Callback, Logs


class TerminateOnNaN(Callback):
    """Ends training when the loss of a step is NaN or infinite, at the end of the stretch of steps (about 50 ms) in which
    it became so, and prints at which step that was.

    Attributes:
        batch: the number of that step in its epoch, from 0; None while all losses were finite.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.batch: int | None = None

    def on_train_stretch_end(self, batch: int, logs: Logs, series: Mapping[str, np.ndarray]) -> None:
        finite = np.isfinite(series["loss"])
        if not finite.all():
            self.batch = batch - len(finite) + 1 + int(np.argmin(finite))
            print(f"Batch {self.batch}: the loss is {series['loss'][int(np.argmin(finite))]}, training ends")
            self.model.stop_training = True
