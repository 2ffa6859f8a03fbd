"""Metric: the contract of what is measured over all examples, batch after batch, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import CheckpointError, DTypeError, FailedPreconditionError, InvalidArgumentError, ShapeError
from labkit.metrics.exact import ExactSums
from labkit.plugins import default_name, show


class Metric:
    """Measures predictions over all examples that it was shown since the last `reset_state`, however they were split.

        auc = lk.metrics.AUC()
        auc.update_state(y_true, y_pred)      # any number of times
        auc.result()

    It works on arrays, in float64, outside any graph. A model shows it the targets and predictions of every example.

    A subclass keeps each constructor argument in an attribute of the same name and then calls `super().__init__(name)`,
    which calls `reset_state`. It defines `add` and `value`, and names the sums it counts with in `counted`: they are exact
    and part of `state`. One that keeps something else extends `reset_state`, `state` and `restore`. The other methods check
    what they are given, and see to it that the rules below hold.

        class WithinReach(lk.metrics.Metric):
            direction = "max"  # the share of examples, by weight, whose predictions are at most `reach` away
            counted = ("near", "weight")

            def __init__(self, reach=1.0, name=None):
                self.reach = reach
                super().__init__(name)

            def add(self, y_true, y_pred, weight):
                errors = np.abs(y_true.reshape(len(weight), -1) - y_pred.reshape(len(weight), -1))
                near = errors.max(axis=1) <= self.reach
                self.sum_of("near").add((weight * near)[:, None])
                self.sum_of("weight").add(weight[:, None])

            def value(self):
                return float(self.sums["near"].totals()[0] / self.sums["weight"].totals()[0])

        model.compile("adam", "mse", metrics=[WithinReach(0.5)])

    - An example of weight 0 counts as not shown. Without weights every example has weight 1.
    - One NaN among the predictions makes the result NaN until the next `reset_state`: a broken model must not look well.
    - NaN among the targets or weights is an error: the data are broken.

    Args:
        name: for reports; None takes the class's name in lower case, such as "mean_squared_error".

    Attributes:
        direction: of the class: "max" where larger results are better, "min" where smaller ones are, else None; callbacks
            that wait for an improvement go by it.
        counted: the names of the sums, of the class.
        sums: name -> ExactSums; of size 0 until the first batch shows how many there are.
        examples: how many examples were shown.
        broken: whether a prediction was NaN.
    """

    direction: str | None = None
    counted: tuple[str, ...] = ()

    def __init__(self, name: str | None = None) -> None:
        self.name = name or default_name(type(self))
        try:
            self.reset_state()
        except AttributeError as error:
            raise FailedPreconditionError(
                f"{type(self).__name__} is not ready to count",
                rule="Metric's constructor calls reset_state, so a subclass sets what that uses before",
                received=str(error),
                fix="Call super().__init__(name) at the end of __init__.",
            ) from error

    def reset_state(self) -> None:
        """Forgets all examples."""
        self.sums = {name: ExactSums() for name in self.counted}
        self.examples, self.broken = 0, False

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        """Counts examples whose predictions hold no NaN.

        Args:
            y_true, y_pred: [batch, ...], of any dtype of numbers.
            weight: float64 [batch], above 0.
        """
        raise NotImplementedError(f"{type(self).__name__} must define add(y_true, y_pred, weight)")

    def value(self) -> Any:
        """The metric of the examples that were added."""
        raise NotImplementedError(f"{type(self).__name__} must define value()")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the examples of one batch.

        Args:
            y_true: their targets, [batch, ...].
            y_pred: their predictions, [batch, ...].
            sample_weight: how much each counts, numbers from 0 on, [batch] or [batch, 1].

        Raises:
            ShapeError: the shapes do not fit the metric or each other.
            DTypeError: they are no arrays of numbers.
            InvalidArgumentError: a target or weight is NaN or out of range.
        """
        true, predicted = self._array("y_true", y_true), self._array("y_pred", y_pred)
        if len(true) != len(predicted):
            raise ShapeError(
                f"{self.name} needs a target for each prediction",
                rule="y_true and y_pred hold the same examples",
                received=f"y_true of shape {true.shape}, y_pred of shape {predicted.shape}",
            )
        weight = self._weights(sample_weight, len(true))
        rows = np.flatnonzero(weight)
        counted = weight[rows]
        if len(rows) < len(weight):
            true, predicted = true[rows], predicted[rows]
        if _nan(true).any():
            raise InvalidArgumentError(
                f"{self.name} cannot measure against targets that are NaN",
                received=f"NaN among the targets of {int(_nan(true).sum())} examples",
                fix="Repair the data, leave these examples out, or give them sample_weight 0.",
            )
        lost = _nan(predicted)
        if lost.any():
            true, predicted, counted = true[~lost], predicted[~lost], counted[~lost]
        self.add(true, predicted, counted)
        self.examples += len(weight)
        self.broken |= bool(lost.any())

    def result(self) -> Any:
        """The metric of all examples shown: a float, or an array where the class says so.

        Raises:
            FailedPreconditionError: no example was shown.
        """
        if not self.examples:
            raise FailedPreconditionError(
                f"{self.name} has no result yet", rule="At least one example was shown", fix="Call update_state first."
            )
        value = self.value()
        if self.broken:
            return float("nan") if np.ndim(value) == 0 else np.full(np.shape(value), np.nan)
        return value

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts the examples of one batch, as `update_state`, and returns the result so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def state(self) -> dict[str, np.ndarray]:
        """All that the next results depend on."""
        kept = {"examples": np.array(self.examples, np.int64), "broken": np.array(self.broken)}
        return {**kept, **{f"sums/{name}": sums.parts.copy() for name, sums in self.sums.items()}}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on where a metric of the same class and settings was when it gave this `state()`.

        Raises:
            CheckpointError: it is no such state; nothing is changed.
        """
        kept = {name: np.array(state.get(f"sums/{name}", 0), np.float64) for name in self.counted}
        if set(state) != set(self.state()) or any(parts.ndim != 2 or not len(parts) for parts in kept.values()):
            raise CheckpointError(
                f"This is no state of {self.name}",
                rule=f"It holds {', '.join(self.state())}",
                received=", ".join(state) or "nothing",
            )
        for name, parts in kept.items():
            self.sums[name].parts = parts
        self.examples, self.broken = int(state["examples"]), bool(state["broken"])

    def sum_of(self, name: str, size: int = 1) -> ExactSums:
        """The sums of that name, of which there are `size`.

        Raises:
            ShapeError: there were more or fewer before: the first batch had another shape.
        """
        if not self.sums[name].size:
            self.sums[name] = ExactSums(size)
        sums = self.sums[name]
        if sums.size != size:
            raise ShapeError(
                f"{self.name} was shown examples of another shape before",
                rule="All batches have the same number of classes or outputs",
                received=f"{size} of {name}, first {sums.size}",
                fix="Call reset_state() before other data.",
            )
        return sums

    def _array(self, what: str, value: Any) -> np.ndarray:
        if isinstance(value, lk.Tensor | lk.Variable):
            raise DTypeError(
                f"{self.name} measures arrays, not tensors of a graph",
                received=f"{what}={value!r}",
                fix="Run the session first; a metric for graphs is a function, such as lk.metrics.accuracy.",
            )
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind not in "biuf":
            raise DTypeError(
                f"{self.name} cannot use this {what}",
                rule="It is an array of numbers or bools",
                received=type(value).__name__ if array.dtype == object else f"an array of {array.dtype}",
            )
        if not array.ndim:
            raise ShapeError(
                f"{self.name} needs a batch of examples",
                rule=f"{what} is [batch, ...]",
                received=f"{what}={value!r}",
                fix="A single example is a batch of one.",
            )
        return array

    def _weights(self, sample_weight: Any, examples: int) -> np.ndarray:
        if sample_weight is None:
            return np.ones(examples)
        weight = self._array("sample_weight", sample_weight).astype(np.float64)
        if weight.shape not in ((examples,), (examples, 1)):
            raise ShapeError(
                f"{self.name} needs a weight for each example",
                rule="sample_weight is [batch] or [batch, 1]",
                received=f"sample_weight of shape {weight.shape} for {examples} examples",
            )
        if not ((weight >= 0) & np.isfinite(weight)).all():
            bad = weight[~((weight >= 0) & np.isfinite(weight))]
            raise InvalidArgumentError(
                f"{self.name} cannot use these weights",
                rule="sample_weight are finite numbers from 0 on",
                received=f"{bad[0]}",
            )
        return weight.ravel()

    def __repr__(self) -> str:
        return show(self)


def _nan(array: np.ndarray) -> np.ndarray:
    """Which examples have a NaN, bool [batch]."""
    if array.dtype.kind != "f":
        return np.zeros(len(array), bool)
    return np.isnan(array).any(axis=tuple(range(1, array.ndim)))
