"""Loss: the contract of what training makes small."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError, UnknownShapeError
from labkit.plugins import show

EPSILON = 1e-7
"""What keeps divisors and arguments of logarithms away from 0; Keras's `epsilon()`."""


class Loss:
    """Says how far predictions are from the targets, example by example.

    A model calls it once for each of its graphs (training, evaluation) while they are built, and takes the mean over
    the batch itself: a value must not depend on the other examples of the batch.

    A subclass keeps each constructor argument in an attribute of the same name, and defines `call`, or `__call__` where it
    wants the targets as they are given:

        class PowerLoss(lk.losses.Loss):
            def __init__(self, power=4):
                super().__init__()
                self.power = power

            def call(self, y_true, y_pred):
                return lk.reduce_mean((y_true - y_pred) ** self.power, axis=-1)

    Where no settings are needed a plain function (y_true, y_pred) -> Tensor [batch] does as well.

    Attributes:
        from_logits: whether y_pred are logits, which softmax makes probabilities of; False when they are used as they
        are.
    """

    from_logits: bool = False

    def __call__(self, y_true: Any, y_pred: Any) -> lk.Tensor:
        """Adds the operations to the graph.

        Args:
            y_true: the targets [batch, ...].
            y_pred: the model's output [batch, ...], float32 or float64.

        Returns:
            One value for each example, [batch], of y_pred's dtype.
        """
        predicted = predictions(self, y_pred)
        return mean_of_examples(self.call(lk.cast(lk.convert_to_tensor(y_true), predicted.dtype), predicted))

    def call(self, y_true: lk.Tensor, y_pred: lk.Tensor) -> lk.Tensor:
        """As `__call__`, with tensors of one dtype, that of the predictions. It may return [batch, ...]: the mean counts."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def targets(self, y_true: np.ndarray, y_pred: lk.Tensor) -> np.ndarray:
        """What a model feeds as y_true: the data themselves, or converted.

        A model asks before anything runs, so that an error can name the example that is wrong. The default takes all.

        Args:
            y_true: the targets as they were given, [examples, ...], numbers or bools.
            y_pred: the model's output [batch, ...].
        """
        return y_true

    def __repr__(self) -> str:
        return show(self)


class PairedLoss(Loss):
    """A loss whose targets have the shape of the predictions: a subclass defines `compare`.

    y_true may have any dtype of numbers and is cast to y_pred's; [batch] and [batch, 1] stand for each other. Targets
    of fewer or more numbers than the predictions are refused at the latest when the loss is run, never broadcast.

    Raises:
        ShapeError: (when called or run) the shapes do not fit.
        UnknownShapeError: (when called) only a run would know how many dimensions they have.
        DTypeError: (when called) the predictions are not floats, or the targets not numbers.
    """

    fix: str = "Give the last layer as many outputs as an example has targets."
    """What the error for shapes that do not fit advises."""

    def compare(self, true: lk.Tensor, predicted: lk.Tensor) -> lk.Tensor:
        """From two tensors [batch, ...] of one shape and dtype: [batch] or more, whose mean for an example is the loss."""
        raise NotImplementedError(f"{type(self).__name__} must define compare(true, predicted)")

    def __call__(self, y_true: Any, y_pred: Any) -> lk.Tensor:
        predicted = predictions(self, y_pred)
        return mean_of_examples(self.compare(self._targets(y_true, predicted), predicted))

    def _targets(self, y_true: Any, predicted: lk.Tensor) -> lk.Tensor:
        """`y_true` in the dtype and shape of the predictions."""
        target = lk.cast(lk.convert_to_tensor(y_true), predicted.dtype)
        _require_rank(self, "targets", target)
        dims, given = predicted.shape.as_list(), target.shape.as_list()
        if len(given) == len(dims) + 1 and given[-1] == 1:
            given = given[:-1]
        elif len(given) == len(dims) - 1 and dims[-1] == 1:
            given = [*given, 1]
        if len(given) != len(dims) or any(a != b for a, b in zip(given, dims, strict=True) if None not in (a, b)):
            raise ShapeError(
                f"{type(self).__name__} cannot compare targets and predictions",
                rule="They have one shape",
                received=f"targets {target.shape}, predictions {predicted.shape}",
                fix=self.fix,
            )
        if None not in dims and target.shape.as_list() == dims:
            return target
        # What only a run knows is compared by this: arithmetic would broadcast one row, or a column against a vector.
        return lk.reshape(target, lk.shape(predicted))


def predictions(loss: Loss, y_pred: Any) -> lk.Tensor:
    """`y_pred` as a tensor of floats of known rank, [batch, ...].

    Raises:
        ShapeError: it has no batch.
        UnknownShapeError: only a run would know how many dimensions it has.
        DTypeError: it is not of floats.
    """
    predicted, name = lk.convert_to_tensor(y_pred), type(loss).__name__
    if not predicted.dtype.is_floating:
        raise DTypeError(
            f"{name} cannot use these predictions",
            rule="They are float32 or float64",
            received=predicted.dtype.name,
            fix="The model's output comes second: loss(y_true, y_pred).",
        )
    _require_rank(loss, "predictions", predicted)
    if predicted.shape.rank == 0:
        raise ShapeError(
            f"{name} needs a batch of predictions",
            rule="Predictions are [batch, ...]",
            received=f"predictions {predicted.shape}",
            fix="A single example is a batch of one: lk.expand_dims(y_pred, 0).",
        )
    return predicted


def _require_rank(loss: Loss, what: str, tensor: lk.Tensor) -> None:
    if tensor.shape.rank is None:
        raise UnknownShapeError(
            f"{type(loss).__name__} cannot tell examples from their numbers",
            rule=f"The number of dimensions of the {what} is known when the graph is built",
            received=f"{what} {tensor.shape}",
            fix="Give the placeholder a shape, or use lk.reshape.",
        )


def mean_of_examples(values: lk.Tensor) -> lk.Tensor:
    """The mean of an example's numbers: [batch] from [batch, ...]."""
    axes = list(range(1, values.shape.rank or 1))
    return lk.reduce_mean(values, axis=axes) if axes else values


def inner_axis(loss: Loss, axis: Any, predicted: lk.Tensor) -> int:
    """A loss's setting `axis`, counted from 0: a dimension of an example.

    Raises:
        InvalidArgumentError: it is no whole number.
        ShapeError: it is the batch, or the predictions have no such dimension.
    """
    rank = len(predicted.shape.as_list())
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise InvalidArgumentError(
            f"{type(loss).__name__} cannot use this axis", rule="It is a whole number", received=f"axis={axis!r}"
        )
    if not -rank < axis < rank or axis == 0:
        raise ShapeError(
            f"{type(loss).__name__} cannot use axis {axis}",
            rule="It is a dimension of each example, not 0, the batch",
            received=f"axis={axis}, predictions {predicted.shape}",
        )
    return axis % rank
