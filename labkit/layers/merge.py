"""Layers that make one tensor of several."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import labkit as lk
from labkit.core.attr import whole
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.base import Layer, Shape


class Joined(Layer):
    """The base of layers of at least two inputs, which they are given in a list: layer([a, b])."""

    def require_several(self, input_shape: Any) -> list[Shape]:
        """The shapes of at least two inputs. Raises ShapeError when there are fewer."""
        shapes = list(input_shape) if isinstance(input_shape, list | tuple) else []
        if len(shapes) < 2 or not all(isinstance(shape, tuple) for shape in shapes):
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) combines at least two inputs",
                received=f"shape {show(input_shape)}" if isinstance(input_shape, tuple) else repr(input_shape),
                fix="Call it on a list of them: layer([a, b]).",
            )
        return shapes


class Merge(Joined):
    """The base of layers that combine inputs element by element.

    Inputs: at least two tensors [batch, ...] whose shapes are equal, or broadcast against each other as in NumPy: the
    batch apart, a dimension of 1 is repeated, and missing dimensions come after the batch. The output has their common
    shape. A subclass defines `combine`.

    Raises:
        ShapeError: when called, there are fewer inputs than two, or their shapes do not fit.
    """

    supports_masking = True

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        """One tensor of several that have the same rank."""
        raise NotImplementedError(f"{type(self).__name__} must define combine(inputs)")

    def check_input(self, input_shape: Any) -> None:
        shapes = self.require_several(input_shape)
        rank = max(map(len, shapes))
        for axis in range(1, rank):
            sizes = {shape[axis - rank] for shape in shapes if len(shape) > rank - axis} - {None, 1}
            if len(sizes) > 1:
                raise ShapeError(
                    f"Layer {self.name!r} ({type(self).__name__}) cannot combine its inputs",
                    rule="Their shapes are equal, or broadcast as in NumPy, the batch apart",
                    received=f"shapes {', '.join(map(show, shapes))}",
                    fix="Bring them to one size, with lk.layers.Dense for example, or use lk.layers.Concatenate.",
                )

    def call(self, inputs: Any, training: bool = False) -> lk.Tensor:
        return self.combine(_of_one_rank(inputs))


def _of_one_rank(inputs: Sequence[lk.Tensor]) -> list[lk.Tensor]:
    """The inputs, with dimensions of 1 after the batch where others have more."""
    ranks = [len(tensor.shape.as_list()) for tensor in inputs]
    widened = []
    for tensor, rank in zip(inputs, ranks, strict=True):
        for _ in range(max(ranks) - rank):
            tensor = lk.expand_dims(tensor, 1)
        widened.append(tensor)
    return widened


class Add(Merge):
    """The inputs' sum. Shapes and errors as of `Merge`."""

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        return functools.reduce(lambda a, b: a + b, inputs)


class Subtract(Merge):
    """The first input less the second. Shapes and errors as of `Merge`; there are exactly two inputs."""

    def check_input(self, input_shape: Any) -> None:
        super().check_input(input_shape)
        if len(input_shape) != 2:
            raise ShapeError(
                f"Layer {self.name!r} (Subtract) takes exactly two inputs", received=f"{len(input_shape)} inputs"
            )

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        return inputs[0] - inputs[1]


class Multiply(Merge):
    """The inputs' product, element by element. Shapes and errors as of `Merge`."""

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        return functools.reduce(lambda a, b: a * b, inputs)


class Average(Merge):
    """The inputs' mean. Shapes and errors as of `Merge`."""

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        return functools.reduce(lambda a, b: a + b, inputs) / float(len(inputs))


class Maximum(Merge):
    """The largest of the inputs, element by element. Shapes and errors as of `Merge`."""

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        return functools.reduce(lk.maximum, inputs)


class Minimum(Merge):
    """The smallest of the inputs, element by element. Shapes and errors as of `Merge`."""

    def combine(self, inputs: Sequence[lk.Tensor]) -> lk.Tensor:
        return functools.reduce(lk.minimum, inputs)


