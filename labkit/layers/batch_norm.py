"""BatchNormalization: each feature brought to mean 0 and variance 1 over the batch."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.attr import whole
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.arguments import real
from labkit.layers.base import Layer, Shape
from labkit.layers.numbers import floats


class BatchNormalization(Layer):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each place along `axis`, each feature, by itself.

    In training mean and variance are those of all the batch's numbers of a feature, the variance sum (x - mean)² / n, and
    every step moves the averages that inference uses: moving <- momentum moving + (1 - momentum) batch's. So an example's
    output in training depends on the others of its batch; at inference it does not. A layer with trainable=False, from
    its next trace on, does in training what it does at inference and leaves the averages alone. Of a batch with a mask the
    steps that do not count have no part in mean and variance. (Ioffe and Szegedy, Batch normalization, 2015, algorithms 1
    and 2; their averages have the variance n / (n - 1) times as large, Keras's and these do not.)

    x, y: any shape of 2 dimensions or more, whole numbers become float32; gamma, beta, moving_mean, moving_variance:
    [features].

    Args:
        axis: the dimension of the features; not the batch, 0.
        momentum: how much of a moving average stays at each step, from 0 to 1.
        epsilon: what is added to the variance, positive.
        center, scale: whether there are beta and gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint: as for `Layer.add_weight`.

    Raises:
        InvalidArgumentError: the axis is no whole number, or 0; momentum or epsilon are out of range.
        ShapeError: when called, there is no such axis, it names the batch, or its size is unknown.
    """

    supports_masking = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        try:
            self.axis = whole(axis)
        except (TypeError, OverflowError):
            self.axis = 0
        if not self.axis:
            rule = "It is one whole number, and not the batch, 0"
            raise InvalidArgumentError("BatchNormalization's axis is no dimension", rule=rule, received=repr(axis))
        self.momentum = real(momentum, "BatchNormalization's momentum", 0)
        self.epsilon = real(epsilon, "BatchNormalization's epsilon", 0)
        if self.momentum > 1:
            raise InvalidArgumentError("BatchNormalization's momentum is at most 1", received=repr(momentum))
        if not self.epsilon:
            raise InvalidArgumentError("BatchNormalization's epsilon is positive", received=repr(epsilon))
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint

    def check_input(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        if rank < 2 or not -rank < self.axis < rank:
            raise ShapeError(
                f"Layer {self.name!r} (BatchNormalization) finds no features along axis={self.axis}",
                rule="An input has the batch first and another dimension that the axis names",
                received=f"shape {show(input_shape)}",
                fix="axis=-1 takes the last dimension for the features.",
            )

    def build(self, input_shape: Shape) -> None:
        if not self.dtype.is_floating:
            self.dtype = lk.float32
        shape = self.require_known(input_shape, (self.axis,), "features")
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
        self.moving_mean = self.add_weight("moving_mean", shape, self.moving_mean_initializer, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", shape, self.moving_variance_initializer, trainable=False
        )

    def call(self, inputs: lk.Tensor, training: bool = False, mask: lk.Tensor | None = None) -> lk.Tensor:
        x = floats(inputs)
        rank = len(self.shape_of(x))
        order = [axis for axis in range(rank) if axis != self.axis % rank] + [self.axis % rank]
        if order != sorted(order):
            x = lk.transpose(x, order)
        scale = lk.ones_like(self.moving_mean) if self.gamma is None else lk.convert_to_tensor(self.gamma)
        offset = lk.zeros_like(self.moving_mean) if self.beta is None else lk.convert_to_tensor(self.beta)
        if not training or not self.trainable:
            y = lk.nn.batch_normalization(
                x, self.moving_mean, self.moving_variance, offset, scale, variance_epsilon=self.epsilon
            )
        else:
            if mask is None:
                y, mean, variance = x.graph.apply(
                    "FusedBatchNorm", [x, scale, offset], {"epsilon": self.epsilon}
                ).outputs
            else:
                mean, variance = _moments_of(x, _beside(mask, order, rank))
                y = lk.nn.batch_normalization(x, mean, variance, offset, scale, variance_epsilon=self.epsilon)
            for average, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
                self.add_update(lk.assign_sub(average, (1 - self.momentum) * (average - found)))
        return y if order == sorted(order) else lk.transpose(y, [order.index(axis) for axis in range(rank)])

    def settings(self) -> dict[str, Any]:
        return {"axis": self.axis, "momentum": self.momentum, "epsilon": self.epsilon}


def _beside(mask: lk.Tensor, order: list[int], rank: int) -> lk.Tensor:
    """A mask [batch, steps] as bool with `rank` dimensions, in which those of size 1 stand for all; transposed like x."""
    sizes = lk.shape(mask)
    wide = lk.reshape(mask, [sizes[0], sizes[1], *[1] * (rank - 2)])
    return lk.transpose(wide, order)


def _moments_of(x: lk.Tensor, counted: lk.Tensor) -> tuple[lk.Tensor, lk.Tensor]:
    """Mean and variance of those numbers of each feature, the last dimension, that count; 0 where none does."""
    counted = lk.broadcast_to(counted, lk.shape(x))
    none, axes = lk.zeros_like(x), list(range(len(x.shape) - 1))
    count = lk.maximum(lk.reduce_sum(lk.cast(counted, x.dtype), axes), 1.0)
    mean = lk.reduce_sum(lk.where(counted, x, none), axes) / count
    return mean, lk.reduce_sum(lk.where(counted, lk.square(x - mean), none), axes) / count
