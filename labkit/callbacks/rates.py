"""The learning rate of the model that a callback follows."""

from __future__ import annotations

from labkit.callbacks.base import Callback
from labkit.errors import InvalidArgumentError


def adjustable(callback: Callback) -> float:
    """The learning rate, where it is one that can be set.

    Raises:
        InvalidArgumentError: the optimizer has none, or it follows a schedule or a tensor.
    """
    optimizer = callback.model.optimizer
    rate = getattr(optimizer, "learning_rate", None)
    if not isinstance(rate, float):
        raise InvalidArgumentError(
            f"{type(callback).__name__} cannot set the learning rate of {type(optimizer).__name__}",
            rule="It sets one that is a number; a schedule or a tensor decides for itself",
            received=f"learning_rate={rate!r}",
            fix=f"Leave {type(callback).__name__} out, or compile with a number as learning rate.",
        )
    return rate


def current(callback: Callback) -> float | None:
    """The learning rate of the next step, also where a schedule decides it; None where that is not known."""
    optimizer = callback.model.optimizer
    ask = getattr(optimizer, "learning_rate_in", None)
    rate = getattr(optimizer, "learning_rate", None) if ask is None else ask(callback.model.session)
    return rate if isinstance(rate, float) else None
