"""Objectives: what each output of a model is judged by."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.masking import mask_of
from labkit.metrics.mean import MeanMetricWrapper
from labkit.plugins import default_name, resolve, unused_name


@dataclass(frozen=True)
class Graded:
    """What one output's loss and metrics make of every example of a batch.

    Attributes:
        loss: [batch]; None where the output is not trained.
        measured: of each metric its values, [batch], or the predictions.
        steps: of sequences with a mask how many steps of each example count, [batch]. Its values above are then means over
            these steps, and each example weighs as many steps as it has: every step that counts is an example.
    """

    loss: lk.Tensor | None
    measured: dict[str, lk.Tensor]
    steps: lk.Tensor | None


@dataclass(frozen=True)
class Objective:
    """One output's loss, its weight in the sum, and its metrics by the name that reports show.

    A metric is a function of targets and predictions that gives one value for each example, or an object that is shown
    batches of both on the host (`labkit.metrics.Metric`).

    Attributes:
        model: the model's name, for messages.
        output: the output's name; "" where the model has one alone.
        loss: None where the output is not trained.
    """

    model: str | None
    output: str
    loss: Any
    weight: float
    metrics: Mapping[str, Any]

    @property
    def loss_name(self) -> str:
        return f"{self.output}_loss"

    def per_example(self, y_true: lk.Tensor, y_pred: lk.Tensor) -> Graded:
        """What the output's loss and metrics make of every example."""
        mask = mask_of(y_pred) if (y_pred.shape.rank or 0) > 2 else None
        steps = None if mask is None else lk.reduce_sum(lk.cast(mask, y_pred.dtype), axis=1)
        with lk.name_scope("loss"):
            loss = None if self.loss is None else self._values("loss", self.loss, y_true, y_pred)
        with lk.name_scope("metrics"):
            measured = {
                name: lk.identity(y_pred) if is_streaming(metric) else self._values(name, metric, y_true, y_pred)
                for name, metric in self.metrics.items()
            }
        return Graded(loss, measured, steps)

    def _values(self, name: str, function: Callable[..., lk.Tensor], y_true: lk.Tensor, y_pred: lk.Tensor) -> lk.Tensor:
        """The function's value for every example, [batch]."""
        mask = mask_of(y_pred)
        if mask is not None and (y_pred.shape.rank or 0) > 2:
            return _over_steps(function, y_true, y_pred, mask)
        values = function(y_true, y_pred)
        if values.shape.rank == 0:
            raise ShapeError(
                f"{name!r} of model {self.model!r} gives one number for the whole batch",
                rule="A loss or metric gives one value for each example, [batch]; the model takes the mean",
                received=repr(values),
                fix="Reduce over the last axis only: lk.reduce_mean(..., axis=-1).",
            )
        if not values.dtype.is_floating:
            values = lk.cast(values, y_pred.dtype)
        axes = list(range(1, values.shape.rank or 1))
        return lk.reduce_mean(values, axis=axes) if axes else values


def is_streaming(metric: Any) -> bool:
    """Whether the metric is shown targets and predictions, rather than being a function in the graph."""
    return hasattr(metric, "update_state")


