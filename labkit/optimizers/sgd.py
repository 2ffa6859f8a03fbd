"""SGD: gradient descent, with or without momentum."""

from __future__ import annotations

from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.ops.optimizer_steps import apply_gradient_descent, apply_momentum
from labkit.optimizers.base import Optimizer
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.state import Slot


class SGD(Optimizer):
    """Without momentum:

        w -= learning_rate g

    with momentum (Polyak 1964), the accumulator a starting at 0:

        a = momentum a + g
        w -= learning_rate a

    or, with nesterov (Sutskever et al. 2013, in the form of TensorFlow 1 and Keras):

        w -= learning_rate (g + momentum a)

    As in TensorFlow 1 the learning rate stays outside the accumulator. Keras keeps it inside; with a constant learning
    rate the weights are the same.

    Args:
        learning_rate: a number, a scalar tensor or a schedule.
        momentum: from 0 to 1, or a scalar tensor; at 0 there is no accumulator.
        nesterov: whether the step looks ahead along the accumulator.

    Slots: `<variable>/Momentum`, when there is momentum, holds a. A gradient that has the form of rows changes these rows
    of the weights and of a only; others do not go on moving.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, name, **clipping)
        self.momentum, self.nesterov = check_scalar(self, "momentum", momentum, 0.0, 1.0), bool(nesterov)
        if not (isinstance(self.momentum, float) and self.momentum == 0.0):
            self._keep_accumulator()

    def _keep_accumulator(self) -> None:
        self.slots, self.numbers = {"momentum": Slot("Momentum")}, {"momentum": "momentum"}

    def update(
        self, variable: lk.Variable, gradient: Any, learning_rate: lk.Tensor, *, momentum: Any = None
    ) -> lk.Tensor:
        if momentum is None:
            return apply_gradient_descent(variable, learning_rate, gradient)
        factor = self.number("momentum", variable.dtype)
        return apply_momentum(variable, momentum, learning_rate, factor, gradient, self.nesterov)

    def update_rows(
        self, variable: lk.Variable, gradient: lk.IndexedSlices, learning_rate: lk.Tensor, *, momentum: Any = None
    ) -> lk.Tensor:
        if momentum is None:
            return lk.scatter_sub(variable, gradient.indices, learning_rate * gradient.values)
        return self.update(variable, gradient, learning_rate, momentum=momentum)
