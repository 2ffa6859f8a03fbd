"""Flatten: each example as one row."""

from __future__ import annotations

import math

import labkit as lk
from labkit.layers.base import Layer


class Flatten(Layer):
    """x: [batch, a, b, ...] -> [batch, a * b * ...]; an example's elements keep their order."""

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        shape = self.shape_of(inputs)
        inner = self.require_known(shape, tuple(range(1, len(shape))), "inner dimensions")
        return lk.reshape(inputs, [-1, math.prod(inner)])
