"""SGD: gradient descent, with or without momentum."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.optimizers.base import Optimizer, Slot, check_number


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
        learning_rate: a number or a scalar tensor.
        momentum: from 0 to 1; at 0 there is no accumulator.
        nesterov: whether the step looks ahead along the accumulator.

    Slots: `<variable>/Momentum`, when there is momentum.
    """

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str | None = None
    ) -> None:
        super().__init__(learning_rate, name)
        self.momentum, self.nesterov = check_number(self, "momentum", momentum, 0.0, 1.0), bool(nesterov)
        if self.momentum:
            self.slots = {"accumulator": Slot("Momentum")}

    def update(
        self, variable: lk.Variable, gradient: lk.Tensor, learning_rate: lk.Tensor, *, accumulator: Any = None
    ) -> lk.Tensor:
        if accumulator is None:
            return lk.ops.state.apply_gradient_descent(variable, learning_rate, gradient)
        return lk.ops.state.apply_momentum(variable, accumulator, learning_rate, gradient, self.momentum, self.nesterov)

    def update_rows(
        self, variable: lk.Variable, gradient: lk.IndexedSlices, learning_rate: lk.Tensor, *, accumulator: Any = None
    ) -> lk.Tensor:
        if accumulator is None:
            return lk.scatter_sub(variable, gradient.indices, learning_rate * gradient.values)
        return super().update_rows(variable, gradient, learning_rate, accumulator=accumulator)