class Concatenate(Joined):
    """The inputs one after the other along one dimension.

    Inputs: at least two tensors whose shapes are equal but for that dimension. Output: that shape, with the sum of their
    sizes there.

    Args:
        axis: the dimension; not the batch, 0.

    Raises:
        InvalidArgumentError: the axis is no whole number, or 0.
        ShapeError: when called, the shapes do not fit.
    """

    supports_masking = True

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _inner("Concatenate", axis)

    def check_input(self, input_shape: Any) -> None:
        shapes = self.require_several(input_shape)
        rank = len(shapes[0])
        fits = all(len(shape) == rank for shape in shapes) and -rank < self.axis < rank
        for axis in range(1, rank) if fits else ():
            sizes = {shape[axis] for shape in shapes} - {None}
            fits = fits and (len(sizes) < 2 or axis == self.axis % rank)
        if not fits:
            raise ShapeError(
                f"Layer {self.name!r} (Concatenate) cannot join its inputs along axis={self.axis}",
                rule="Their shapes are equal but for that dimension, which is one of an example's",
                received=f"shapes {', '.join(map(show, shapes))}",
                fix="Flatten them first, or choose another axis.",
            )

    def call(self, inputs: Any, training: bool = False) -> lk.Tensor:
        return lk.concat(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        """No mask where steps are joined; along another dimension that of the first input that has one."""
        return None if self.axis % _rank(inputs[0]) == 1 else super().compute_mask(inputs, mask)

    def settings(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Dot(Joined):
    """The product of two inputs, summed along one dimension of each: z = Σ_k x[..., k, ...] y[..., k, ...], example by example.

    Inputs: two tensors [batch, ...] of rank 2 or 3 whose sizes along the axes are equal. Output: [batch, the other dimensions
    of x, the other dimensions of y]; [batch, 1] for two vectors.

    Args:
        axes: the dimension of both, or (of x, of y); not the batch, 0.
        normalize: whether both are scaled to Euclidean norm 1 along it first, which makes the result the cosine of the
            angle between them.

    Raises:
        InvalidArgumentError: an axis is no whole number, or 0.
        ShapeError: when called, the shapes do not fit.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = tuple(axes) if isinstance(axes, list | tuple) else (axes, axes)
        if len(pair) != 2:
            raise InvalidArgumentError("Dot's axes are one whole number, or two", received=repr(axes))
        self.axes = tuple(_inner("Dot", axis) for axis in pair)
        self.normalize = bool(normalize)

    def check_input(self, input_shape: Any) -> None:
        shapes = self.require_several(input_shape)
        fits = len(shapes) == 2 and all(
            len(shape) in (2, 3) and -len(shape) < axis < len(shape)
            for shape, axis in zip(shapes, self.axes, strict=False)
        )
        if fits:
            a, b = (shape[axis] for shape, axis in zip(shapes, self.axes, strict=True))
            fits = a is None or b is None or a == b
        if not fits:
            raise ShapeError(
                f"Layer {self.name!r} (Dot) cannot multiply its inputs along axes={self.axes}",
                rule="Two inputs of rank 2 or 3 have the same size along these axes",
                received=f"shapes {', '.join(map(show, shapes))}",
            )

    def call(self, inputs: Any, training: bool = False) -> lk.Tensor:
        left, right = inputs
        axes = [axis % len(x.shape.as_list()) for x, axis in zip(inputs, self.axes, strict=True)]
        if self.normalize:
            left, right = (lk.nn.l2_normalize(x, axis) for x, axis in zip(inputs, axes, strict=True))
        rows = left if axes[0] == 2 or _rank(left) == 2 else lk.transpose(left, [0, 2, 1])
        columns = right if axes[1] == 1 else lk.transpose(right, [0, 2, 1])
        if _rank(left) == 2:
            rows = lk.expand_dims(rows, 1)
        if _rank(right) == 2:
            columns = lk.expand_dims(columns, 2)
        product = lk.matmul(rows, columns)
        if _rank(left) == 2:
            return lk.squeeze(product, [1])
        return lk.squeeze(product, [2]) if _rank(right) == 2 else product

    def settings(self) -> dict[str, Any]:
        return {"axes": self.axes, "normalize": self.normalize}


def _rank(tensor: lk.Tensor) -> int:
    return len(tensor.shape.as_list())


def _inner(layer: str, axis: Any) -> int:
    """A dimension of an example. Raises InvalidArgumentError for anything else."""
    try:
        found = whole(axis)
    except (TypeError, OverflowError):
        found = 0
    if not found:
        raise InvalidArgumentError(
            f"{layer}'s axis is a whole number, and not the batch, 0",
            received=repr(axis),
            fix="-1 is the last dimension.",
        )
    return found