class Specs:
    """What `compile` was given, with every name resolved; how it spreads over the outputs is known with these.

    Raises:
        UnknownComponentError: no plugin provides a name.
    """

    def __init__(self, loss: Any, metrics: Any, loss_weights: Any) -> None:
        self.loss = _resolved("losses", loss)
        found = _resolved("metrics", metrics)
        self.metrics = [found] if isinstance(found, Named) else found
        self.weights = loss_weights

    def objectives(self, model: str | None, outputs: Sequence[str]) -> list[Objective]:
        """One for each output.

        Args:
            model: the model's name.
            outputs: the outputs' names.

        Raises:
            InvalidArgumentError: a list is of another length, a dict names what is no output, or a weight is no number.
        """
        alone = len(outputs) == 1
        losses = _spread("loss", self.loss, outputs, whole=not isinstance(self.loss, list | dict))
        weights = _spread("loss_weights", self.weights, outputs, whole=self.weights is None)
        nested = isinstance(self.metrics, dict) or any(isinstance(each, list) for each in self.metrics)
        metrics = _spread("metrics", self.metrics, outputs, whole=not nested)
        taken = {"loss", *(f"{output}_loss" for output in outputs)}
        found = []
        for output, loss, weight, own in zip(outputs, losses, weights, metrics, strict=True):
            named: dict[str, Any] = {}
            for metric in own if isinstance(own, list) else [] if own is None else [own]:
                name = unused_name(metric.name if alone else f"{output}_{metric.name}", taken)
                taken.add(name)
                named[name] = metric.value
            found.append(Objective(model, "" if alone else output, loss, _weight(weight), named))
        if all(objective.loss is None for objective in found):
            raise InvalidArgumentError("No output of the model has a loss", received=repr(self.loss))
        return found


@dataclass(frozen=True)
class Named:
    """A metric and the name it was asked for by."""

    name: str
    value: Any


def _resolved(kind: str, spec: Any) -> Any:
    """Components in the structure of `spec`: alone, in lists, or in a dict by output."""
    if spec is None:
        return None if kind == "losses" else []
    if isinstance(spec, Mapping) and not isinstance(spec.get("name"), str):
        return {output: _resolved(kind, each) for output, each in spec.items()}
    if isinstance(spec, list | tuple):
        return [_resolved(kind, each) for each in spec]
    if isinstance(spec, Named):
        return spec
    component = resolve(kind, spec)
    if kind == "losses":
        return component
    function = component.fn if isinstance(component, MeanMetricWrapper) else component  # it goes into the graph
    return Named(_metric_name(spec, component), function)


def _spread(what: str, spec: Any, outputs: Sequence[str], whole: bool) -> list[Any]:
    """One entry for each output."""
    if whole:
        return [spec] * len(outputs)
    if isinstance(spec, Mapping):
        unknown = [name for name in spec if name not in outputs]
        if unknown:
            raise InvalidArgumentError(
                f"{what} names what is no output of the model",
                rule=f"The outputs are {', '.join(map(repr, outputs))}",
                received=", ".join(map(repr, unknown)),
            )
        return [spec.get(name) for name in outputs]
    if not isinstance(spec, list | tuple) or len(spec) != len(outputs):
        raise InvalidArgumentError(
            f"{what} does not say one thing for each output",
            rule=f"It is a list with an entry for each of {', '.join(map(repr, outputs))}, or a dict by name",
            received=repr(spec),
        )
    return list(spec)


def _weight(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise InvalidArgumentError("A loss weight is a finite number", received=repr(value))
    return float(value)


def _metric_name(spec: Any, metric: Any) -> str:
    if isinstance(spec, str) and spec == spec.lower():  # "R2Score" is reported as what it makes, r2_score
        return spec
    metric = metric.func if isinstance(metric, functools.partial) else metric  # a function with settings
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
    return name if isinstance(name, str) else default_name(type(metric))


def _over_steps(function: Callable[..., lk.Tensor], y_true: lk.Tensor, y_pred: lk.Tensor, mask: lk.Tensor) -> lk.Tensor:
    """The mean of the function's values over the steps of an example that its mask lets count, [batch]; 0 without any.

    y_true, y_pred: [batch, steps, ...]. Each step is an example to the function.
    """

    def steps(tensor: lk.Tensor) -> lk.Tensor:
        return lk.reshape(tensor, lk.concat([[-1], lk.shape(tensor)[2:]], axis=0))

    values = function(steps(y_true), steps(y_pred))
    if not values.dtype.is_floating:
        values = lk.cast(values, y_pred.dtype)
    counted = lk.cast(mask, values.dtype)
    values = lk.where(mask, lk.reshape(values, lk.shape(mask)), lk.zeros_like(counted))
    return lk.reduce_sum(values, axis=1) / lk.maximum(lk.reduce_sum(counted, axis=1), 1.0)
