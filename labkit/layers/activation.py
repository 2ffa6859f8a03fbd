"""Activations as layers of their own: y has the shape of x."""

from __future__ import annotations

from functools import partial
from typing import Any

import labkit as lk
from labkit.layers.arguments import real
from labkit.layers.base import Layer
from labkit.plugins import resolve


class Activation(Layer):
    """y = activation(x), of the same shape.

    Args:
        activation: a function Tensor -> Tensor, or a registered name such as "relu".

    Raises:
        UnknownComponentError: no activation is registered under that name.
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = resolve("activations", activation)

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return self.activate(inputs, self.activation)


class ReLU(Activation):
    """y = max(x, 0); with other settings min(x, max_value) where x >= threshold, negative_slope (x - threshold) below.

    (Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.)

    Args:
        max_value: the largest output, from 0 on; None for none.
        negative_slope: the slope below the threshold, from 0 on.
        threshold: where the line begins, from 0 on.

    Raises:
        InvalidArgumentError: a setting is out of its range.
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        self.max_value = None if max_value is None else real(max_value, "ReLU's max_value", 0)
        self.negative_slope = real(negative_slope, "ReLU's negative_slope", 0)
        self.threshold = real(threshold, "ReLU's threshold", 0)
        plain = max_value is None and not negative_slope and not threshold
        super().__init__("relu" if plain else self._bent, **kwargs)

    def _bent(self, x: lk.Tensor) -> lk.Tensor:
        if self.threshold:
            below = self.negative_slope * (x - self.threshold)
            y = lk.where(lk.greater_equal(x, self.threshold), x, below)
        else:
            y = lk.nn.leaky_relu(x, alpha=self.negative_slope) if self.negative_slope else lk.nn.relu(x)
        return y if self.max_value is None else lk.minimum(y, self.max_value)


class LeakyReLU(Activation):
    """y = x where x > 0, negative_slope x elsewhere.

    (Maas et al., Rectifier nonlinearities improve neural network acoustic models, 2013.)

    Args:
        negative_slope: from 0 on.

    Raises:
        InvalidArgumentError: the slope is negative, or no number.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        self.negative_slope = real(negative_slope, "LeakyReLU's negative_slope", 0)
        super().__init__(partial(lk.nn.leaky_relu, alpha=self.negative_slope), **kwargs)


class ELU(Activation):
    """y = x where x > 0, alpha (e^x - 1) elsewhere.

    (Clevert et al., Fast and accurate deep network learning by exponential linear units, 2016, equation 15.)

    Args:
        alpha: minus the limit for very negative x, from 0 on.

    Raises:
        InvalidArgumentError: alpha is negative, or no number.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        self.alpha = real(alpha, "ELU's alpha", 0)
        super().__init__(partial(lk.nn.elu, alpha=self.alpha), **kwargs)


class GELU(Activation):
    """y = x Φ(x), Φ being the normal distribution function (Hendrycks and Gimpel, Gaussian error linear units, 2016).

    Args:
        approximate: whether to use x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 instead; it differs by up to 5e-4.
    """

    def __init__(self, approximate: bool = False, **kwargs: Any) -> None:
        self.approximate = bool(approximate)
        super().__init__(partial(lk.nn.gelu, approximate=self.approximate), **kwargs)


class Softplus(Activation):
    """y = log(1 + e^x), without overflow (Dugas et al., Incorporating second-order functional knowledge, 2001)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lk.nn.softplus, **kwargs)


class Softmax(Activation):
    """y = exp(x) / sum(exp(x)) along an axis, by default the last: each row becomes probabilities.

    Args:
        axis: not that of the batch, 0.

    Raises:
        ShapeError: when called, there is no such axis.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        self.axis = axis
        super().__init__("softmax" if axis == -1 else partial(lk.nn.softmax, axis=axis), **kwargs)
