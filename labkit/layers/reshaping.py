"""Layers that give each example another shape, its elements kept."""

from __future__ import annotations

import math
from typing import Any

import labkit as lk
from labkit.core.attr import whole
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.arguments import positive
from labkit.layers.base import Layer, Shape


class Reshape(Layer):
    """x: [batch, ...] -> [batch, *target_shape]; an example's elements keep their order.

    Args:
        target_shape: positive sizes, without the batch dimension; one may be -1: what is left over.

    Raises:
        InvalidArgumentError: a size is none.
        ShapeError: when called, an example has another number of elements.
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            dims = tuple(whole(n) for n in (target_shape if hasattr(target_shape, "__iter__") else [target_shape]))
        except (TypeError, OverflowError):
            dims = (0,)
        if any(n < 1 and n != -1 for n in dims) or dims.count(-1) > 1:
            raise InvalidArgumentError(
                "Reshape does not understand its target shape",
                rule="It has positive whole numbers, of which one may be -1, without the batch dimension",
                received=repr(target_shape),
            )
        self.target_shape = dims

    def check_input(self, input_shape: Shape) -> None:
        inner = input_shape[1:]
        if None in inner:
            return
        have, wanted = math.prod(n for n in inner if n is not None), math.prod(n for n in self.target_shape if n > 0)
        if have % wanted if -1 in self.target_shape else have != wanted:
            raise ShapeError(
                f"Layer {self.name!r} (Reshape) cannot keep all elements",
                rule=f"An example of shape {show(self.target_shape)} has "
                f"{'a multiple of ' * (-1 in self.target_shape)}{wanted} elements",
                received=f"shape {show(input_shape)}: {have} for each example",
                fix="Let the sizes of target_shape multiply to that number; -1 stands for what is left over.",
            )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        inner, dims = self.shape_of(inputs)[1:], list(self.target_shape)
        if None in inner:  # the batch is counted when run, so that it cannot take up what does not fit
            return lk.reshape(inputs, [lk.shape(inputs)[0], *dims])
        if -1 in dims:
            known = math.prod(n for n in inner if n is not None)
            dims[dims.index(-1)] = known // math.prod(n for n in dims if n > 0)
        return lk.reshape(inputs, [-1, *dims])

    def settings(self) -> dict[str, Any]:
        return {"target_shape": self.target_shape}


class Permute(Layer):
    """The dimensions of each example in another order: y's dimension i is x's dimension dims[i - 1].

    Args:
        dims: the numbers 1 to the number of an example's dimensions, each once; the batch stays in front.

    Raises:
        InvalidArgumentError: they are not.
        ShapeError: when called, the input has another rank.
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            self.dims = tuple(whole(n) for n in (dims if hasattr(dims, "__iter__") else [dims]))
        except (TypeError, OverflowError):
            self.dims = (0,)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise InvalidArgumentError(
                "Permute does not understand its dims",
                rule="They are the numbers from 1 to the number of dimensions of an example, each once",
                received=repr(dims),
                fix="Write e.g. (2, 1) to exchange rows and columns; the batch is not counted.",
            )

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, len(self.dims) + 1, f"the batch and the {len(self.dims)} that dims names")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.transpose(inputs, [0, *self.dims])

    def settings(self) -> dict[str, Any]:
        return {"dims": self.dims}


class RepeatVector(Layer):
    """x: [batch, features] -> [batch, n, features], n times the same row.

    Args:
        n: how many times.

    Raises:
        InvalidArgumentError: n is no positive whole number.
        ShapeError: when called, the input has another rank.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive(n, "RepeatVector needs a positive whole number of repetitions")

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 2, "[batch, features]")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.repeat(lk.expand_dims(inputs, 1), self.n, axis=1)

    def settings(self) -> dict[str, Any]:
        return {"n": self.n}
