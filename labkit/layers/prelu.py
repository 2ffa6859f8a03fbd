"""PReLU: a rectifier whose slope is learnt."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.attr import whole
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer, Shape


class PReLU(Layer):
    """y = max(x, 0) + alpha min(x, 0), with a weight alpha for each element of an example.

    x: [batch, ...], alpha: the shape of an example, with 1 along shared axes. (He et al., Delving deep into rectifiers,
    2015, equation 1.)

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: as for `Layer.add_weight`.
        shared_axes: the axes, from 1 on, along which one alpha serves all: [1, 2] for one a channel of images.

    Raises:
        InvalidArgumentError: an axis is none.
        ShapeError: when called, a dimension that is not shared is unknown, or there is no such axis.
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer, self.alpha_regularizer = alpha_initializer, alpha_regularizer
        self.alpha_constraint = alpha_constraint
        try:
            axes = [] if shared_axes is None else shared_axes if hasattr(shared_axes, "__iter__") else [shared_axes]
            self.shared_axes = tuple(whole(axis) for axis in axes)
        except (TypeError, OverflowError):
            self.shared_axes = (0,)
        if any(axis < 1 for axis in self.shared_axes):
            raise InvalidArgumentError(
                "PReLU's shared_axes are whole numbers from 1 on, 0 being the batch", received=repr(shared_axes)
            )

    def build(self, input_shape: Shape) -> None:
        last = max(self.shared_axes, default=0)
        if last >= len(input_shape):
            self.require_rank(input_shape, last + 1, f"those that shared_axes={self.shared_axes} names")
        own = tuple(axis for axis in range(1, len(input_shape)) if axis not in self.shared_axes)
        known = dict(zip(own, self.require_known(input_shape, own, "dimensions that are not shared"), strict=True))
        shape = tuple(known.get(axis, 1) for axis in range(1, len(input_shape)))
        self.alpha = self.add_weight(
            "alpha", shape, self.alpha_initializer, self.alpha_regularizer, constraint=self.alpha_constraint
        )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        self.pre_activation = inputs
        return lk.nn.relu(inputs) - self.alpha * lk.nn.relu(-inputs)

    def settings(self) -> dict[str, Any]:
        return {"shared_axes": self.shared_axes} if self.shared_axes else {}
