"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import Operation
from labkit.core.opdef import OpContext, OpDef, Sample, register, same_dtype
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import SHAPES, apply
from labkit.ops.elementwise import exp
from labkit.ops.reduce import reduce_sum


def reference_log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _softmax_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    y = op.outputs[0]
    return [(g - reduce_sum(g * y, -1, keepdims=True)) * y]


def _log_softmax_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    return [g - exp(op.outputs[0]) * reduce_sum(g, -1, keepdims=True)]


def _softmax(name: str, kernel: str, gradient: Any, reference: Any, doc: str) -> None:
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
            doc=doc,
        )
    )


_softmax(
    "Softmax",
    "softmax",
    _softmax_gradient,
    lambda x: np.exp(reference_log_softmax(x)),
    "e^x divided by its sum along the last dimension, without overflow for large x.",
)
_softmax(
    "LogSoftmax",
    "log_softmax",
    _log_softmax_gradient,
    reference_log_softmax,
    "The logarithm of softmax along the last dimension, without overflow for large x.",
)


def softmax(logits: Any, name: str | None = None) -> Tensor:
    """Probabilities along the last dimension: e^logits divided by its sum. Shape and dtype as `logits`; floats."""
    return apply("Softmax", [to_tensor(logits)], name=name)


def log_softmax(logits: Any, name: str | None = None) -> Tensor:
    """The logarithm of softmax, exact for large logits too."""
    return apply("LogSoftmax", [to_tensor(logits)], name=name)
