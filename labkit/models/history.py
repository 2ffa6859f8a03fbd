"""History: what `fit` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


class History:
    """The course of one `fit`.

    Attributes:
        history: name -> one value for each epoch: "loss" and the metrics, means over the epoch's steps; with
            validation data also "val_loss" and so on. "loss" is what training minimized: the mean of the examples'
            losses plus the regularizers' terms. "val_loss" holds the examples' losses alone.
        epoch: the epochs' numbers, from 0.
        steps: how many steps each epoch took.
        seconds: how long each epoch took, evaluation included.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.steps: list[int] = []
        self.seconds: list[float] = []

    def add(self, epoch: int, steps: int, seconds: float, values: dict[str, float]) -> None:
        """Appends one epoch."""
        self.epoch.append(epoch)
        self.steps.append(steps)
        self.seconds.append(seconds)
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)

    def frame(self) -> pandas.DataFrame:
        """One row for each epoch, one column for each value."""
        import pandas as pd

        return pd.DataFrame(self.history, index=pd.Index(self.epoch, name="epoch"))

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self.history.items())
        return f"History({len(self.epoch)} epochs; {last})" if self.epoch else "History(no epochs)"
