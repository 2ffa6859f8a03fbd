"""Cross-entropy of the logistic function: every number is a yes or no of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import ones_like
from labkit.ops.build import SHAPES, apply, scoped
from labkit.ops.compare import cast
from labkit.ops.elementwise import sigmoid
from labkit.ops.rules import same_dtype


def _shapes(c: OpContext) -> list[Dims]:
    logits, labels = c.dims
    if not compatible(logits, labels):
        raise ShapeError("", rule="Labels have the logits' shape", received=f"{show(logits)} and {show(labels)}")
    return [merge(logits, labels)]


register(
    OpDef(
        name="SigmoidCrossEntropyWithLogits",
        inputs=("logits", "labels"),
        outputs=("loss",),
        kernel="sigmoid_cross_entropy",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_shapes,
        gradient=lambda op, g: [g * (sigmoid(op.inputs[0]) - op.inputs[1]), -(g * op.inputs[0])],
        reference=lambda x, z: np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x))),
        samples=lambda rng: [
            *[Sample([np.asarray(rng.normal(size=n) * 3), np.asarray(rng.uniform(size=n))]) for n in SHAPES],
            Sample([np.array([-90.0, -20.0, 20.0, 90.0]), np.array([0.0, 0.0, 1.0, 1.0])]),
        ],
        formula="loss = max(x, 0) - x z + log(1 + e^-|x|) for logits x and labels z",
        doc="-z log(sigmoid(x)) - (1 - z) log(1 - sigmoid(x)) for logits x and labels z, in a form that neither overflows nor "
        "loses small losses.",
    )
)


def sigmoid_cross_entropy_with_logits(*, labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """-labels log(sigmoid(logits)) - (1 - labels) log(1 - sigmoid(logits)), element by element.

    Args:
        labels: the logits' shape, usually numbers from 0 to 1; cast to the logits' dtype.
        logits: float32 or float64.

    Raises:
        ShapeError: the labels have another shape.
    """
    scores = to_tensor(logits)
    return apply(
        "SigmoidCrossEntropyWithLogits", [scores, cast(to_tensor(labels), scores.dtype)], name=name or "logistic_loss"
    )


@scoped("logistic_loss")
def weighted_cross_entropy_with_logits(*, labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Tensor:
    """-pos_weight labels log(sigmoid(logits)) - (1 - labels) log(1 - sigmoid(logits)), element by element.

    A weight above 1 makes missed positives dearer (more recall), one below 1 false ones (more precision).

    Args:
        labels: the logits' shape; cast to the logits' dtype.
        logits: float32 or float64.
        pos_weight: a number, or a tensor that broadcasts to the logits' shape.
    """
    scores = to_tensor(logits)
    wanted, weight = cast(to_tensor(labels), scores.dtype), to_tensor(pos_weight, scores.dtype)
    # with softplus(-x) = -log(sigmoid(x)), the loss of a label of 1
    softplus = apply("SigmoidCrossEntropyWithLogits", [scores, ones_like(scores)])
    return apply("Add", [(1 - wanted) * scores, (1 + (weight - 1) * wanted) * softplus], name=name)
