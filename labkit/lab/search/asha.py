"""Asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter Tuning, 2020)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from labkit.errors import ConfigError
from labkit.lab.search.random import RandomSearcher
from labkit.lab.space.domains import Domain

LAST_RUNG = 2**40


class AshaSearcher(RandomSearcher):
    """Random draws, whose trials end early where others did better after as many steps.

    The rungs are min_steps, min_steps * reduction_factor, min_steps * reduction_factor^2, ... At each a trial goes on only
    while it is among the best 1/reduction_factor, rounded up, of those that have come there: no trial waits for another,
    and those that came first go on easily (the stopping variant, so that trials need not be continued later).

    Args:
        min_steps: the first rung: what every trial gets.
        reduction_factor: between two rungs; of so many trials one goes on.
        max_steps: there is no rung from there on; None: there always is a next one.
        seed: of the draws.

    Raises:
        ConfigError: min_steps below 1, reduction_factor below 1.5, max_steps not above min_steps.
    """

    def __init__(
        self, min_steps: int, reduction_factor: float = 4, max_steps: int | None = None, seed: int = 0
    ) -> None:
        super().__init__(seed)
        self.min_steps, self.reduction_factor, self.max_steps = min_steps, reduction_factor, max_steps
        self.rungs = rungs(min_steps, reduction_factor, max_steps)

    def begin(self, space: Mapping[str, Domain]) -> None:
        super().begin(space)
        self._values: list[dict[int, float]] = [{} for _ in self.rungs]
        self._stopped: set[int] = set()

    def report(self, number: int, step: int, value: float) -> bool:
        place = bisect_right(self.rungs, step) - 1
        reached = any(number in values for values in self._values[max(place, 0) :])
        if number not in self._stopped and place >= 0 and not reached:
            values = self._values[place]
            values[number] = value
            better = sum(other < value for other in values.values())
            if better * self.reduction_factor >= len(values):
                self._stopped.add(number)
        return number in self._stopped


def rungs(min_steps: int, factor: float, max_steps: int | None = None) -> tuple[int, ...]:
    """The steps min_steps * factor^k, rounded down, each once, below max_steps.

    Raises:
        ConfigError: min_steps below 1, a factor below 1.5, max_steps not above min_steps.
    """
    last = LAST_RUNG if max_steps is None else max_steps
    counts = all(isinstance(value, int) and not isinstance(value, bool) for value in (min_steps, last))
    if not counts or not 1 <= min_steps < last or not isinstance(factor, int | float) or not factor >= 1.5:
        raise ConfigError(
            "A search cannot look at trials after such steps",
            rule="min_steps is 1 or more, reduction_factor 1.5 or more, max_steps above min_steps",
            received=f"min_steps={min_steps!r}, reduction_factor={factor!r}, max_steps={max_steps!r}",
        )
    found, step = [min_steps], float(min_steps)
    while (step := step * factor) < last:
        if int(step) > found[-1]:
            found.append(int(step))
    return tuple(found)
