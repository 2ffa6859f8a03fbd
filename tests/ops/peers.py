"""For each operation that PyTorch also has, what PyTorch calls it: a function of tensors and the operation's attributes.

Imported only where torch is installed. Images are (batch, height, width, channels) here and (batch, channels, height, width)
there. Where the conventions of the two libraries differ otherwise, the function says what stands for what.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

PEERS: dict[str, Callable[..., Any]] = {}

SAME_NAME = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Add": "add", "Asin": "asin", "Asinh": "asinh", "Atan": "atan",
    "Atan2": "atan2", "Atanh": "atanh", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh", "Digamma": "digamma", "Equal": "eq",
    "Erf": "erf", "Erfc": "erfc", "Exp": "exp", "Expm1": "expm1", "Floor": "floor", "Greater": "gt", "GreaterEqual": "ge",
    "IsFinite": "isfinite", "IsInf": "isinf", "IsNan": "isnan", "Less": "lt", "LessEqual": "le", "Lgamma": "lgamma",
    "Log": "log", "Log1p": "log1p", "LogicalAnd": "logical_and", "LogicalNot": "logical_not", "LogicalOr": "logical_or",
    "LogicalXor": "logical_xor", "Maximum": "maximum", "Minimum": "minimum", "Mul": "mul", "Neg": "neg", "NotEqual": "ne",
    "Pow": "pow", "RealDiv": "true_divide", "Reciprocal": "reciprocal", "Round": "round", "Rsqrt": "rsqrt",
    "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh", "Sqrt": "sqrt", "Square": "square", "Sub": "sub",
    "Tan": "tan", "Tanh": "tanh", "Trunc": "trunc", "FloorMod": "remainder", "TruncateMod": "fmod",
    "MatrixDiag": "diag_embed",
}  # fmt: skip
PEERS.update({name: getattr(torch, peer) for name, peer in SAME_NAME.items()})


def all_axes(x: Any, axes: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axes is None else tuple(axes)


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """torch reduces no axis as all of them."""

    def reduce(x: Any, axes: Any, keepdims: bool) -> Any:
        chosen = all_axes(x, axes)
        return function(x, dim=chosen, keepdim=keepdims) if chosen else function(x[None], dim=0)

    return reduce


def one_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """For reductions of one axis at a time."""

    def reduce(x: Any, axes: Any, keepdims: bool) -> Any:
        for axis in sorted((a % x.ndim for a in all_axes(x, axes)), reverse=True):
            x = function(x, dim=axis, keepdim=keepdims)
        return x

    return reduce


def variance(x: Any, mean: Any, axes: Any, keepdims: bool) -> Any:
    """The mean is given."""
    chosen = all_axes(x, axes)
    wide = (
        mean
        if keepdims
        else mean.reshape([1 if i in {a % x.ndim for a in chosen} else n for i, n in enumerate(x.shape)])
    )
    distances = (x - wide) ** 2
    return distances.mean(dim=chosen, keepdim=keepdims) if chosen else distances


PEERS.update(
    Sum=reduction(torch.sum),
    Mean=reduction(torch.mean),
    Max=reduction(torch.amax),
    Min=reduction(torch.amin),
    All=one_by_one(torch.all),
    Any=one_by_one(torch.any),
    Prod=one_by_one(torch.prod),
    EuclideanNorm=lambda x, axes, keepdims: (
        torch.linalg.vector_norm(x, dim=all_axes(x, axes), keepdim=keepdims) if all_axes(x, axes) else x.abs()
    ),
    ArgMax=lambda x, axis, **attrs: torch.argmax(x, dim=axis),
    ArgMin=lambda x, axis, **attrs: torch.argmin(x, dim=axis),
    AddN=lambda *values: sum(values[1:], values[0]),
    FloorDiv=lambda x, y: torch.div(x, y, rounding_mode="floor"),
    TruncateDiv=lambda x, y: torch.div(x, y, rounding_mode="trunc"),
    SquaredDifference=lambda x, y: (x - y) ** 2,
    DivNoNan=lambda x, y: torch.where(y == 0, torch.zeros_like(x / y), x / torch.where(y == 0, torch.ones_like(y), y)),
    PolyGamma=lambda x, order: torch.polygamma(order, x),
    ClipByValue=lambda x, low, high: torch.clamp(x, low, high),
    Select=torch.where,
    Cast=lambda x, dtype: x.to(getattr(torch, dtype.name)),
    Identity=lambda x: x.clone(),
    Concat=lambda *values, axis: torch.cat(values, dim=axis),
    Split=lambda x, num, axis: torch.chunk(x, num, dim=axis),
    SplitV=lambda x, sizes, num, axis: (
        torch.split(x, sizes.tolist(), dim=axis) if min(sizes.tolist()) >= 0 else NotImplemented
    ),
    Transpose=lambda x, perm: x.permute(perm),
    Reshape=lambda x, shape: x.reshape(shape.tolist()),
    ExpandDims=lambda x, axes: torch.from_numpy(np.expand_dims(np.empty(x.shape), axes)).shape and x.reshape(
        np.expand_dims(np.empty(x.shape), axes).shape
    ),
    Squeeze=lambda x, axes: torch.squeeze(x) if axes is None else torch.squeeze(x, axes),
    BroadcastTo=lambda x, shape: torch.broadcast_to(x, shape.tolist()),
    Where=lambda condition: torch.nonzero(condition),
    # linear algebra
    MatMul=lambda a, b, transpose_a, transpose_b, **attrs: torch.matmul(
        a.mT if transpose_a else a, b.mT if transpose_b else b
    ),
    MatrixTranspose=lambda x: x.mT,
    Diag=lambda x: torch.diag(x.reshape(-1)).reshape(x.shape + x.shape),
    MatrixDiagPart=lambda x: torch.diagonal(x, dim1=-2, dim2=-1),
    Cholesky=torch.linalg.cholesky,
    MatrixDeterminant=torch.linalg.det,
    LogMatrixDeterminant=torch.linalg.slogdet,
    MatrixInverse=lambda x, adjoint: torch.linalg.inv(x.mT if adjoint else x),
    MatrixSolve=lambda a, b, adjoint: torch.linalg.solve(a.mT if adjoint else a, b),
    MatrixTriangularSolve=lambda a, b, lower, adjoint: torch.linalg.solve_triangular(
        (torch.tril(a) if lower else torch.triu(a)).mT if adjoint else a, b, upper=lower == adjoint
    ),
    # scans
    Cumsum=lambda x, axis, exclusive, reverse: scanned(torch.cumsum, x, axis, exclusive, reverse, 0),
    Cumprod=lambda x, axis, exclusive, reverse: scanned(torch.cumprod, x, axis, exclusive, reverse, 1),
    # neural networks
    Relu=F.relu,
    Relu6=F.relu6,
    Elu=lambda x, alpha: F.elu(x, alpha),
    Selu=F.selu,
    Gelu=lambda x, approximate: F.gelu(x, approximate="tanh" if approximate else "none"),
    LeakyRelu=lambda x, alpha: F.leaky_relu(x, alpha),
    Silu=lambda x, beta: x * torch.sigmoid(beta * x),
    Softplus=F.softplus,
    Softsign=F.softsign,
    Softmax=lambda x: torch.softmax(x, -1),
    LogSoftmax=lambda x: torch.log_softmax(x, -1),
    BiasAdd=torch.add,
    L2Loss=lambda x: (x * x).sum() / 2,
    SigmoidCrossEntropyWithLogits=lambda logits, labels: F.binary_cross_entropy_with_logits(
        logits, labels, reduction="none"
    ),
    SoftmaxCrossEntropyWithLogits=lambda logits, labels: (-(labels * torch.log_softmax(logits, -1)).sum(-1),),
    SparseSoftmaxCrossEntropyWithLogits=lambda logits, labels: (
        F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels.long().reshape(-1), reduction="none"
        ).reshape(labels.shape),
    ),
    LayerNorm=lambda x, scale, offset, epsilon: (F.layer_norm(x, scale.shape, scale, offset, epsilon),),
    FusedBatchNorm=lambda x, scale, offset, epsilon: (
        F.batch_norm(x.movedim(-1, 1), None, None, scale, offset, True, 0.0, epsilon).movedim(1, -1),
    ) if x.numel() > x.shape[-1] else NotImplemented,
    BatchNormalize=lambda x, mean, variance, scale, offset, epsilon: (
        (x - mean) * torch.rsqrt(variance + epsilon) * scale + offset
    ),
    LRN=lambda x, depth_radius, bias, alpha, beta: F.local_response_norm(
        x.movedim(-1, 1), 2 * depth_radius + 1, alpha * (2 * depth_radius + 1), beta, bias
    ).movedim(1, -1),
    Variance=variance,
    # parts
    Pad=lambda x, paddings, value: F.pad(x, [int(n) for pair in reversed(paddings.tolist()) for n in pair], value=value),
    Tile=lambda x, multiples: torch.tile(x, multiples.tolist()) if x.ndim else x.clone(),
    Reverse=lambda x, axes: torch.flip(x, axes),
    Roll=lambda x, shift, axes: torch.roll(x, shift.reshape(-1).tolist(), axes) if axes else x.clone(),
    Slice=lambda x, begin, size: x[
        tuple(slice(b, b + n if n >= 0 else long + 1 + n)
            for b, n, long in zip(begin.tolist(), size.tolist(), x.shape, strict=True))
    ],
    StopGradient=lambda x: x.detach(),
    UnsortedSegmentMax=lambda *inputs: segments("amax", *inputs),
    UnsortedSegmentMin=lambda *inputs: segments("amin", *inputs),
    UnsortedSegmentProd=lambda *inputs: segments("prod", *inputs),
    TensorScatterAdd=lambda x, indices, updates: (
        x.index_put(tuple(indices.long().unbind(-1)), updates, accumulate=True) if indices.shape[-1] else NotImplemented
    ),
    TensorScatterSub=lambda x, indices, updates: (
        x.index_put(tuple(indices.long().unbind(-1)), -updates, accumulate=True) if indices.shape[-1] else NotImplemented
    ),
    SelfAdjointEig=lambda x: (torch.linalg.eigvalsh(x),),
    Svd=lambda x, full_matrices: (torch.linalg.svdvals(x),),
    GatherV2=lambda x, indices, axis, batch_dims: (
        torch.index_select(x, axis, indices.reshape(-1)).reshape(
            x.shape[: axis % x.ndim] + indices.shape + x.shape[axis % x.ndim + 1 :]
        )
        if batch_dims == 0 else NotImplemented
    ),
    GatherNd=lambda x, indices: x[tuple(indices.long().unbind(-1))] if indices.shape[-1] else NotImplemented,
    BooleanMask=lambda x, mask, axis: x[(slice(None),) * (axis % x.ndim) + (mask,)],
    UnsortedSegmentSum=lambda values, ids, count: torch.zeros(
        (int(count), *values.shape[ids.ndim :]), dtype=values.dtype
    ).index_add(0, ids.reshape(-1), values.reshape(-1, *values.shape[ids.ndim :])) if (ids >= 0).all() else NotImplemented,
    EmbeddingBag=lambda x, ids, offsets: (
        F.embedding_bag(ids.long(), x.reshape(len(x), -1), offsets.long(), mode="sum")
        if x.ndim == 2 and ids.ndim == 1 and len(x) else NotImplemented
    ),
    ResizeBilinear=lambda x, size, align_corners, half_pixel_centers: (
        F.interpolate(
            x.movedim(-1, 1), size.tolist(), mode="bilinear", align_corners=align_corners
        ).movedim(1, -1)
        if x.ndim == 4 and x.numel() and align_corners != half_pixel_centers else NotImplemented
    ),
    ResizeNearestNeighbor=lambda x, size, align_corners, half_pixel_centers: (
        F.interpolate(x.movedim(-1, 1), size.tolist(), mode="nearest-exact" if half_pixel_centers else "nearest").movedim(
            1, -1
        )
        if x.ndim == 4 and x.numel() and not align_corners else NotImplemented
    ),
)  # fmt: skip


def segments(how: str, values: Any, ids: Any, count: Any) -> Any:
    """Segments without a value differ: ours hold the identity of the operation."""
    flat, wide = ids.reshape(-1).long(), values.reshape(-1, *values.shape[ids.ndim :])
    if not values.numel() or set(range(int(count))) - set(flat.tolist()) or (flat < 0).any():
        return NotImplemented
    start = torch.full((int(count), *wide.shape[1:]), 1e30, dtype=values.dtype)  # no tie with a value
    index = flat.reshape(-1, *[1] * (wide.ndim - 1)).expand(wide.shape)
    return start.scatter_reduce(0, index, wide, how, include_self=False)


def scanned(function: Any, x: Any, axis: int, exclusive: bool, reverse: bool, start: float) -> Any:
    x = torch.flip(x, [axis]) if reverse else x
    if exclusive:
        first = torch.full_like(x.narrow(axis, 0, min(1, x.shape[axis])), start)
        x = torch.cat([first, x.narrow(axis, 0, max(x.shape[axis] - 1, 0))], axis)
    result = function(x, dim=axis)
    return torch.flip(result, [axis]) if reverse else result


# --- windows ---


def padded(
    x: Any, window: Any, strides: Any, padding: str, explicit: Any, value: float, dilations: Any = (1, 1)
) -> Any:
    """x with channels second, and the border that the padding stands for."""
    sides = []
    for i, (size, k, s, d) in enumerate(zip(x.shape[1:3], window, strides, dilations, strict=True)):
        long = (k - 1) * d + 1
        if padding == "EXPLICIT":
            before, after = explicit[i]
        else:
            total = max((-(-size // s) - 1) * s + long - size, 0) if padding == "SAME" else 0
            before, after = total // 2, total - total // 2
        sides.append((before, after))
    (top, bottom), (left, right) = sides
    return F.pad(x.movedim(-1, 1), (left, right, top, bottom), value=value)


def conv2d(
    x: Any, f: Any, strides: Any, padding: str, explicit_paddings: Any = (), dilations: Any = (1, 1), groups: int = 1
) -> Any:
    if not x.numel() or not f.numel():
        return NotImplemented
    image = padded(x, f.shape[:2], strides, padding, explicit_paddings, 0.0, dilations)
    return F.conv2d(image, f.permute(3, 2, 0, 1).contiguous(), None, strides, 0, dilations, groups).movedim(1, -1)


def depthwise(x: Any, f: Any, strides: Any, padding: str, explicit_paddings: Any = (), dilations: Any = (1, 1)) -> Any:
    if not x.numel() or not f.numel():
        return NotImplemented
    image = padded(x, f.shape[:2], strides, padding, explicit_paddings, 0.0, dilations)
    h, w, channels, times = f.shape
    filters = f.permute(2, 3, 0, 1).reshape(channels * times, 1, h, w)
    return F.conv2d(image, filters, None, strides, 0, dilations, channels).movedim(1, -1)


def max_pool(x: Any, window: Any, strides: Any, padding: str, explicit_paddings: Any = ()) -> Any:
    if not x.numel():
        return NotImplemented
    image = padded(x, window, strides, padding, explicit_paddings, float("-inf"))
    return (F.max_pool2d(image, window, strides).movedim(1, -1),)


def average_pool(x: Any, window: Any, strides: Any, padding: str, explicit_paddings: Any = ()) -> Any:
    """Padding does not count."""
    if not x.numel():
        return NotImplemented
    sums, counts = (
        F.avg_pool2d(padded(a, window, strides, padding, explicit_paddings, 0.0), window, strides)
        for a in (x, torch.ones_like(x))
    )
    return (sums / counts).movedim(1, -1)


PEERS.update(Conv2D=conv2d, DepthwiseConv2dNative=depthwise, MaxPool=max_pool, AvgPool=average_pool)
