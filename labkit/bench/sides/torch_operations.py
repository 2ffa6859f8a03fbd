"""PyTorch's operations, by the names and sizes of labkit/bench/kernels.py: each gives the ways to do it, to be timed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

_aten = torch.ops.aten
Repeat = Callable[[int], None]


class Looped(NamedTuple):
    """What does the work that many times itself."""

    repeat: Repeat


def _tensor(*shape: int) -> torch.Tensor:
    return torch.rand(shape) * 2 - 1


def _image(batch: int, size: int, channels: int, last: bool) -> torch.Tensor:
    return _laid(_tensor(batch, channels, size, size), last)


def _laid(x: torch.Tensor, last: bool) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


@torch.jit.script
def _products(a: torch.Tensor, b: torch.Tensor, y: torch.Tensor, steps: int):
    for _ in range(steps):
        torch.mm(a, b, out=y)


def matmul(m: int, n: int, k: int, a: str, b: str) -> Any:
    left, right = _tensor(k, m).T if a == "t" else _tensor(m, k), _tensor(n, k).T if b == "t" else _tensor(k, n)
    result = torch.empty(m, n)
    return [Looped(lambda steps: _products(left, right, result, steps))]


def dense(m: int, n: int, k: int) -> Any:
    x, w, bias = _tensor(m, k), _tensor(n, k), _tensor(n)
    return [lambda: functional.linear(x, w, bias).relu_()]


def conv(
    batch: int, size: int, channels: int, filters: int, kernel: int, stride: int, dilation: int, groups: int, which: str
) -> Any:
    def way(last: bool) -> Callable[[], Any]:
        w = _laid(_tensor(filters, channels // groups, kernel, kernel), last)
        return _conv(_image(batch, size, channels, last), w, stride, dilation, groups, which)

    return [way(last) for last in (True, False)]


def depthwise(batch: int, size: int, channels: int, kernel: int, which: str) -> Any:
    def way(last: bool) -> Callable[[], Any]:
        w = _laid(_tensor(channels, 1, kernel, kernel), last)
        return _conv(_image(batch, size, channels, last), w, 1, 1, channels, which)

    return [way(last) for last in (True, False)]


def _conv(x: torch.Tensor, w: torch.Tensor, stride: int, dilation: int, groups: int, which: str) -> Callable[[], Any]:
    # The padding that gives "SAME" sizes, though at even sizes and strides other pixels are the padded ones.
    pad = dilation * (w.shape[2] - 1) // 2
    bias = _tensor(w.shape[0]) if which == "fused" else None
    if which == "fused":
        return lambda: functional.conv2d(x, w, bias, stride, pad, dilation, groups).relu_()
    if which == "forward":
        return lambda: functional.conv2d(x, w, None, stride, pad, dilation, groups)
    g = functional.conv2d(x, w, None, stride, pad, dilation, groups)
    wanted = [which == "input", which == "filter", False]
    rest = [stride] * 2, [pad] * 2, [dilation] * 2, False, [0, 0], groups, wanted
    return lambda: _aten.convolution_backward(g, x, w, None, *rest)


def max_pool(batch: int, size: int, channels: int, which: str) -> Any:
    def way(last: bool) -> Callable[[], Any]:
        x, sizes = _image(batch, size, channels, last), ([2, 2], [2, 2], [0, 0], [1, 1], True)

        def forward() -> Any:
            return _aten.max_pool2d_with_indices(x, *sizes)

        g = torch.ones_like(forward()[0])

        def both() -> Any:
            return _aten.max_pool2d_with_indices_backward(g, x, *sizes, forward()[1])

        return forward if which == "forward" else both

    return [way(last) for last in (True, False)]


def avg_pool(batch: int, size: int, channels: int, which: str) -> Any:
    def way(last: bool) -> Callable[[], Any]:
        x, sizes = _image(batch, size, channels, last), ([2, 2], [2, 2], [0, 0], True, False, None)
        g = torch.ones_like(_aten.avg_pool2d(x, *sizes))
        if which == "forward":
            return lambda: _aten.avg_pool2d(x, *sizes)
        return lambda: _aten.avg_pool2d_backward(g, x, *sizes)

    return [way(last) for last in (True, False)]


def cross_entropy(rows: int, classes: int) -> Any:
    x, labels, g = _tensor(rows, classes), torch.randint(classes, (rows,)), torch.tensor(1.0)

    def both() -> Any:
        p = _aten._log_softmax(x, 1, False)
        loss, weight = _aten.nll_loss_forward(p, labels, None, 1, -100)
        dp = _aten.nll_loss_backward(g, p, labels, None, 1, -100, weight)
        return loss, _aten._log_softmax_backward_data(dp, p, 1, torch.float32)

    return [both]


def softmax(rows: int, classes: int) -> Any:
    x = _tensor(rows, classes)
    return [lambda: torch.softmax(x, 1)]


def batch_norm(shape: Sequence[int], which: str) -> Any:
    def way(last: bool) -> Callable[[], Any]:
        x = _image(shape[0], shape[1], shape[3], last)
        scale, offset, g = _tensor(shape[3]), _tensor(shape[3]), torch.ones_like(x)

        def forward() -> Any:
            return _aten.native_batch_norm(x, scale, offset, None, None, True, 0.1, 1e-3)

        def both() -> Any:
            _, mean, inverse = forward()
            return _aten.native_batch_norm_backward(g, x, scale, None, None, mean, inverse, True, 1e-3, [True] * 3)

        return forward if which == "forward" else both

    return [way(last) for last in (True, False)]


def layer_norm(rows: int, width: int, which: str) -> Any:
    x, g, scale, offset = _tensor(rows, width), _tensor(rows, width), _tensor(width), _tensor(width)

    def forward() -> Any:
        return _aten.native_layer_norm(x, [width], scale, offset, 1e-5)

    def both() -> Any:
        _, mean, inverse = forward()
        return _aten.native_layer_norm_backward(g, x, [width], mean, inverse, scale, offset, [True] * 3)

    return [forward if which == "forward" else both]


def recurrent(kind: str, batch: int, steps: int, features: int, units: int, which: str) -> Any:
    """All of it outside of inference mode, in which there are no gradients."""
    with torch.inference_mode(False):
        layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](features, units, batch_first=True)
        x, g = _tensor(batch, steps, features).requires_grad_(), _tensor(batch, steps, units)

    def forward() -> Any:
        with torch.no_grad():
            return layer(x)[0]

    def both() -> Any:
        with torch.inference_mode(False), torch.enable_grad():
            return torch.autograd.grad(layer(x)[0], [x, *layer.parameters()], g)

    return [forward if which == "forward" else both]


def rotation(batch: int, size: int, channels: int, which: str) -> Any:
    def way(last: bool) -> Callable[[], Any]:
        x, angles = _image(batch, size, channels, last), _tensor(batch)
        g, none = torch.ones_like(x), torch.zeros(batch)

        def places() -> Any:
            cosine, sine = angles.cos(), angles.sin()
            matrices = torch.stack([cosine, -sine, none, sine, cosine, none], 1).view(batch, 2, 3)
            return functional.affine_grid(matrices, list(x.shape), align_corners=True)

        def backward() -> Any:
            return _aten.grid_sampler_2d_backward(g, x, places(), 0, 0, True, [True, False])

        return (lambda: _aten.grid_sampler_2d(x, places(), 0, 0, True)) if which == "forward" else backward

    return [way(last) for last in (True, False)]


def reduction(kind: str, shape: Sequence[int], axis: int | None) -> Any:
    x, of = _tensor(*shape), {"sum": torch.sum, "max": torch.amax}[kind]
    return [lambda: of(x, dim=list(range(len(shape))) if axis is None else [axis])]


def bias_gradient(shape: Sequence[int]) -> Any:
    return reduction("sum", [math.prod(shape[:-1]), shape[-1]], 0)


def power(exponent: float, count: int) -> Any:
    x, y = torch.rand(count), torch.empty(count)
    return [lambda: torch.pow(x, exponent, out=y)]


def unary(function: str, count: int) -> Any:
    x, y = _tensor(count), torch.empty(count)
    if function == "relu":
        return [lambda: torch.clamp_min(x, 0, out=y)]
    of = getattr(_aten, function).out
    return [lambda: of(x, out=y)]


def unary_gradient(function: str, count: int) -> Any:
    x, g, dx = _tensor(count), _tensor(count), torch.empty(count)
    of = getattr(_aten, f"{function}_backward").grad_input
    return [lambda: of(g, x, grad_input=dx)]


def top_k(rows: int, width: int, best: int) -> Any:
    x = _tensor(rows, width)
    return [lambda: torch.topk(x, best)]


def add(count: int) -> Any:
    x, y, z = _tensor(count), _tensor(count), torch.empty(count)
    return [lambda: torch.add(x, y, out=z)]


def chain(count: int) -> Any:
    x, y, z = _tensor(count), _tensor(count), _tensor(count)
    return _compiled(lambda: ((x * y + z) * 0.5 - 0.25).relu())


def gelu_chain(count: int) -> Any:
    x, c = _tensor(count), math.sqrt(2 / math.pi)
    own = [lambda: functional.gelu(x, approximate="tanh")]
    return own + _compiled(lambda: 0.5 * x * (1 + torch.tanh(c * (x + 0.044715 * x * x * x))))


def _compiled(once: Callable[[], Any]) -> list[Callable[[], Any]]:
    """As it is, and fused by PyTorch's compiler where that finds the C++ compiler it needs."""
    compiled = torch.compile(once)
    try:
        compiled()
    except Exception:
        return [once]
    return [once, lambda: compiled()]


