"""labkit's side of single kernels: a graph of one operation, stepped natively, so that Python is no part of the time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from labkit_side import version  # noqa: F401 - a part of what a side answers

import labkit as lk

CALL_SECONDS = 0.01  # of one native call, about


class Inputs:
    """Placeholders with arrays of random numbers to feed them.

    Attributes:
        feeds: placeholder -> array.
    """

    def __init__(self) -> None:
        self.feeds: dict[lk.Tensor, np.ndarray] = {}
        self._rng = np.random.default_rng(0)

    def __call__(self, *shape: int) -> lk.Tensor:
        """float32, uniform from -1 to 1."""
        return self._of(self._rng.random(shape, dtype=np.float32) * 2 - 1)

    def positive(self, count: int) -> lk.Tensor:
        """float32 [count], uniform from 0 to 1."""
        return self._of(self._rng.random(count, dtype=np.float32))

    def places(self, count: int, below: int) -> lk.Tensor:
        """int64 [count]."""
        return self._of(self._rng.integers(0, below, count))

    def _of(self, array: np.ndarray) -> lk.Tensor:
        tensor = lk.placeholder(array.dtype.name, array.shape)
        self.feeds[tensor] = array
        return tensor


def variants(kernel: dict[str, Any]) -> list[str]:
    return ["stepped"]


def prepare(kernel: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that runs the operation some times, and how many times that is."""
    lk.set_num_threads(threads)
    session, fetches, feeds = _session(kernel)

    def run(steps: int) -> float:
        began = time.perf_counter()
        session.run(fetches, feeds, steps=steps)
        return time.perf_counter() - began

    steps = 1
    run(steps)
    while (took := run(steps)) < CALL_SECONDS / 4:
        steps *= 4
    steps = max(1, round(steps * CALL_SECONDS / took))
    return lambda: session.run(fetches, feeds, steps=steps), steps


def plan(kernel: dict[str, Any]) -> str:
    """What is run, as `lk.explain_plan` tells it."""
    session, fetches, feeds = _session(kernel)
    return lk.explain_plan(fetches, feeds, session=session)


def _session(kernel: dict[str, Any]) -> tuple[lk.Session, list[Any], dict[lk.Tensor, np.ndarray]]:
    with lk.Graph().as_default() as graph:
        inputs = Inputs()
        made = globals()[kernel["operation"]](inputs, **kernel["sizes"])
        # Operations are fetched, not their tensors: results stay where the plan has them.
        fetches = [x if isinstance(x, lk.Operation) else x.op for x in (made if isinstance(made, list) else [made])]
        initializer = lk.global_variables_initializer()
    session = lk.Session(graph)
    session.run(initializer)
    return session, fetches, inputs.feeds


def matmul(make: Inputs, m: int, n: int, k: int, a: str, b: str) -> Any:
    left, right = make(*((k, m) if a == "t" else (m, k))), make(*((n, k) if b == "t" else (k, n)))
    return lk.matmul(left, right, transpose_a=a == "t", transpose_b=b == "t")


def dense(make: Inputs, m: int, n: int, k: int) -> Any:
    return lk.nn.relu(lk.nn.bias_add(lk.matmul(make(m, k), make(k, n)), make(n)))


def conv(
    make: Inputs,
    batch: int,
    size: int,
    channels: int,
    filters: int,
    kernel: int,
    stride: int,
    dilation: int,
    groups: int,
    which: str,
) -> Any:
    """`which`: what is computed: "forward", or the gradient of the "input" or the "filter"; "fused": with bias and relu."""
    x, w = make(batch, size, size, channels), make(kernel, kernel, channels // groups, filters)
    y = lk.nn.conv2d(x, w, [1, stride, stride, 1], "SAME", dilations=[1, dilation, dilation, 1], groups=groups)
    if which == "fused":
        return lk.nn.relu(lk.nn.bias_add(y, make(filters)))
    return _pass(make, y, {"input": x, "filter": w}, which)


def depthwise(make: Inputs, batch: int, size: int, channels: int, kernel: int, which: str) -> Any:
    x, w = make(batch, size, size, channels), make(kernel, kernel, channels, 1)
    return _pass(make, lk.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), {"input": x, "filter": w}, which)


def _pass(make: Inputs, y: lk.Tensor, arguments: dict[str, lk.Tensor], which: str) -> Any:
    """`which`: "forward", "both" (that and the gradients by all arguments), or the gradient by the argument of that name."""
    if which == "forward":
        return y
    wanted = list(arguments.values()) if which == "both" else [arguments[which]]
    gradients = lk.gradients(y, wanted, grad_ys=make(*y.dims))
    return [y, *gradients] if which == "both" else gradients


def max_pool(make: Inputs, batch: int, size: int, channels: int, which: str) -> Any:
    x = make(batch, size, size, channels)
    return _pass(make, lk.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), {"input": x}, which)


def avg_pool(make: Inputs, batch: int, size: int, channels: int, which: str) -> Any:
    x = make(batch, size, size, channels)
    return _pass(make, lk.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), {"input": x}, which)


def cross_entropy(make: Inputs, rows: int, classes: int) -> Any:
    """The mean loss and its gradient by the logits, as a training step needs them."""
    logits = make(rows, classes)
    losses = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=make.places(rows, classes), logits=logits)
    loss = lk.reduce_mean(losses)
    return [loss, *lk.gradients(loss, [logits])]


