"""The learning-rate range test: a few steps at growing rates show which one to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError
from labkit.models.arrays import positive
from labkit.models.loop import TrainingLoop

if TYPE_CHECKING:
    import pandas

    from labkit.models.model import Model

DIVERGED = 4.0  # times the least smoothed loss: from there on nothing is to be learned


@dataclass(frozen=True, repr=False)
class RateTest:
    """What a learning-rate range test found.

    Attributes:
        learning_rates: float64 [steps taken], growing geometrically.
        losses: float64, the loss of each of these steps, before its update.
        smoothed: float64, their running mean m(t) = s m(t-1) + (1 - s) loss(t), divided by 1 - s^(t+1).
        suggestion: the rate around which the losses fall fastest per factor of the rate: the middle of those steps, as many as
            the running mean remembers, 1 + 1 / (1 - s), through whose losses the line with the steepest descent goes; all
            before the least smoothed loss. None where that is the first.
        diverged: whether the test ended early, as the smoothed loss had grown to four times its least value, or was no
            number any more.
    """

    learning_rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None
    diverged: bool

    def __repr__(self) -> str:
        first, last = self.learning_rates[0], self.learning_rates[-1]
        ended = ", diverged" if self.diverged else ""
        return (
            f"<RateTest: suggestion {self.suggestion}, {len(self.losses)} steps from {first:.3g} to {last:.3g}{ended}>"
        )

    def frame(self) -> pandas.DataFrame:
        """One row for each step: learning_rate, loss, smoothed_loss."""
        import pandas as pd

        columns = {"learning_rate": self.learning_rates, "loss": self.losses, "smoothed_loss": self.smoothed}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.losses), name="step"))


def find_learning_rate(
    model: Model, x: Any, y: Any, *, batch_size: int | None, smallest: float, largest: float, steps: int,
    smoothing: float, seed: int | None,
) -> RateTest:  # fmt: skip
    """The body of `Model.find_learning_rate`."""
    low = check_number(model, "smallest", smallest, 0.0, above=True)
    high = check_number(model, "largest", largest, low, above=True)
    smoothing = check_number(model, "smoothing", smoothing, 0.0, 1.0, below=True)
    if positive(steps, "steps") < 3:
        raise InvalidArgumentError("A range test takes at least 3 steps", received=f"steps={steps}")
    loop, optimizer = TrainingLoop(model, x, y, batch_size, seed), model.optimizer
    before = getattr(optimizer, "learning_rate", None)
    if not isinstance(before, float):
        raise InvalidArgumentError(
            f"The learning rate of {type(optimizer).__name__} cannot be searched for",
            rule="A range test sets a rate that is a number; a schedule or a tensor decides for itself",
            received=f"learning_rate={before!r}",
            fix="Compile with a number, run the test, and give the schedule what it found.",
        )
    rates = low * (high / low) ** (np.arange(steps) / (steps - 1))
    losses: list[float] = []
    smoothed: list[float] = []
    mean, diverged = 0.0, False
    state = model.session.state()
    try:
        for step, rate in enumerate(rates):
            optimizer.learning_rate = float(rate)
            losses.append(float(loop.run(1)["loss"][0]))
            mean = smoothing * mean + (1 - smoothing) * losses[-1]
            smoothed.append(mean / (1 - smoothing ** (step + 1)))
            diverged = not smoothed[-1] <= DIVERGED * abs(min(smoothed))  # NaN is not, either
            if diverged and step:
                break
    finally:
        optimizer.learning_rate = before
        model.session.restore_state(state)
        loop.close()
    taken, seen, curve = rates[: len(losses)], np.array(losses), np.array(smoothed)
    return RateTest(taken, seen, curve, _steepest(taken, seen, curve, smoothing), diverged)


def _steepest(rates: np.ndarray, losses: np.ndarray, smoothed: np.ndarray, smoothing: float) -> float | None:
    """Where lines through the losses (least squares) fall fastest over the logarithm of the rate.

    The running mean itself would not do: it knows few losses at first, so that their noise looks like a fall.
    """
    end = int(np.argmin(np.where(np.isfinite(smoothed), smoothed, np.inf))) + 1
    window = min(1 + round(1 / (1 - smoothing)), end)
    if window < 2:
        return None
    # the rates grow geometrically: their logarithms are equally far apart
    slopes = np.lib.stride_tricks.sliding_window_view(losses[:end], window) @ (np.arange(window) - (window - 1) / 2)
    place = int(np.argmin(slopes))
    return float(rates[place + window // 2]) if slopes[place] < 0 else None
