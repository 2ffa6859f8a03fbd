"""Cross-entropy of softmax: the kernels give the loss and its derivative in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.build import apply, scoped
from labkit.ops.compare import cast
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import same_dtype
from labkit.ops.softmax import last_axis, log_softmax, reference_log_softmax, softmax


def _times_backprop(op: Operation, g: Tensor | None, g_backprop: Tensor | None) -> list[Tensor | None]:
    # loss = -sum(labels log p), backprop = p sum(labels) - labels; sparse labels sum to 1.
    logits, labels = op.inputs
    dense = op.type == "SoftmaxCrossEntropyWithLogits"
    dlogits: list[Tensor] = []
    dlabels: list[Tensor] = []
    if g is not None:
        rows = apply("ExpandDims", [g], {"axes": (-1,)})
        dlogits.append(rows * op.outputs[1])
        if dense:
            dlabels.append(-(rows * log_softmax(logits)))
    if g_backprop is not None:
        p = softmax(logits)
        along = reduce_sum(g_backprop * p, -1, keepdims=True)
        term = (g_backprop - along) * p
        dlogits.append(term * reduce_sum(labels, -1, keepdims=True) if dense else term)
        if dense:
            dlabels.append(along - g_backprop)
    return [sum(terms[1:], terms[0]) if terms else None for terms in (dlogits, dlabels)]


def _sparse_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    if inputs[0] not in dt.FLOATS or inputs[1] not in dt.INTS:
        raise DTypeError(
            "",
            rule="Logits are float32 or float64, labels int32 or int64",
            received=", ".join(d.name for d in inputs),
            fix="Convert the labels with lk.cast(labels, lk.int32).",
        )
    return [inputs[0], inputs[0]]


def _rows(c: OpContext, labels: Dims) -> list[Dims]:
    """The shapes of the losses and of the derivative, from the labels' shape without classes."""
    logits = c.dims[0]
    received = f"{show(c.dims[0])} and {show(c.dims[1])}"
    if logits == ():
        raise ShapeError("", rule="Logits have at least one dimension: the classes", received=received)
    if not compatible(None if logits is None else logits[:-1], labels):
        raise ShapeError("", rule="There is one label for each row of logits", received=received)
    rows = merge(None if logits is None else logits[:-1], labels)
    return [rows, None if rows is None else (*rows, None if logits is None else logits[-1])]


def _sparse_shapes(c: OpContext) -> list[Dims]:
    shapes = _rows(c, c.dims[1])
    if shapes[1] is not None and shapes[1][-1] == 0:
        raise ShapeError("", rule="There is at least one class", received=show(c.dims[0]))
    return shapes


def _reference_sparse(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one_hot = np.eye(logits.shape[-1])[np.asarray(labels, int)]
    return _reference_dense(logits, one_hot)


def _reference_dense(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    log_p = reference_log_softmax(logits)
    loss = -(labels * log_p).sum(axis=-1)
    return loss, np.exp(log_p) * labels.sum(axis=-1, keepdims=True) - labels


def _dense_shapes(c: OpContext) -> list[Dims]:
    logits, labels = c.dims
    if not compatible(logits, labels):
        raise ShapeError("", rule="Labels have the logits' shape", received=f"{show(logits)} and {show(labels)}")
    both = merge(logits, labels)
    return [_rows(OpContext([both, both], c.dtypes, c.attrs), None if not both else both[:-1])[0], both]


_SHAPES = ((1, 2), (5, 10), (3, 17), (4,), (2, 3, 5))


register(
    OpDef(
        name="SparseSoftmaxCrossEntropyWithLogits",
        inputs=("logits", "labels"),
        outputs=("loss", "backprop"),
        kernel="sparse_softmax_cross_entropy",
        dtypes=_sparse_dtypes,
        shapes=_sparse_shapes,
        gradient=_times_backprop,
        reference=_reference_sparse,
        samples=lambda rng: [
            Sample([rng.normal(size=dims) * 3, np.asarray(rng.integers(0, dims[-1], size=dims[:-1]))])
            for dims in _SHAPES
        ],
        formula="loss = -log softmax(logits)[label], backprop = softmax(logits) - one-hot(label)",
        doc="-log softmax(logits) at the label of each row, and its derivative softmax - one-hot(label), in one pass.",
    )
)
register(
    OpDef(
        name="SoftmaxCrossEntropyWithLogits",
        inputs=("logits", "labels"),
        outputs=("loss", "backprop"),
        kernel="softmax_cross_entropy",
        dtypes=lambda i, a: [same_dtype(dt.FLOATS)(i, a)[0]] * 2,
        shapes=_dense_shapes,
        gradient=_times_backprop,
        reference=_reference_dense,
        samples=lambda rng: [
            Sample([rng.normal(size=dims) * 3, rng.dirichlet(np.ones(dims[-1]), size=dims[:-1])]) for dims in _SHAPES
        ],
        formula="loss = -sum(labels log softmax(logits)), backprop = softmax(logits) sum(labels) - labels",
        doc="-sum of labels times log softmax(logits) for each row, and its derivative, in one pass.",
    )
)


@scoped("SparseSoftmaxCrossEntropyWithLogits")
def sparse_softmax_cross_entropy_with_logits(*, labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """-log softmax(logits) at each label.

    Args:
        labels: int32, int64 or uint8, shape (...), each from 0 to classes - 1 (checked when run).
        logits: float32 or float64, shape (..., classes).

    Returns:
        Shape (...), of the logits' dtype.

    Raises:
        ShapeError, DTypeError: shapes or dtypes do not fit.
    """
    scores = to_tensor(logits)
    classes = to_tensor(labels)
    if classes.dtype is dt.uint8:
        classes = cast(classes, dt.int32)
    return apply("SparseSoftmaxCrossEntropyWithLogits", [scores, classes])


@scoped("softmax_cross_entropy_with_logits")
def softmax_cross_entropy_with_logits(*, labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """-sum of labels times log softmax(logits) along an axis.

    Args:
        labels: the logits' shape, usually probabilities that sum to 1 along the axis; cast to the logits' dtype.
        logits: float32 or float64, shape (..., classes) where the axis is the last one.
        axis: the classes.

    Returns:
        The logits' shape without the axis, of their dtype. Gradients flow to the labels, too.

    Raises:
        ShapeError: the labels have another shape, or there is no such axis.
    """
    scores = to_tensor(logits)
    wanted = cast(to_tensor(labels), scores.dtype)
    inputs = [last_axis(t, axis)[0] for t in (scores, wanted)]
    return apply("SoftmaxCrossEntropyWithLogits", inputs, name="Reshape_2")
