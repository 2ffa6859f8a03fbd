"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, normal_axes
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import SHAPES, apply, known_rank
from labkit.ops.elementwise import exp
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import same_dtype
from labkit.ops.transpose import transpose

_SOURCE = "Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs, 1990"


def reference_log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _softmax_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    y = op.outputs[0]
    return [(g - reduce_sum(g * y, -1, keepdims=True)) * y]


def _log_softmax_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    return [g - exp(op.outputs[0]) * reduce_sum(g, -1, keepdims=True)]


def _softmax(name: str, kernel: str, gradient: Any, reference: Any, formula: str, doc: str) -> None:
    def shapes(c: OpContext) -> list[Dims]:
        if c.dims[0] == ():
            raise ShapeError("", rule="x has at least one dimension: the classes", received="()")
        return [c.dims[0]]

    register(
        OpDef(
            name=name,
            inputs=("x",),
            kernel=kernel,
            dtypes=same_dtype(dt.FLOATS),
            shapes=shapes,
            gradient=gradient,
            reference=reference,
            samples=lambda rng: [Sample([rng.normal(size=dims) * 3]) for dims in SHAPES if dims],
            formula=formula,
            source=_SOURCE,
            doc=doc,
        )
    )


_softmax(
    "Softmax",
    "softmax",
    _softmax_gradient,
    lambda x: np.exp(reference_log_softmax(x)),
    "y = e^x / Σ e^x",
    "e^x divided by its sum along the last dimension, without overflow for large x.",
)
_softmax(
    "LogSoftmax",
    "log_softmax",
    _log_softmax_gradient,
    reference_log_softmax,
    "y = x - log Σ e^x",
    "The logarithm of softmax along the last dimension, without overflow for large x.",
)


def last_axis(x: Tensor, axis: int) -> tuple[Tensor, list[int] | None]:
    """x with dimension `axis` last, and the order that puts it back; None where it was there.

    Raises:
        ShapeError: x has no such dimension, or its rank is unknown and the axis is not -1.
    """
    if axis == -1:
        return x, None
    rank = known_rank(x, "Softmax along another axis than the last")
    (place,) = normal_axes([axis], rank)
    if place == rank - 1:
        return x, None
    order = [i for i in range(rank) if i != place] + [place]
    return transpose(x, order), [order.index(i) for i in range(rank)]


def _along(type_name: str, logits: Any, axis: int, name: str | None) -> Tensor:
    x, back = last_axis(to_tensor(logits), axis)
    if back is None:
        return apply(type_name, [x], name=name)
    return transpose(apply(type_name, [x]), back, name)


def softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """Probabilities along an axis: e^logits divided by its sum. Shape and dtype as `logits`; floats.

    Raises:
        ShapeError: `logits` has no dimension, or no such axis.
    """
    return _along("Softmax", logits, axis, name)


def log_softmax(logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The logarithm of softmax along an axis, exact for large logits too."""
    return _along("LogSoftmax", logits, axis, name)
