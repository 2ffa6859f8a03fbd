"""Keeping values, and norms of gradients, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, show
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.add_n import add_n
from labkit.ops.broadcast import fits
from labkit.ops.build import apply, list_of, scoped
from labkit.ops.elementwise import maximum
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import same_dtype


def _clip_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x, low, high = op.inputs
    below = _number(apply("Less", [x, low]), g)
    above = _number(apply("Greater", [maximum(x, low), high]), g)
    return [g * (1 - below) * (1 - above), g * below * (1 - above), g * above]


def _number(truth: Tensor, like: Tensor) -> Tensor:
    return apply("Cast", [truth], {"dtype": like.dtype})


def _clip_shape(c: OpContext) -> list[Dims]:
    for bound in c.dims[1:]:
        if not fits(bound, c.dims[0]):
            raise ShapeError(
                "",
                rule="Each bound can be broadcast to the shape of x",
                received=f"bounds {show(c.dims[1])} and {show(c.dims[2])} for {show(c.dims[0])}",
            )
    return [c.dims[0]]


def _clip_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = (
        ((), (), ()),
        ((17,), (), ()),
        ((3, 33), (33,), ()),
        ((3, 7), (), (3, 1)),
        ((2, 3, 5), (3, 1), (5,)),
        ((33,), (33,), (33,)),
        ((0, 3), (3,), ()),
    )
    # Sums of 3 and quarters: bounds are whole numbers and halves, which keeps differences away from the kinks.
    return [
        Sample(
            [
                rng.integers(0, 10, x) + rng.choice([0.25, 0.75], x),
                rng.integers(1, 4, low).astype(float),
                rng.integers(5, 8, high) + 0.5,
            ]
        )
        for x, low, high in shapes
    ]


register(
    OpDef(
        name="ClipByValue",
        inputs=("x", "low", "high"),
        kernel="clip",
        dtypes=same_dtype(dt.NUMBERS),
        shapes=_clip_shape,
        gradient=_clip_gradient,
        reference=lambda x, low, high: np.minimum(np.maximum(x, low), high),
        samples=_clip_samples,
        formula="y = min(max(x, low), high)",
        doc="x kept within bounds, which are broadcast to its shape; a NaN stays one. Where x is within the bounds the "
        "gradient goes to x, elsewhere to the bound that took its place.",
    )
)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """t kept from clip_value_min to clip_value_max, numbers or tensors that can be broadcast to t; a NaN stays one.

    Any dtype but bool.

    Raises:
        DTypeError: the dtypes differ.
        ShapeError: a bound cannot be broadcast to t.
    """
    return apply("ClipByValue", list(to_tensors(t, clip_value_min, clip_value_max)), name=name or "clip_by_value")


def _root(squares: Tensor) -> Tensor:
    """The square root, whose gradient at 0 is 0."""
    present = _number(apply("NotEqual", list(to_tensors(squares, 0))), squares)
    return apply("Sqrt", [squares + (1 - present)]) * present


@scoped("clip_by_norm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """t, scaled down to an L2 norm of clip_norm where its norm is larger: t clip_norm / max(|t|, clip_norm).

    Args:
        t: floats of any shape.
        clip_norm: a positive number, or a tensor that can be broadcast to t.
        axes: the dimensions that a norm is taken over; all of them by default.

    Raises:
        DTypeError: t is not of floats, or clip_norm of another dtype.
        ShapeError: an axis is out of range.
    """
    x, bound = to_tensors(t, clip_norm)
    norm = _root(reduce_sum(apply("Square", [x]), axes, keepdims=True))
    return apply("RealDiv", [x * bound, maximum(norm, bound)], name=name)


@scoped("global_norm")
def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The L2 norm of all the numbers in a list of tensors: √(Σ |t|²). Entries that are None are left out.

    The rows of an embedding's gradient (IndexedSlices) count one by one.

    Raises:
        InvalidArgumentError: there is no tensor in the list.
        DTypeError: they are not floats of one dtype.
    """
    squares = [reduce_sum(apply("Square", [_rows(t)])) for t in list_of(t_list, "lk.global_norm") if t is not None]
    if not squares:
        raise InvalidArgumentError(
            "global_norm() got no tensor",
            rule="A norm is that of one tensor or more; None is left out",
            received=repr(list(t_list)),
        )
    return apply("Identity", [_root(add_n(squares))], name=name)


def _rows(t: Any) -> Tensor:
    return t.values if isinstance(t, IndexedSlices) else to_tensor(t)


@scoped("clip_by_global_norm")
def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """Scales tensors down together, so that their global norm is clip_norm at most.

    Each t becomes t clip_norm / max(global norm, clip_norm). When the global norm is infinite or NaN, all become NaN.
    (Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013, algorithm 1.)

    Args:
        t_list: tensors or IndexedSlices; entries that are None stay None.
        clip_norm: a positive number, or a tensor of no dimensions.
        use_norm: the global norm, when it is known already.

    Returns:
        The scaled tensors, as a list, and their global norm before scaling.

    Raises:
        InvalidArgumentError: there is no tensor in the list.
        DTypeError: they are not floats of one dtype.
    """
    t_list = list_of(t_list, "lk.clip_by_global_norm")
    norm, bound = to_tensors(global_norm(t_list) if use_norm is None else use_norm, clip_norm)
    scale = bound / maximum(norm, bound) + (norm - norm)
    clipped: list[Any] = []
    for t in t_list:
        if isinstance(t, IndexedSlices):
            clipped.append(IndexedSlices(t.values * scale, t.indices, t.dense_shape, t.dims))
        else:
            clipped.append(None if t is None else apply("Mul", [to_tensor(t), scale]))
    return clipped, norm
