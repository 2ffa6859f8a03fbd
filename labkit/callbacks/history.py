"""History: what `fit` returns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from labkit.callbacks.base import Callback, Logs
from labkit.callbacks.texts import shown

if TYPE_CHECKING:
    import pandas


class History(Callback):
    """The course of one `fit`.

    Attributes:
        history: name -> one value for each epoch that has it: "loss" and the metrics, means over the epoch's steps; with
            validation data also "val_loss" and so on; and what callbacks have added. "loss" is what training minimized:
            the mean of the examples' losses plus the regularizers' terms. "val_loss" holds the examples' losses alone.
        epoch: the epochs' numbers, from 0 (or fit's `initial_epoch`).
        steps: how many steps each epoch took.
        seconds: how long each epoch took, validation included.
        params: of the fit (`Callback`).
        trained: the steps of the epoch that is under way or ended last; fit counts them.
    """

    trained = 0

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.steps: list[int] = []
        self.seconds: list[float] = []
        self._places: dict[str, list[int]] = {}  # the rows that the values of `history` stand in

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
            self._places.setdefault(name, []).append(len(self.epoch))
        self.epoch.append(epoch)
        self.steps.append(self.trained)
        self.seconds.append(time.perf_counter() - self._began)

    def frame(self) -> pandas.DataFrame:
        """One row for each epoch, one column for each value; NaN where an epoch has none, as without its validation."""
        import pandas as pd

        columns = {name: pd.Series(values, index=self._places[name]) for name, values in self.history.items()}
        frame = pd.DataFrame(columns, index=range(len(self.epoch)))
        frame.index = pd.Index(self.epoch, name="epoch")
        return frame

    def __repr__(self) -> str:
        last = shown({name: values[-1] for name, values in self.history.items()}, ", ", "=")
        return f"History({len(self.epoch)} epochs; {last})" if self.epoch else "History(no epochs)"
