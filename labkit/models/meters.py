"""Meters: metrics while examples go by, in float64 on the host."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.errors import CheckpointError
from labkit.metrics.mean import MeanMetricWrapper
from labkit.models.objectives import Objective, is_streaming


class Meters:
    """A copy of each metric of a model, at its beginning.

    Args:
        objectives: whose metrics.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._metrics: dict[str, tuple[int, Any]] = {}
        for place, objective in enumerate(objectives):
            for name, metric in objective.metrics.items():
                own = copy.deepcopy(metric) if is_streaming(metric) else MeanMetricWrapper(metric, name)
                self._metrics[name] = place, own
        self.reset()

    def __bool__(self) -> bool:
        return bool(self._metrics)

    def reset(self) -> None:
        """Back to the beginning."""
        for _, metric in self._metrics.values():
            metric.reset_state()

    def update(
        self, measured: Mapping[str, np.ndarray], targets: Sequence[np.ndarray], steps: Mapping[int, np.ndarray]
    ) -> None:
        """Takes some examples in.

        Args:
            measured: of each metric what `Objective.per_example` gives, [examples, ...].
            targets: of each output, [examples, ...].
            steps: of those outputs whose steps have a mask how many count, [examples].
        """
        for name, (place, metric) in self._metrics.items():
            if isinstance(metric, MeanMetricWrapper):
                metric.update_values(measured[name], steps.get(place))
            else:
                metric.update_state(targets[place], measured[name])

    def means(self, measured: Mapping[str, np.ndarray], steps: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        """Of metrics that are functions the mean at each training step, float64.

        Args:
            measured: of each metric the values of each training step's examples, [training steps, batch].
            steps: as for `update`, likewise.
        """
        found = {}
        for name, (place, metric) in self._metrics.items():
            if isinstance(metric, MeanMetricWrapper):
                values, counts = measured[name].astype(np.float64), steps.get(place)
                weighed = values.mean(axis=1) if counts is None else mean_of_steps(values, counts, axis=1)
                found[name] = np.asarray(weighed)
        return found

    def results(self) -> dict[str, Any]:
        """Each metric's value for all examples since the beginning: a float, or an array where a metric gives one."""
        return {name: _plain(metric.result()) for name, (_, metric) in self._metrics.items()}

    def state(self) -> dict[str, np.ndarray]:
        """What the metrics remember, for `restore`."""
        return {
            f"{name}/{key}": np.asarray(value)
            for name, (_, metric) in self._metrics.items()
            for key, value in metric.state().items()
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on from a `state()` of the same metrics.

        Raises:
            CheckpointError: it is of others.
        """
        for name, (_, metric) in self._metrics.items():
            own = {key.removeprefix(f"{name}/"): value for key, value in state.items() if key.startswith(f"{name}/")}
            if set(own) != set(metric.state()):
                raise CheckpointError(
                    f"The saved state does not hold metric {name!r}",
                    rule=f"It holds {', '.join(metric.state())}",
                    received=", ".join(own) or "nothing",
                    fix="Continue with the metrics of the model that was saved.",
                )
            try:
                metric.restore(own)
            except (TypeError, ValueError) as error:
                raise CheckpointError(
                    f"The saved state of metric {name!r} is damaged", received=f"{type(error).__name__}: {error}"
                ) from error


def mean_of_steps(values: np.ndarray, steps: np.ndarray, axis: int = 0) -> np.ndarray:
    """The mean of examples' values, each weighed by its number of steps; 0 where there are none."""
    return np.asarray((values * steps).sum(axis, np.float64) / np.maximum(steps.sum(axis, np.float64), 1))


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array
