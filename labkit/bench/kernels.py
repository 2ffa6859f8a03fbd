"""Single kernels: what they are given, and the share of the machine's peak that they are meant to reach.

The one table of goals. A share is that of the roofline (machine.py): the seconds that the definition's calculations, or the
bytes that must be read and written at least, take at the machine's measured peak, over the seconds that passed. An algorithm
with fewer multiplications than the definition (Winograd's) may pass 1. Goals are what was measured, less a margin for what
else machines do; where labkit means to be as fast as PyTorch, the goal says how many times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kernel:
    """One piece of work of the size that training meets.

    Attributes:
        operation: the name of the function that does it, in sides/labkit_kernels.py and sides/torch_kernels.py.
        sizes: that function's arguments.
        flops: additions and multiplications of the definition.
        moved: bytes that are read and written at least.
        goal: the share of the roofline to reach.
        torch: how many times PyTorch's speed to reach, if that is a goal.
    """

    operation: str
    sizes: dict[str, Any]
    flops: float
    moved: float
    goal: float
    torch: float | None = None


def _matmul(goal: float, m: int, n: int, k: int, turned: str = "nn") -> tuple[str, Kernel]:
    """`turned`: "t" where the operand lies transposed in memory, else "n"."""
    suffix = {"nn": "", "nt": "-bt", "tn": "-at"}[turned]
    sizes = {"m": m, "n": n, "k": k, "a": turned[0], "b": turned[1]}
    return f"matmul-{m}x{n}x{k}{suffix}", Kernel(
        "matmul", sizes, 2.0 * m * n * k, 4.0 * (m * k + k * n + m * n), goal, 0.9
    )


def _convs(
    goals: dict[str, float],
    batch: int,
    size: int,
    channels: int,
    filters: int,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
) -> Iterator[tuple[str, Kernel]]:
    """A convolution that keeps the size, over the stride, in the passes that have a goal."""
    name = f"conv-{kernel}x{kernel}-{channels}-{filters}-at-{size}"
    name += f"-stride-{stride}" * (stride > 1) + f"-dilation-{dilation}" * (dilation > 1)
    out = math.ceil(size / stride)
    flops = 2.0 * batch * out * out * kernel * kernel * channels * filters
    moved = 4.0 * (batch * size * size * channels + kernel * kernel * channels * filters + batch * out * out * filters)
    sizes = {
        "batch": batch, "size": size, "channels": channels, "filters": filters, "kernel": kernel, "stride": stride,
        "dilation": dilation,
    }  # fmt: skip
    for which, goal in goals.items():
        yield f"{name}-{which}", Kernel("conv", {**sizes, "which": which}, flops, moved, goal)


def _depthwise(goals: dict[str, float], batch: int, size: int, channels: int) -> Iterator[tuple[str, Kernel]]:
    pixels = batch * size * size * channels
    for which, goal in goals.items():
        sizes = {"batch": batch, "size": size, "channels": channels, "kernel": 3, "which": which}
        yield (
            f"depthwise-3x3-{channels}-at-{size}-{which}",
            Kernel("depthwise", sizes, 18.0 * pixels, 8.0 * pixels, goal),
        )


def _streaming(goal: float, name: str, operation: str, numbers: float, **sizes: Any) -> tuple[str, Kernel]:
    """Work that memory binds, on that many float32 read and written."""
    return name, Kernel(operation, sizes, 0.0, 4.0 * numbers, goal)


_IMAGE = 100 * 32 * 32 * 64  # numbers of the VGG network's first images
_BLOCK = 32 * 28 * 28 * 128
_MILLION = 1 << 20
_VGG = 16_000_000  # weights, about

KERNELS: dict[str, Kernel] = dict(
    (
        # matrix products, M x N x K
        _matmul(0.55, 1024, 1024, 1024),
        _matmul(0.60, 6400, 64, 64),
        _matmul(0.45, 100, 4096, 2048),
        _matmul(0.50, 100, 2048, 4096, "nt"),
        _matmul(0.45, 2048, 4096, 100, "tn"),
        _matmul(0.18, 100, 10, 4096),
        _matmul(0.22, 784, 10, 100),
        _matmul(0.45, 100, 128, 784),
        _matmul(0.45, 128, 1024, 3136),
        _matmul(0.55, 25600, 576, 64),
        ("dense-100x4096x2048", Kernel("dense", {"m": 100, "n": 4096, "k": 2048}, 2.0 * 100 * 4096 * 2048, 36e6, 0.45)),
        # the VGG network's convolutions, batch 100
        *_convs({"forward": 0.25, "filter": 0.14}, 100, 32, 1, 64),
        *_convs({"forward": 1.5, "fused": 0.8, "input": 1.5, "filter": 1.2}, 100, 32, 64, 64),
        *_convs({"forward": 1.0, "input": 1.0, "filter": 0.9}, 100, 16, 64, 128),
        *_convs({"forward": 1.0, "input": 1.1, "filter": 0.9}, 100, 16, 128, 128),
        *_convs({"forward": 1.0, "input": 1.05, "filter": 1.0}, 100, 8, 256, 256),
        *_convs({"forward": 1.0, "input": 0.9, "filter": 0.85}, 100, 4, 512, 512),
        # the other networks of the table of works
        *_convs({"forward": 1.2, "input": 1.2, "filter": 0.9}, 100, 28, 64, 64),
        *_convs({"forward": 0.95, "input": 1.0, "filter": 0.7}, 100, 14, 128, 128),
        *_convs({"forward": 0.3, "filter": 0.18}, 128, 28, 1, 32, 5),
        *_convs({"forward": 0.5, "input": 0.5, "filter": 0.45}, 128, 14, 32, 64, 5),
        # residual networks and their like
        *_convs({"forward": 0.45, "filter": 0.5}, 8, 224, 3, 64, 7, 2),
        *_convs({"forward": 0.5, "input": 0.42, "filter": 0.38}, 16, 56, 64, 256, 1),
        *_convs({"forward": 0.5, "input": 0.45, "filter": 0.38}, 16, 56, 256, 64, 1),
        *_convs({"forward": 0.6, "input": 0.5, "filter": 0.5}, 16, 56, 128, 128, 3, 2),
        *_convs({"forward": 0.45, "input": 0.45, "filter": 0.38}, 16, 28, 256, 512, 1, 2),
        *_convs({"forward": 0.45, "input": 0.4, "filter": 0.35}, 16, 28, 64, 64, 3, 1, 2),
        *_depthwise({"forward": 0.3, "input": 0.3, "filter": 0.2}, 32, 28, 128),
        # pooling, losses, normalization
        _streaming(
            0.5, "max-pool-forward", "max_pool", _IMAGE * 1.25, batch=100, size=32, channels=64, which="forward"
        ),
        _streaming(0.4, "max-pool-both", "max_pool", _IMAGE * 2.5, batch=100, size=32, channels=64, which="both"),
        _streaming(
            0.5, "avg-pool-forward", "avg_pool", _IMAGE * 1.25, batch=100, size=32, channels=64, which="forward"
        ),
        _streaming(0.5, "avg-pool-gradient", "avg_pool", _IMAGE * 1.25, batch=100, size=32, channels=64, which="input"),
        _streaming(0.1, "cross-entropy-100x10", "cross_entropy", 2 * 1000, rows=100, classes=10),
        _streaming(0.2, "cross-entropy-128x1000", "cross_entropy", 2 * 128e3, rows=128, classes=1000),
        _streaming(0.2, "softmax-4096x1000", "softmax", 2 * 4096e3, rows=4096, classes=1000),
        _streaming(0.4, "batch-norm-forward", "batch_norm", 2 * _BLOCK, shape=[32, 28, 28, 128], which="forward"),
        _streaming(0.4, "batch-norm-both", "batch_norm", 5 * _BLOCK, shape=[32, 28, 28, 128], which="both"),
        _streaming(0.4, "layer-norm-forward", "layer_norm", 2 * 2048 * 768, rows=2048, width=768, which="forward"),
        _streaming(0.3, "layer-norm-both", "layer_norm", 5 * 2048 * 768, rows=2048, width=768, which="both"),
        # reductions
        _streaming(0.5, "sum-all", "reduction", 16 * _MILLION, kind="sum", shape=[4096, 4096], axis=None),
        _streaming(0.5, "sum-rows", "reduction", 16 * _MILLION, kind="sum", shape=[4096, 4096], axis=1),
        _streaming(0.5, "sum-columns", "reduction", 16 * _MILLION, kind="sum", shape=[4096, 4096], axis=0),
        _streaming(0.5, "max-rows", "reduction", 16 * _MILLION, kind="max", shape=[4096, 4096], axis=1),
        _streaming(0.4, "sum-rows-of-10", "reduction", _MILLION * 1.1, kind="sum", shape=[104858, 10], axis=1),
        _streaming(0.5, "bias-gradient", "bias_gradient", _IMAGE, shape=[100, 32, 32, 64]),
        # element-wise work
        _streaming(0.6, "add-4M", "add", 12 * _MILLION, count=4 * _MILLION),
        _streaming(0.6, "relu-4M", "unary", 8 * _MILLION, function="relu", count=4 * _MILLION),
        _streaming(0.3, "exp-1M", "unary", 2 * _MILLION, function="exp", count=_MILLION),
        _streaming(0.2, "tanh-1M", "unary", 2 * _MILLION, function="tanh", count=_MILLION),
        _streaming(0.2, "sigmoid-1M", "unary", 2 * _MILLION, function="sigmoid", count=_MILLION),
        _streaming(0.4, "chain-of-5-4M", "chain", 16 * _MILLION, count=4 * _MILLION),
        _streaming(0.1, "chain-of-5-2K", "chain", 4 * 2000, count=2000),
        _streaming(0.2, "gelu-chain-1M", "gelu_chain", 2 * _MILLION, count=_MILLION),
        # the rest of a training step
        _streaming(0.4, "embedding", "embedding", 2 * 8192 * 128, rows=50_000, width=128, count=8192),
        _streaming(0.2, "embedding-update", "embedding_update", 3 * 8192 * 128, rows=50_000, width=128, count=8192),
        _streaming(0.1, "random-uniform-1M", "draws", _MILLION, kind="uniform", count=_MILLION),
        _streaming(0.05, "random-normal-1M", "draws", _MILLION, kind="normal", count=_MILLION),
        _streaming(0.02, "random-truncated-1M", "draws", _MILLION, kind="truncated", count=_MILLION),
        _streaming(0.1, "dropout-1M", "dropout", 2 * _MILLION, count=_MILLION),
        _streaming(0.6, "sgd-16M", "optimizer", 3 * _VGG, kind="sgd", count=_VGG),
        _streaming(0.6, "momentum-16M", "optimizer", 5 * _VGG, kind="momentum", count=_VGG),
        _streaming(0.6, "adam-16M", "optimizer", 7 * _VGG, kind="adam", count=_VGG),
        _streaming(0.4, "adam-100K", "optimizer", 7 * 100_000, kind="adam", count=100_000),
        _streaming(0.3, "transpose-2048x2048", "transpose", 8 * _MILLION, shape=[2048, 2048], order=[1, 0]),
        _streaming(
            0.3, "transpose-to-channels-first", "transpose", 2 * _BLOCK, shape=[32, 28, 28, 128], order=[0, 3, 1, 2]
        ),
    )
)
"""Name -> kernel, in the order of the table."""


def chosen(names: Sequence[str]) -> dict[str, Kernel]:
    """The kernels whose names are these or begin with them; all where none is given."""
    return {name: kernel for name, kernel in KERNELS.items() if not names or name.startswith(tuple(names))}
