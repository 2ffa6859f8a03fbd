"""Masking: steps of a sequence that do not count are told by their values."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.arguments import real
from labkit.layers.base import Layer, Shape


class Masking(Layer):
    """Leaves out the steps of a sequence at which all features are `mask_value`: layers after this one, such as LSTM, pass
    over them.

    x, y: [batch, steps, ...]; y is x with 0 in these steps, and has a mask, bool [batch, steps, ...] without the last
    dimension.

    Args:
        mask_value: the value of steps that do not count.

    Raises:
        InvalidArgumentError: it is no finite number.
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = real(mask_value, "Masking's mask_value")

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, max(3, len(input_shape)), "[batch, steps, features], or more after them")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.where(lk.expand_dims(self.compute_mask(inputs, None), -1), inputs, lk.zeros_like(inputs))

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        return lk.reduce_any(lk.not_equal(inputs, lk.cast(self.mask_value, inputs.dtype)), -1)

    def settings(self) -> dict[str, Any]:
        return {"mask_value": self.mask_value}
