"""Operations of neural networks that are more than arithmetic: bias, softmax, cross-entropy, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.graph import Operation
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, need_rank, register, same_dtype
from labkit.core.shapes import Dims, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.ops.build import SHAPES, apply, same_shape
from labkit.ops.compare import cast
from labkit.ops.conv import conv2d
from labkit.ops.elementwise import exp, relu, sigmoid, tanh
from labkit.ops.pool import max_pool
from labkit.ops.random import stream_attrs
from labkit.ops.reduce import reduce_sum

__all__ = [
    "bias_add",
    "conv2d",
    "dropout",
    "log_softmax",
    "max_pool",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "tanh",
]


# --- bias ---


def _bias_shape(c: OpContext) -> list[Dims]:
    (channels,) = need_rank(c, 1, 1, "A bias")
    dims = c.dims[0]
    if dims is None:
        return [None]
    if not dims or (dims[-1] is not None and channels is not None and dims[-1] != channels):
        raise ShapeError(
            "",
            rule="The bias has one number for each channel, the last dimension of x",
            received=f"{show(dims)} and {show(c.dims[1])}",
        )
    return [(*dims[:-1], channels if dims[-1] is None else dims[-1])]


def _channels(c: OpContext) -> list[Dims]:
    if c.dims[0] == ():
        raise ShapeError("", rule="x has at least one dimension: the channels", received="()")
    return [None if c.dims[0] is None else c.dims[0][-1:]]


register(
    OpDef(
        name="BiasAdd",
        inputs=("x", "bias"),
        kernel="bias_add",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_bias_shape,
        gradient=lambda op, g: [g, apply("BiasAddGrad", [g])],
        reference=lambda x, bias: x + bias,
        samples=lambda rng: [
            Sample([rng.normal(size=dims), rng.normal(size=dims[-1:])]) for dims in ((3,), (5, 17), (2, 3, 4, 16))
        ],
        doc="x with one number added to each channel, the last dimension.",
    )
)
register(
    OpDef(
        name="BiasAddGrad",
        inputs=("gradient",),
        outputs=("dbias",),
        kernel="reduce_sum",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_channels,
        lower=lambda c: (list(range(len(c.dims[0] or ()) - 1)), ()),
        gradient=lambda op, g: [g + 0 * op.inputs[0]],
        reference=lambda g: g.reshape(-1, g.shape[-1]).sum(axis=0),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((5, 17), (2, 3, 4, 16))],
        doc="The gradient of BiasAdd with respect to the bias: the arriving gradient summed over all but the channels.",
    )
)


def bias_add(x: Any, bias: Any, name: str | None = None) -> Tensor:
    """x with one number added to each channel.

    Args:
        x: shape (..., channels); float32 or float64.
        bias: shape (channels,), of x's dtype.

    Raises:
        ShapeError: the bias has another number of channels.
    """
    return apply("BiasAdd", to_tensors(x, bias), name=name)


# --- softmax ---


def _reference_log_softmax(x: np.ndarray) -> np.ndarray:
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
    lambda x: np.exp(_reference_log_softmax(x)),
    "e^x divided by its sum along the last dimension, without overflow for large x.",
)
_softmax(
    "LogSoftmax",
    "log_softmax",
    _log_softmax_gradient,
    _reference_log_softmax,
    "The logarithm of softmax along the last dimension, without overflow for large x.",
)


def softmax(logits: Any, name: str | None = None) -> Tensor:
    """Probabilities along the last dimension: e^logits divided by its sum. Shape and dtype as `logits`; floats."""
    return apply("Softmax", [to_tensor(logits)], name=name)


def log_softmax(logits: Any, name: str | None = None) -> Tensor:
    """The logarithm of softmax, exact for large logits too."""
    return apply("LogSoftmax", [to_tensor(logits)], name=name)


# --- cross-entropy: the kernels give the loss and its derivative in one pass ---


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


def _sparse_shapes(c: OpContext) -> list[Dims]:
    n, classes = need_rank(c, 0, 2, "A batch of logits (batch, classes)")
    (m,) = need_rank(c, 1, 1, "A batch of labels (batch,)")
    if n is not None and m is not None and n != m:
        received = f"{show(c.dims[0])} and {show(c.dims[1])}"
        raise ShapeError("", rule="There is one label for each row of logits", received=received)
    if classes == 0:
        raise ShapeError("", rule="There is at least one class", received=show(c.dims[0]))
    rows = m if n is None else n
    return [(rows,), (rows, classes)]


def _reference_sparse(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one_hot = np.eye(logits.shape[1])[np.asarray(labels, int)]
    return _reference_dense(logits, one_hot)


def _reference_dense(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    log_p = _reference_log_softmax(logits)
    loss = -(labels * log_p).sum(axis=-1)
    return loss, np.exp(log_p) * labels.sum(axis=-1, keepdims=True) - labels


def _dense_shapes(c: OpContext) -> list[Dims]:
    logits, labels = need_rank(c, 0, 2, "A batch of logits (batch, classes)"), need_rank(c, 1, 2, "A batch of labels")
    for a, b in zip(logits, labels, strict=True):
        if a is not None and b is not None and a != b:
            raise ShapeError(
                "", rule="Labels have the logits' shape", received=f"{show(c.dims[0])} and {show(c.dims[1])}"
            )
    both = merge(logits, labels)
    assert both is not None
    return [both[:1], both]


def _draw_labels(rng: np.random.Generator, n: int, classes: int) -> np.ndarray:
    return rng.dirichlet(np.ones(classes), size=n)


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
            Sample([rng.normal(size=(n, k)) * 3, rng.integers(0, k, size=n)]) for n, k in ((1, 2), (5, 10), (3, 17))
        ],
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
            Sample([rng.normal(size=(n, k)) * 3, _draw_labels(rng, n, k)]) for n, k in ((1, 2), (5, 10), (3, 17))
        ],
        doc="-sum of labels times log softmax(logits) for each row, and its derivative, in one pass.",
    )
)


def sparse_softmax_cross_entropy_with_logits(*, labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """-log softmax(logits) at each label.

    Args:
        labels: int32 or int64, shape (batch,), each from 0 to classes - 1 (checked when run).
        logits: float32 or float64, shape (batch, classes).

    Returns:
        Shape (batch,), of the logits' dtype.

    Raises:
        ShapeError, DTypeError: shapes or dtypes do not fit.
    """
    scores = to_tensor(logits)
    classes = to_tensor(labels)
    if classes.dtype is dt.uint8:
        classes = cast(classes, dt.int32)
    return apply("SparseSoftmaxCrossEntropyWithLogits", [scores, classes], name=name)


def softmax_cross_entropy_with_logits(*, labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """-sum of labels times log softmax(logits) for each row.

    Args:
        labels: shape (batch, classes), usually rows that sum to 1; cast to the logits' dtype.
        logits: float32 or float64, shape (batch, classes).

    Returns:
        Shape (batch,), of the logits' dtype.
    """
    scores = to_tensor(logits)
    return apply("SoftmaxCrossEntropyWithLogits", [scores, cast(to_tensor(labels), scores.dtype)], name=name)


# --- dropout ---

register(
    OpDef(
        name="Dropout",
        inputs=("x",),
        kernel="dropout",
        random=True,
        dtypes=same_dtype(dt.FLOATS),
        shapes=same_shape,
        attrs={"rate": Attr("float", low=0.0, high=1.0), "key": Attr("int"), "counter": Attr("str")},
        lower=lambda c: ([c.attrs["key"]], [c.attrs["rate"]]),
        gradient=lambda op, g: [apply("Dropout", [g], op.attrs)],
        doc="x with a share `rate` of its numbers set to 0 and the others divided by 1 - rate (Srivastava et al. 2014). The "
        "mask follows from key, counter and place alone, so the gradient draws the same mask again.",
    )
)


def dropout(x: Any, rate: float, seed: int | None = None, name: str | None = None) -> Tensor:
    """x with a share `rate` of its numbers set to 0 and the others divided by 1 - rate; a new mask every run.

    Args:
        rate: the share that is dropped, from 0 on and below 1. 0 gives x itself.
        seed: makes two operations of the same seed draw the same masks.

    Raises:
        InvalidArgumentError: the rate is not in [0, 1).
    """
    tensor = to_tensor(x)
    if not isinstance(rate, int | float | np.number) or not 0 <= rate < 1:
        raise InvalidArgumentError("dropout's rate is not allowed", rule="From 0 on and below 1", received=repr(rate))
    if rate == 0:
        return tensor
    return apply(
        "Dropout", [tensor], {"rate": rate, **stream_attrs(tensor.graph, "dropout", name, seed)}, name or "dropout"
    )
