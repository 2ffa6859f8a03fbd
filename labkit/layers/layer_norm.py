"""LayerNormalization: each example brought to mean 0 and variance 1 by itself."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.attr import whole
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.arguments import real
from labkit.layers.base import Layer, Shape


class LayerNormalization(Layer):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance of each example's own numbers.

    The variance is the mean of squares, sum (x - mean)² / n. The batch plays no part, so that training and inference are
    the same. (Ba et al., Layer normalization, 2016, equation 3.)

    x, y: [batch, ...]; gamma, beta: the sizes of the normalized dimensions.

    Args:
        axis: the dimension or dimensions that are normalized together; not the batch, 0.
        epsilon: what is added to the variance, positive.
        center, scale: whether there are beta and gamma.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: as for
            `Layer.add_weight`.

    Raises:
        InvalidArgumentError: an axis is no whole number, or 0; epsilon is not positive.
        ShapeError: when called, there is no such axis, it names the batch or another one twice, or its size is unknown.
    """

    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        try:
            self.axis = tuple(whole(n) for n in (axis if hasattr(axis, "__iter__") else [axis]))
        except (TypeError, OverflowError):
            self.axis = ()
        if not self.axis or 0 in self.axis:
            raise InvalidArgumentError(
                "LayerNormalization's axis is a whole number, or several, and none of them the batch, 0",
                received=repr(axis),
            )
        self.epsilon = real(epsilon, "LayerNormalization's epsilon", 0)
        if not self.epsilon:
            raise InvalidArgumentError("LayerNormalization's epsilon is positive", received=repr(epsilon))
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint

    def build(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        axes = tuple(sorted(n % rank if -rank <= n < rank else 0 for n in self.axis))
        if 0 in axes or len(set(axes)) != len(axes):
            raise ShapeError(
                f"Layer {self.name!r} (LayerNormalization) cannot normalize along axis={self.axis}",
                rule=f"They are different dimensions of an example: from 1 to {rank - 1}, or from -1 on down",
                received=f"shape {show(input_shape)}",
                fix="axis=-1 normalizes the last dimension.",
            )
        shape = self.require_known(input_shape, axes, "normalized dimensions")
        self.gamma: lk.Variable | None = None
        self.beta: lk.Variable | None = None
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", shape, self.gamma_initializer, self.gamma_regularizer, constraint=self.gamma_constraint
            )
        if self.center:
            self.beta = self.add_weight(
                "beta", shape, self.beta_initializer, self.beta_regularizer, constraint=self.beta_constraint
            )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.nn.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon)

    def settings(self) -> dict[str, Any]:
        return {"axis": self.axis, "epsilon": self.epsilon}