def embedding(rows: int, width: int, count: int) -> Any:
    table, places = _tensor(rows, width), torch.randint(rows, (count,))
    return [lambda: functional.embedding(places, table)]


def embedding_update(rows: int, width: int, count: int) -> Any:
    table, places, g = _tensor(rows, width), torch.randint(rows, (count,)), _tensor(count, width)
    return [lambda: table.index_add_(0, places, g, alpha=-0.01)]


def draws(kind: str, count: int) -> Any:
    y = torch.empty(count)
    if kind == "truncated":
        return [lambda: torch.nn.init.trunc_normal_(y, a=-2, b=2)]
    return [y.normal_ if kind == "normal" else y.uniform_]


def dropout(count: int) -> Any:
    x = _tensor(count)
    return [lambda: _aten.native_dropout(x, 0.5, True), lambda: functional.dropout(x, 0.5)]


def optimizer(kind: str, count: int) -> Any:
    x, g, m, v = _tensor(count), _tensor(count), torch.zeros(count), torch.zeros(count)
    step = torch.tensor(0.0)
    if kind in ("adam", "adamw", "amsgrad"):
        fused = torch._fused_adamw_ if kind == "adamw" else torch._fused_adam_
        decay = 0.004 if kind == "adamw" else 0.0
        numbers = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "weight_decay": decay, "eps": 1e-8}
        largest = [torch.zeros(count)] if kind == "amsgrad" else []

        def adam() -> Any:
            step.add_(1)
            fused([x], [g], [m], [v], largest, [step], **numbers, amsgrad=bool(largest), maximize=False)

        return [adam]
    if kind in ("adamax", "nadam"):  # neither has a fused form
        x.grad = g
        made = {"adamax": torch.optim.Adamax, "nadam": torch.optim.NAdam}[kind]
        return [made([x], lr=0.001, foreach=foreach).step for foreach in (True, False)]
    numbers = {"weight_decay": 0.0, "momentum": 0.9 if kind == "momentum" else 0.0, "lr": 0.01, "dampening": 0.0}
    kept = [m] if kind == "momentum" else []
    flags = {"nesterov": False, "maximize": False, "is_first_step": False}
    return [lambda: torch._fused_sgd_([x], [g], kept, **numbers, **flags)]


def transpose(shape: Sequence[int], order: Sequence[int]) -> Any:
    turned = _tensor(*shape).permute(*order)
    y = torch.empty(turned.shape)
    return [lambda: y.copy_(turned)]
