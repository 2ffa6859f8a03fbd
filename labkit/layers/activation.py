"""Activations as layers of their own."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.base import Layer
from labkit.plugins import resolve


class Activation(Layer):
    """y = activation(x), of the same shape.

    Args:
        activation: a function Tensor -> Tensor, or a registered name such as "relu".
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = resolve("activations", activation)

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return self.activate(inputs, self.activation)


class ReLU(Activation):
    """y = max(x, 0)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("relu", **kwargs)


class Softmax(Activation):
    """y = exp(x) / sum(exp(x)) over the last axis: each row becomes probabilities."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("softmax", **kwargs)
