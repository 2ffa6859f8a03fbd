"""What layers ask of the shapes they are called on."""

from __future__ import annotations

from typing import Any, TypeAlias

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.core.shapes import show
from labkit.errors import ShapeError

Shape: TypeAlias = tuple[int | None, ...]
"""A static shape with the batch dimension in front; None where a dimension is not known."""


class ShapeChecks:
    """The checks that every layer has at hand; each names the layer in its error."""

    name: str | None

    def shape_of(self, inputs: Any) -> Any:
        """The static shape of a tensor, or the shapes of a nest of tensors in its structure.

        Raises:
            ShapeError: not even a rank is known, there is no batch, or it is text.
        """
        return pack(inputs, [self._shape_of(tensor) for tensor in flatten(inputs)])

    def _shape_of(self, tensor: lk.Tensor) -> Shape:
        if tensor.shape.rank is None:
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) needs an input of known rank",
                received=f"{tensor.name} of unknown shape",
                fix="Give the placeholder a shape such as [None, 28, 28, 1].",
            )
        if not tensor.shape.rank or tensor.dtype == lk.string:
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) takes a batch of numbers",
                rule="Its input is [batch, ...], or a symbol such as lk.Input((4,))",
                received=f"{tensor.dtype.name} of shape {show(tensor.dims)}",
                fix="A single example is a batch of one: lk.expand_dims(x, 0).",
            )
        return tuple(tensor.shape.as_list())

    def require_rank(self, shape: Shape, rank: int, meaning: str) -> None:
        """Raises ShapeError unless `shape` has that many dimensions; `meaning` says what they stand for."""
        self._require_one(shape)
        if len(shape) != rank:
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) cannot take its input",
                rule=f"The input has {rank} dimensions: {meaning}",
                received=f"shape {show(shape)}",
                fix="Give each example those dimensions (for grey images: array[..., None] adds the channel), "
                "or reshape it in the layer before.",
            )

    def require_known(self, shape: Shape, axes: tuple[int, ...], meaning: str) -> tuple[int, ...]:
        """Those dimensions as ints. Raises ShapeError when one is not known while the graph is built."""
        self._require_one(shape)
        sizes = [shape[axis] for axis in axes]
        if any(size is None for size in sizes):
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) must know the size of its {meaning}",
                received=f"shape {show(shape)}",
                fix="Give the input a full shape, such as Input((28, 28, 1)).",
            )
        return tuple(size for size in sizes if size is not None)

    def require_room(self, shape: Shape, least: tuple[int, ...], fix: str) -> None:
        """Raises ShapeError where a dimension after the batch is known to be smaller than its entry in `least`."""
        for axis, (size, need) in enumerate(zip(shape[1:], least, strict=False), 1):
            if size is not None and size < need:
                raise ShapeError(
                    f"Layer {self.name!r} ({type(self).__name__}) cannot take an input as small as this",
                    rule=f"Dimension {axis} is at least {need}",
                    received=f"shape {show(shape)}",
                    fix=fix,
                )

    def _require_one(self, shape: Any) -> None:
        """Raises ShapeError for the shapes of several inputs."""
        if not all(dim is None or isinstance(dim, int) for dim in shape):
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) takes one input",
                received=f"shapes {shape!r}",
                fix="Join them first: lk.layers.Concatenate()([a, b]), or lk.layers.Add().",
            )
