"""Rescaling: a fixed change of scale."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer
from labkit.layers.numbers import floats


class Rescaling(Layer):
    """y = x * scale + offset, of the same shape; for bytes to -1 ... 1: Rescaling(1 / 127.5, offset=-1).

    Whole numbers become float32.

    Args:
        scale, offset: a number, or a list that broadcasts to an example, such as one number a channel.

    Raises:
        InvalidArgumentError: there is something that is no finite number.
        ShapeError: when called, the lists do not broadcast to an example.
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for what, value in (("scale", scale), ("offset", offset)):
            try:
                finite = bool(np.isfinite(np.asarray(value, np.float64)).all())
            except (TypeError, ValueError):
                finite = False
            if not finite:
                raise InvalidArgumentError(f"Rescaling's {what} is a finite number, or several", received=repr(value))
        self.scale, self.offset = scale, offset

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        x = floats(inputs)
        scale, offset = (lk.constant(np.asarray(v, np.float64), x.dtype) for v in (self.scale, self.offset))
        return x * scale + offset

    def settings(self) -> dict[str, Any]:
        return {"scale": self.scale, "offset": self.offset}
