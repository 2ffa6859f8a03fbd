"""Input: where examples enter a model."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer
from labkit.layers.symbol import Operators, Symbol


class Input(Layer, Operators):
    """What one example looks like. The first entry of a Sequential; it has no weights and changes nothing.

    A functional model begins with one or several: layers are called on them, as on the symbols that layers then give.

        x = lk.Input((784,))
        model = lk.Model(x, lk.layers.Dense(10)(x))

    Args:
        shape: the shape of one example, without the batch dimension, e.g. (28, 28, 1).
        dtype: what the model computes in, float32 or float64; or that of whole numbers for a layer such as Embedding, int32
            or int64, or of the bytes of images, uint8, for one such as Rescaling.

    Raises:
        InvalidArgumentError: the dtype is another.
    """

    def __init__(self, shape: Any, dtype: Any = "float32", **kwargs: Any) -> None:
        super().__init__(input_shape=shape, **kwargs)
        self.shape = (self.input_shape or ())[1:]
        self.dtype = self.input_dtype = lk.as_dtype(dtype)
        if not self.input_dtype.is_floating and self.input_dtype not in (lk.int32, lk.int64, lk.uint8):
            raise InvalidArgumentError(
                "A model takes float32 or float64, or int32, int64 or uint8 for whole numbers such as an Embedding's",
                received=f"dtype={self.input_dtype.name}",
                fix="Text in a table: begin the model with lk.layers.DenseFeatures of lk.feature_column's columns.",
            )

        self.symbol = Symbol((None, *self.shape), self.input_dtype, call=None, name=self.name)

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return inputs

    def settings(self) -> dict[str, Any]:
        return {"shape": self.shape, "dtype": self.input_dtype.name}
