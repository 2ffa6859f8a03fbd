"""Pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import Operation
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, need_rank, register
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, GraphError, ShapeError
from labkit.ops.build import apply
from labkit.ops.conv import (
    LONGEST,
    WINDOW_ATTRS,
    check_gradient,
    need_pair,
    padding_before,
    spatial_pair,
    window_attrs,
    window_output,
)

_ATTRS = {"window": Attr("ints", low=1, high=LONGEST), **WINDOW_ATTRS}
_LARGEST_BYTE_INDEX = 256


def _dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    if inputs[0] not in dt.FLOATS:
        raise DTypeError("", rule="Images are float32 or float64", received=inputs[0].name, fix="Use lk.cast.")
    window = attrs["window"]
    if len(window) != 2:
        raise ShapeError("", rule="window is a pair: along the height and along the width", received=str(window))
    return [inputs[0], dt.uint8 if window[0] * window[-1] <= _LARGEST_BYTE_INDEX else dt.int32]


def _gradient_dtypes(inputs: Any, attrs: Any) -> list[dt.DType]:
    dtype, index = _dtypes(inputs, attrs)
    if inputs[1] is not index:
        raise DTypeError("", rule=f"With this window the index is {index.name}", received=inputs[1].name)
    return [dtype]


def _gradient_shapes(c: OpContext) -> list[Dims]:
    (dims, _) = _shapes(OpContext([c.dims[2]], [c.dtypes[2]], c.attrs))
    check_gradient(c, 0, dims)
    check_gradient(c, 1, dims)
    return [c.dims[2]]


def _shapes(c: OpContext) -> list[Dims]:
    n, h, w, channels = need_rank(c, 0, 4, "A batch of images (batch, height, width, channels)")
    (kh, kw), (sh, sw), padding = need_pair(c, "window"), need_pair(c, "strides"), c.attrs["padding"]
    if kh * kw >= 2**31:
        raise ShapeError("", rule="A pooling window has fewer than 2**31 pixels", received=f"{kh} x {kw}")
    dims = (n, window_output(h, kh, sh, padding), window_output(w, kw, sw, padding), channels)
    return [dims, dims]


def _lower(image: int) -> Any:
    def rule(c: OpContext) -> Any:
        _, h, w, _ = c.dims[image]  # type: ignore[misc]
        (kh, kw), (sh, sw), padding = c.attrs["window"], c.attrs["strides"], c.attrs["padding"]
        return [kh, kw, sh, sw, padding_before(h, kh, sh, padding), padding_before(w, kw, sw, padding)], ()

    return rule


def _gradient(op: Operation, g: Tensor | None, g_index: Tensor | None) -> list[Tensor | None]:
    return [None if g is None else apply("MaxPoolGrad", [g, op.outputs[1], op.inputs[0]], op.attrs)]


def _no_second_order(op: Operation, g: Tensor) -> list[Tensor | None]:
    raise GraphError(
        f"The second derivative of max pooling ('{op.name}') is not available",
        rule="Max pooling can be differentiated once",
        fix="Use strided convolutions where a second derivative is needed.",
    )


def _reference(x: np.ndarray, window: Any, strides: Any, padding: str) -> tuple[np.ndarray, np.ndarray]:
    (kh, kw), (sh, sw) = window, strides
    n, h, w, channels = x.shape
    oh, ow = window_output(h, kh, sh, padding), window_output(w, kw, sw, padding)
    assert oh is not None
    assert ow is not None
    top, left = padding_before(h, kh, sh, padding), padding_before(w, kw, sw, padding)
    padded = np.full((n, h + 2 * kh + sh, w + 2 * kw + sw, channels), -np.inf)
    padded[:, top : top + h, left : left + w] = x
    y = np.empty((n, oh, ow, channels))
    index = np.empty(y.shape, int)
    for i, j in np.ndindex(oh, ow):
        flat = padded[:, i * sh : i * sh + kh, j * sw : j * sw + kw].reshape(n, kh * kw, channels)
        y[:, i, j], index[:, i, j] = flat.max(axis=1), flat.argmax(axis=1)
    return y, index


def _reference_gradient(
    g: np.ndarray, index: np.ndarray, x: np.ndarray, window: Any, strides: Any, padding: str
) -> np.ndarray:
    (kh, kw), (sh, sw) = window, strides
    n, h, w, channels = x.shape
    top, left = padding_before(h, kh, sh, padding), padding_before(w, kw, sw, padding)
    result = np.zeros((n, h + 2 * kh, w + 2 * kw, channels))
    for b, i, j, c in np.ndindex(g.shape):
        row, column = divmod(int(index[b, i, j, c]), kw)
        if row >= kh or index[b, i, j, c] < 0:  # another window's
            continue
        result[b, i * sh + row, j * sw + column, c] += g[b, i, j, c]
    return result[:, top : top + h, left : left + w]


_CASES: tuple[Any, ...] = (
    ((2, 4, 4, 3), (2, 2), (2, 2), "SAME"),
    ((1, 5, 5, 17), (2, 2), (2, 2), "VALID"),
    ((2, 5, 7, 2), (3, 3), (2, 2), "SAME"),
    ((1, 6, 6, 1), (3, 2), (1, 1), "VALID"),
    # strides longer than the image or the window, windows larger than the image, no image at all
    ((1, 1, 1, 3), (3, 3), (2, 2), "SAME"),
    ((1, 1, 1, 3), (1, 1), (2, 2), "VALID"),
    ((2, 2, 3, 1), (3, 3), (4, 4), "SAME"),
    ((1, 7, 2, 2), (2, 2), (3, 65536), "VALID"),
    ((1, 2, 3, 2), (5, 7), (1, 2), "SAME"),
    ((0, 4, 4, 3), (3, 3), (1, 2), "SAME"),
    ((0, 4, 4, 3), (3, 3), (2, 1), "VALID"),
)


def _samples(rng: np.random.Generator) -> list[Sample]:
    # A permutation: the largest of a window is far from the second, so that finite differences hold.
    return [
        Sample([rng.permutation(int(np.prod(x))).reshape(x) * 0.1], {"window": k, "strides": s, "padding": p})
        for x, k, s, p in _CASES
    ]


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for sample in _samples(rng):
        y, index = _reference(sample.inputs[0], **sample.attrs)
        cases.append(Sample([rng.normal(size=y.shape), index.astype(np.uint8), sample.inputs[0]], sample.attrs))
    return cases


register(
    OpDef(
        name="MaxPool",
        inputs=("x",),
        outputs=("y", "index"),
        attrs=_ATTRS,
        kernel="max_pool",
        dtypes=_dtypes,
        shapes=_shapes,
        gradient=_gradient,
        lower=_lower(0),
        reference=_reference,
        samples=_samples,
        doc="The largest number of each window of each image and channel, and its place in the window, row by row. Padding "
        "counts as minus infinity. Of several largest the first one counts, for the gradient too.",
    )
)
register(
    OpDef(
        name="MaxPoolGrad",
        inputs=("gradient", "index", "x"),
        shape_inputs=(2,),
        attrs=_ATTRS,
        kernel="max_pool_grad",
        dtypes=_gradient_dtypes,
        shapes=_gradient_shapes,
        lower=_lower(2),
        gradient=_no_second_order,
        reference=_reference_gradient,
        samples=_gradient_samples,
        doc="The gradient of MaxPool: each arriving number goes to the place its maximum came from.",
    )
)


def max_pool(x: Any, ksize: Any, strides: Any, padding: str = "VALID", name: str | None = None) -> Tensor:
    """The largest number of each window.

    Args:
        x: shape (batch, height, width, channels); float32 or float64.
        ksize: the window: an int, a pair, or [1, h, w, 1].
        strides: likewise.
        padding: "SAME" or "VALID", as in conv2d; padding counts as minus infinity.

    Raises:
        ShapeError: x is no batch of images, or a VALID window is larger than the image.
    """
    attrs = {"window": spatial_pair(ksize, "ksize"), **window_attrs(strides, padding)}
    return apply("MaxPool", [to_tensor(x)], attrs, name)
