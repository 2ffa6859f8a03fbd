"""Loss: the contract of what training makes small."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import ShapeError
from labkit.plugins import show


class Loss:
    """Says how far predictions are from the targets, example by example.

    A model calls it once for each of its graphs (training, evaluation) while they are built, and takes the mean over
    the batch itself: a value must not depend on the other examples of the batch.

    A subclass keeps each constructor argument in an attribute of the same name, and defines `__call__`. Where no
    settings are needed a plain function (y_true, y_pred) -> Tensor [batch] does as well.

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
        raise NotImplementedError(f"{type(self).__name__} must define __call__(y_true, y_pred)")

    def __repr__(self) -> str:
        return show(self)


def targets_like(y_true: Any, y_pred: lk.Tensor, what: str) -> lk.Tensor:
    """`y_true` in the shape and dtype of `y_pred`: [batch] and [batch, 1] stand for each other.

    Without this, [batch] minus [batch, 1] would be broadcast to [batch, batch].

    Raises:
        ShapeError: the shapes differ otherwise.
    """
    target = lk.cast(lk.convert_to_tensor(y_true), y_pred.dtype)
    true, predicted = target.shape, y_pred.shape
    if true.rank is None or predicted.rank is None:
        return target
    if true.rank == predicted.rank + 1 and true.as_list()[-1] == 1:
        target = lk.squeeze(target, axis=-1)
    elif true.rank == predicted.rank - 1 and predicted.as_list()[-1] == 1:
        target = lk.expand_dims(target, axis=-1)
    pairs = zip(target.shape.as_list(), predicted.as_list(), strict=False)
    if target.shape.rank != predicted.rank or any(a != b for a, b in pairs if a is not None and b is not None):
        raise ShapeError(
            f"{what} cannot compare targets and predictions",
            rule="They have one shape",
            received=f"targets {true}, predictions {predicted}",
            fix="Give the last layer as many outputs as an example has targets.",
        )
    return target
