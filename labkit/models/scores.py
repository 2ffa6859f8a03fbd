"""What evaluating a model comes to, example by example and then in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core.nest import flatten, pack
from labkit.models.compiled import fetched
from labkit.models.meters import Meters, mean_of_steps
from labkit.models.objectives import Graded, Objective


class Scores:
    """Losses and metrics of examples, taken in part by part: how they are cut changes no bit.

    Args:
        objectives: of the model's outputs.
        graded: what the evaluation graph makes of every example.

    Attributes:
        fetches: the tensors that `add` takes the values of, each [examples, ...].
        examples: how many were taken in.
    """

    def __init__(self, objectives: Sequence[Objective], graded: list[Graded]) -> None:
        self._objectives, self._meters = objectives, Meters(objectives)
        losses = {i: own.loss for i, own in enumerate(graded) if own.loss is not None}
        self._nest = (losses, *fetched(graded))
        self.fetches = flatten(self._nest)
        self.examples = 0
        self._losses: dict[int, list[np.ndarray]] = {place: [] for place in losses}
        self._steps: dict[int, list[np.ndarray]] = {place: [] for place in self._nest[2]}

    def add(self, found: list[np.ndarray], targets: Sequence[np.ndarray], weights: np.ndarray | None) -> None:
        """Takes some examples in.

        Args:
            found: the values of the fetches.
            targets: of each output.
            weights: what the examples' losses are multiplied by; None: 1.
        """
        losses, measured, steps = pack(self._nest, found)
        for place, values in losses.items():
            self._losses[place].append(values if weights is None else values * weights)
        for place, counts in steps.items():
            self._steps[place].append(counts)
        self._meters.update(measured, targets, steps)
        self.examples += len(targets[0])

    def report(self) -> dict[str, Any]:
        """The loss, of several outputs each one's, and the metrics, by name."""
        means, loss = {}, 0.0
        for place, parts in self._losses.items():
            objective, values = self._objectives[place], np.concatenate(parts)
            if place in self._steps:
                mean = float(mean_of_steps(values, np.concatenate(self._steps[place])))
            else:
                mean = float(np.mean(values, dtype=np.float64))
            means[objective.loss_name] = mean
            loss += mean * objective.weight
        return {"loss": loss, **(means if len(self._objectives) > 1 else {}), **self._meters.results()}