def softmax(make: Inputs, rows: int, classes: int) -> Any:
    return lk.nn.softmax(make(rows, classes))


def batch_norm(make: Inputs, shape: Sequence[int], which: str) -> Any:
    x, scale, offset = make(*shape), make(shape[-1]), make(shape[-1])
    y, _, _ = lk.nn.fused_batch_norm(x, scale, offset)
    return _pass(make, y, {"x": x, "scale": scale, "offset": offset}, which)


def layer_norm(make: Inputs, rows: int, width: int, which: str) -> Any:
    x, scale, offset = make(rows, width), make(width), make(width)
    y = lk.nn.layer_normalization(x, scale, offset)
    return _pass(make, y, {"x": x, "scale": scale, "offset": offset}, which)


def recurrent(make: Inputs, kind: str, batch: int, steps: int, features: int, units: int, which: str) -> Any:
    """A layer of all its steps."""
    gates = {"lstm": 4, "gru": 3}[kind]
    x, kernel, matrix = make(batch, steps, features), make(features, gates * units), make(units, gates * units)
    weights = [kernel, matrix, *(make(gates * units) for _ in range(1 + (kind == "gru")))]
    y, _ = getattr(lk.nn, kind)(x, *weights)
    return _pass(make, y, {"x": x, **{str(i): weight for i, weight in enumerate(weights)}}, which)


def rotation(make: Inputs, batch: int, size: int, channels: int, which: str) -> Any:
    """Each image by its own angle, between its pixels."""
    x = make(batch, size, size, channels)
    return _pass(make, lk.image.rotate(x, make(batch), "bilinear"), {"input": x}, which)


def reduction(make: Inputs, kind: str, shape: Sequence[int], axis: int | None) -> Any:
    return {"sum": lk.reduce_sum, "max": lk.reduce_max}[kind](make(*shape), axis=axis)


def bias_gradient(make: Inputs, shape: Sequence[int]) -> Any:
    y = lk.nn.bias_add(make(*shape), offset := make(shape[-1]))
    return lk.gradients(y, [offset], grad_ys=make(*shape))


_UNARY = {
    "exp": lk.exp, "tanh": lk.tanh, "sigmoid": lk.sigmoid, "relu": lk.nn.relu, "gelu": lk.nn.gelu, "silu": lk.nn.silu,
}  # fmt: skip


def power(make: Inputs, exponent: float, count: int) -> Any:
    return make.positive(count) ** exponent


def unary(make: Inputs, function: str, count: int) -> Any:
    return _UNARY[function](make(count))


def unary_gradient(make: Inputs, function: str, count: int) -> Any:
    x = make(count)
    return lk.gradients(_UNARY[function](x), [x], grad_ys=make(count))


def top_k(make: Inputs, rows: int, width: int, best: int) -> Any:
    return lk.nn.top_k(make(rows, width), best)[0]


def add(make: Inputs, count: int) -> Any:
    return make(count) + make(count)


def chain(make: Inputs, count: int) -> Any:
    """relu((x * y + z) * 0.5 - 0.25)."""
    return lk.nn.relu((make(count) * make(count) + make(count)) * 0.5 - 0.25)


def gelu_chain(make: Inputs, count: int) -> Any:
    """The tanh form of GELU, written out."""
    x = make(count)
    return 0.5 * x * (1.0 + lk.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def embedding(make: Inputs, rows: int, width: int, count: int) -> Any:
    return lk.nn.embedding_lookup(make(rows, width), make.places(count, rows))


def embedding_update(make: Inputs, rows: int, width: int, count: int) -> Any:
    """Gradient descent on the rows that were looked up."""
    table = lk.Variable(np.zeros((rows, width), np.float32))
    (g,) = lk.gradients(lk.nn.embedding_lookup(table, make.places(count, rows)), [table], grad_ys=make(count, width))
    return lk.optimizers.SGD(0.01).apply_gradients([(g, table)])


def draws(make: Inputs, kind: str, count: int) -> Any:
    kinds = {"normal": lk.random_normal, "uniform": lk.random_uniform, "truncated": lk.truncated_normal}
    return kinds[kind]([count])


def dropout(make: Inputs, count: int) -> Any:
    return lk.nn.dropout(make(count), rate=0.5)


def optimizer(make: Inputs, kind: str, count: int) -> Any:
    made = {
        "sgd": lambda: lk.optimizers.SGD(0.01),
        "momentum": lambda: lk.optimizers.Momentum(0.01, 0.9),
        "adam": lambda: lk.optimizers.Adam(0.001),
        "adamw": lambda: lk.optimizers.AdamW(0.001),
        "amsgrad": lambda: lk.optimizers.AMSGrad(0.001),
        "adamax": lambda: lk.optimizers.Adamax(0.001),
        "nadam": lambda: lk.optimizers.Nadam(0.001),
    }[kind]()
    return made.apply_gradients([(make(count), lk.Variable(np.zeros(count, np.float32)))])


def transpose(make: Inputs, shape: Sequence[int], order: Sequence[int]) -> Any:
    return lk.transpose(make(*shape), list(order))
