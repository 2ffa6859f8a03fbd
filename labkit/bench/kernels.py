"""Single kernels: what they are given, and the share of the machine's peak that they are meant to reach.

Their goals are in goals.py. A share is that of the roofline (machine.py): the seconds that the definition's calculations,
or the bytes that must be read and written at least, take at the machine's measured peak, over the seconds that passed. An
algorithm with fewer multiplications than the definition (Winograd's) may pass 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.bench.goals import GOALS
from labkit.bench.side import known


@dataclass(frozen=True)
class Kernel:
    """One piece of work of the size that training meets.

    Attributes:
        operation: the name of the function that does it, in sides/labkit_kernels.py and sides/torch_operations.py.
        sizes: that function's arguments.
        flops: additions and multiplications of the definition.
        moved: bytes that are read and written at least.
        torch: how many times PyTorch's speed to reach, if that is a goal.
        goal: the share of the roofline to reach, of goals.py; None where the target in use has none.
    """

    operation: str
    sizes: dict[str, Any]
    flops: float
    moved: float
    torch: float | None = None
    goal: float | None = None


def _matmul(m: int, n: int, k: int, turned: str = "nn") -> tuple[str, Kernel]:
    """`turned`: "t" where the operand lies transposed in memory, else "n"."""
    suffix = {"nn": "", "nt": "-bt", "tn": "-at"}[turned]
    sizes = {"m": m, "n": n, "k": k, "a": turned[0], "b": turned[1]}
    return f"matmul-{m}x{n}x{k}{suffix}", Kernel("matmul", sizes, 2.0 * m * n * k, 4.0 * (m * k + k * n + m * n), 0.9)


def _convs(
    passes: Sequence[str],
    batch: int,
    size: int,
    channels: int,
    filters: int,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> Iterator[tuple[str, Kernel]]:
    """A convolution that keeps the size, over the stride, in these passes."""
    name = f"conv-{kernel}x{kernel}-{channels}-{filters}-at-{size}"
    name += (
        f"-stride-{stride}" * (stride > 1)
        + f"-dilation-{dilation}" * (dilation > 1)
        + f"-groups-{groups}" * (groups > 1)
    )
    out = math.ceil(size / stride)
    weights = kernel * kernel * channels // groups * filters
    flops = 2.0 * batch * out * out * weights
    moved = 4.0 * (batch * size * size * channels + weights + batch * out * out * filters)
    sizes = {
        "batch": batch, "size": size, "channels": channels, "filters": filters, "kernel": kernel, "stride": stride,
        "dilation": dilation, "groups": groups,
    }  # fmt: skip
    for which in passes:
        yield f"{name}-{which}", Kernel("conv", {**sizes, "which": which}, flops, moved)


def _depthwise(batch: int, size: int, channels: int) -> Iterator[tuple[str, Kernel]]:
    pixels = batch * size * size * channels
    for which in _ALL:
        sizes = {"batch": batch, "size": size, "channels": channels, "kernel": 3, "which": which}
        yield (
            f"depthwise-3x3-{channels}-at-{size}-{which}",
            Kernel("depthwise", sizes, 18.0 * pixels, 8.0 * pixels),
        )


def _recurrent(kind: str, batch: int, steps: int, features: int, units: int) -> Iterator[tuple[str, Kernel]]:
    """A recurrent layer forward, and forward and backward, where there are three products for each of the way forward."""
    gates = {"lstm": 4, "gru": 3}[kind]
    flops = 2.0 * batch * steps * gates * units * (features + units)
    moved = 4.0 * (batch * steps * (features + units) + gates * units * (features + units))
    for which, passes in (("forward", 1), ("both", 3)):
        sizes = {
            "kind": kind, "batch": batch, "steps": steps, "features": features, "units": units, "which": which,
        }  # fmt: skip
        yield f"{kind}-{units}-{which}", Kernel("recurrent", sizes, passes * flops, passes * moved)


def _streaming(name: str, operation: str, numbers: float, **sizes: Any) -> tuple[str, Kernel]:
    """Work that memory binds, on that many float32 read and written."""
    return name, Kernel(operation, sizes, 0.0, 4.0 * numbers)


_ALL = ("forward", "input", "filter")
_FIRST = ("forward", "filter")  # of a first layer: nobody asks for the gradient of what is fed
_IMAGE = 100 * 32 * 32 * 64  # numbers of the VGG network's first images
_BLOCK = 32 * 28 * 28 * 128
_MILLION = 1 << 20
_VGG = 16_000_000  # weights, about

_ROWS: tuple[tuple[str, Kernel], ...] = (
    # matrix products, M x N x K
    _matmul(1024, 1024, 1024),
    _matmul(6400, 64, 64),
    _matmul(100, 4096, 2048),
    _matmul(100, 2048, 4096, "nt"),
    _matmul(2048, 4096, 100, "tn"),
    _matmul(100, 10, 4096),
    _matmul(784, 10, 100),
    _matmul(100, 128, 784),
    _matmul(128, 1024, 3136),
    _matmul(25600, 576, 64),
    ("dense-100x4096x2048", Kernel("dense", {"m": 100, "n": 4096, "k": 2048}, 2.0 * 100 * 4096 * 2048, 36e6)),
    # the VGG network's convolutions, batch 100
    *_convs(_FIRST, 100, 32, 1, 64),
    *_convs([*_ALL, "fused"], 100, 32, 64, 64),
    *_convs(_ALL, 100, 16, 64, 128),
    *_convs(_ALL, 100, 16, 128, 128),
    *_convs(_ALL, 100, 8, 256, 256),
    *_convs(_ALL, 100, 4, 512, 512),
    # the other networks of the table of works
    *_convs(_ALL, 100, 28, 64, 64),
    *_convs(_ALL, 100, 14, 128, 128),
    *_convs(_FIRST, 128, 28, 1, 32, 5),
    *_convs(_ALL, 128, 14, 32, 64, 5),
    # residual networks and their like
    *_convs(_FIRST, 8, 224, 3, 64, 7, 2),
    *_convs(_ALL, 16, 56, 64, 256, 1),
    *_convs(_ALL, 16, 56, 256, 64, 1),
    *_convs(_ALL, 16, 56, 128, 128, 3, 2),
    *_convs(_ALL, 16, 28, 256, 512, 1, 2),
    *_convs(_ALL, 16, 28, 64, 64, 3, 1, 2),
    *_convs(_ALL, 16, 56, 128, 128, 3, 1, 1, 32),
    *_depthwise(32, 28, 128),
    # pooling, losses, normalization
    _streaming("max-pool-forward", "max_pool", _IMAGE * 1.25, batch=100, size=32, channels=64, which="forward"),
    _streaming("max-pool-both", "max_pool", _IMAGE * 2.5, batch=100, size=32, channels=64, which="both"),
    _streaming("avg-pool-forward", "avg_pool", _IMAGE * 1.25, batch=100, size=32, channels=64, which="forward"),
    _streaming("avg-pool-gradient", "avg_pool", _IMAGE * 1.25, batch=100, size=32, channels=64, which="input"),
    _streaming("cross-entropy-100x10", "cross_entropy", 2 * 1000, rows=100, classes=10),
    _streaming("cross-entropy-128x1000", "cross_entropy", 2 * 128e3, rows=128, classes=1000),
    _streaming("softmax-4096x1000", "softmax", 2 * 4096e3, rows=4096, classes=1000),
    _streaming("batch-norm-forward", "batch_norm", 2 * _BLOCK, shape=[32, 28, 28, 128], which="forward"),
    _streaming("batch-norm-both", "batch_norm", 5 * _BLOCK, shape=[32, 28, 28, 128], which="both"),
    _streaming("layer-norm-forward", "layer_norm", 2 * 2048 * 768, rows=2048, width=768, which="forward"),
    _streaming("layer-norm-both", "layer_norm", 5 * 2048 * 768, rows=2048, width=768, which="both"),
    # augmentation
    *(
        _streaming(f"rotation-{size}-{which}", "rotation", 2 * batch * size**2 * channels, **sizes, which=which)
        for batch, size, channels in ((128, 28, 1), (32, 224, 3))
        for sizes in [{"batch": batch, "size": size, "channels": channels}]
        for which in ("forward", "input")
    ),
    # recurrent layers
    *_recurrent("lstm", 32, 28, 28, 128),
    *_recurrent("lstm", 32, 50, 128, 256),
    *_recurrent("gru", 32, 28, 28, 128),
    *_recurrent("gru", 32, 50, 128, 256),
    # reductions
    _streaming("sum-all", "reduction", 16 * _MILLION, kind="sum", shape=[4096, 4096], axis=None),
    _streaming("sum-rows", "reduction", 16 * _MILLION, kind="sum", shape=[4096, 4096], axis=1),
    _streaming("sum-columns", "reduction", 16 * _MILLION, kind="sum", shape=[4096, 4096], axis=0),
    _streaming("max-rows", "reduction", 16 * _MILLION, kind="max", shape=[4096, 4096], axis=1),
    _streaming("sum-rows-of-10", "reduction", _MILLION * 1.1, kind="sum", shape=[104858, 10], axis=1),
    _streaming("bias-gradient", "bias_gradient", _IMAGE, shape=[100, 32, 32, 64]),
    _streaming("top-5-of-128x1000", "top_k", 128e3, rows=128, width=1000, best=5),
    # element-wise work
    _streaming("add-4M", "add", 12 * _MILLION, count=4 * _MILLION),
    _streaming("relu-4M", "unary", 8 * _MILLION, function="relu", count=4 * _MILLION),
    _streaming("exp-1M", "unary", 2 * _MILLION, function="exp", count=_MILLION),
    _streaming("tanh-1M", "unary", 2 * _MILLION, function="tanh", count=_MILLION),
    _streaming("sigmoid-1M", "unary", 2 * _MILLION, function="sigmoid", count=_MILLION),
    _streaming("power-2-1M", "power", 2 * _MILLION, exponent=2.0, count=_MILLION),
    _streaming("power-1.7-1M", "power", 2 * _MILLION, exponent=1.7, count=_MILLION),
    _streaming("gelu-1M", "unary", 2 * _MILLION, function="gelu", count=_MILLION),
    _streaming("gelu-gradient-1M", "unary_gradient", 3 * _MILLION, function="gelu", count=_MILLION),
    _streaming("silu-1M", "unary", 2 * _MILLION, function="silu", count=_MILLION),
    _streaming("silu-gradient-1M", "unary_gradient", 3 * _MILLION, function="silu", count=_MILLION),
    _streaming("chain-of-5-4M", "chain", 16 * _MILLION, count=4 * _MILLION),
    _streaming("chain-of-5-2K", "chain", 4 * 2000, count=2000),
    _streaming("gelu-chain-1M", "gelu_chain", 2 * _MILLION, count=_MILLION),
    # the rest of a training step
    _streaming("embedding", "embedding", 2 * 8192 * 128, rows=50_000, width=128, count=8192),
    _streaming("embedding-update", "embedding_update", 3 * 8192 * 128, rows=50_000, width=128, count=8192),
    _streaming("random-uniform-1M", "draws", _MILLION, kind="uniform", count=_MILLION),
    _streaming("random-normal-1M", "draws", _MILLION, kind="normal", count=_MILLION),
    _streaming("random-truncated-1M", "draws", _MILLION, kind="truncated", count=_MILLION),
    _streaming("dropout-1M", "dropout", 2 * _MILLION, count=_MILLION),
    _streaming("sgd-16M", "optimizer", 3 * _VGG, kind="sgd", count=_VGG),
    _streaming("momentum-16M", "optimizer", 5 * _VGG, kind="momentum", count=_VGG),
    _streaming("adam-16M", "optimizer", 7 * _VGG, kind="adam", count=_VGG),
    _streaming("adam-100K", "optimizer", 7 * 100_000, kind="adam", count=100_000),
    _streaming("adamw-16M", "optimizer", 7 * _VGG, kind="adamw", count=_VGG),
    _streaming("amsgrad-16M", "optimizer", 9 * _VGG, kind="amsgrad", count=_VGG),
    _streaming("adamax-16M", "optimizer", 7 * _VGG, kind="adamax", count=_VGG),
    _streaming("nadam-16M", "optimizer", 7 * _VGG, kind="nadam", count=_VGG),
    _streaming("transpose-2048x2048", "transpose", 8 * _MILLION, shape=[2048, 2048], order=[1, 0]),
    _streaming("transpose-to-channels-first", "transpose", 2 * _BLOCK, shape=[32, 28, 28, 128], order=[0, 3, 1, 2]),
)
KERNELS = dict(_ROWS)
"""Name -> kernel, in the order of the table."""


def chosen(names: Sequence[str], target: str = "") -> dict[str, Kernel]:
    """The kernels whose names are these or begin with them, with the target's goals; all kernels where no name is given.

    Raises:
        ConfigError: no kernel's name begins with one of these; it tells which are near.
    """
    for name in names:
        if not any(each.startswith(name) for each in KERNELS):
            parts = [each.split("-") for each in KERNELS]
            known(
                "kernel",
                [name],
                list(dict.fromkeys("-".join(p[:n]) for p in parts for n in (len(p), *range(1, len(p))))),
            )
    goals = GOALS.get(target, {})
    return {
        name: replace(kernel, goal=goals.get(name))
        for name, kernel in KERNELS.items()
        if not names or name.startswith(tuple(names))
    }
