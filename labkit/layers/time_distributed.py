"""TimeDistributed: a layer for each step of a sequence."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.base import Layer, Shape
from labkit.plugins import resolve


class TimeDistributed(Layer):
    """y[:, t] = layer(x[:, t]): each step of a sequence is an example of its own for the layer, with the same weights.

    x: [batch, steps, ...], y: [batch, steps, ...]. A mask stays with the sequence; the layer inside gets none.

    Args:
        layer: any layer of one input, a registered name, or {"name": "Dense", "units": ...}.

    Raises:
        InvalidArgumentError: it is no layer.
        ShapeError: when called, the input has fewer than three dimensions.
    """

    supports_masking = True

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = resolve("layers", layer)
        if not isinstance(self.layer, Layer):
            raise InvalidArgumentError("TimeDistributed takes a layer", received=repr(layer))

    def check_input(self, input_shape: Shape) -> None:
        if len(input_shape) < 3:
            raise ShapeError(
                f"Layer {self.name!r} (TimeDistributed) cannot take its input",
                rule="The input has at least 3 dimensions: [batch, steps, ...]",
                received=f"shape {show(input_shape)}",
                fix="Use the layer inside by itself, or add a dimension by lk.layers.Reshape.",
            )

    def call(self, inputs: lk.Tensor, training: bool = False) -> Any:
        sizes = _sizes(inputs)
        steps = lk.reshape(inputs, [lk.shape(inputs)[0] * lk.shape(inputs)[1], *sizes[2:]])
        found = self.layer(steps, training=training)
        return pack(found, [lk.reshape(y, [*sizes[:2], *_sizes(y)[1:]]) for y in flatten(found)])

    def settings(self) -> dict[str, Any]:
        return {"layer": self.layer}


def _sizes(x: lk.Tensor) -> list[Any]:
    """Each dimension as a number where it is known, else as a tensor."""
    return [lk.shape(x)[i] if n is None else n for i, n in enumerate(x.shape.as_list())]
