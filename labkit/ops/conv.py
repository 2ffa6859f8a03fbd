"""Convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.graph import Operation
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, need_rank, register, same_dtype, whole
from labkit.core.shapes import Dim, Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply

LONGEST = 65536
"""The longest stride, and the longest side of a pooling window."""

WINDOW_ATTRS = {
    "strides": Attr("ints", (1, 1), low=1, high=LONGEST),
    "padding": Attr("str", "SAME", choices=("SAME", "VALID")),
}


def window_output(size: Dim, window: Dim, stride: int, padding: str) -> Dim:
    """How many windows fit one dimension: ceil(size / stride) for SAME, ceil((size - window + 1) / stride) for VALID.

    Raises:
        ShapeError: not even one VALID window fits, or the window is empty.
    """
    if window == 0:
        raise ShapeError("", rule="A window has at least one pixel", received="one of size 0")
    if size is None or (window is None and padding == "VALID"):
        return None
    if padding == "SAME":
        return -(-size // stride)
    assert window is not None
    if size < window:
        raise ShapeError(
            "", rule="With VALID padding the window is not larger than the image", received=f"{window} and {size}"
        )
    return -(-(size - window + 1) // stride)


def padding_before(size: Any, window: Any, stride: int, padding: str) -> int:
    """How many zeros SAME puts before a dimension; of an odd total the larger half goes to the end."""
    if padding == "VALID":
        return 0
    return max((-(-size // stride) - 1) * stride + window - size, 0) // 2


def need_pair(context: OpContext, name: str) -> tuple[int, int]:
    """An attribute that holds one number each for height and width."""
    value = context.attrs[name]
    if len(value) != 2:
        raise ShapeError("", rule=f"{name} is a pair: along the height and along the width", received=str(value))
    return value


def _conv_shape(c: OpContext) -> list[Dims]:
    n, h, w, channels = need_rank(c, 0, 4, "A batch of images (batch, height, width, channels)")
    fh, fw, fc, out = need_rank(c, 1, 4, "A filter (height, width, in, out)")
    if channels is not None and fc is not None and channels != fc:
        raise ShapeError(
            "",
            rule="The filter has as many input channels as the images",
            received=f"{show(c.dims[0])} and {show(c.dims[1])}",
        )
    (sh, sw), padding = need_pair(c, "strides"), c.attrs["padding"]
    return [(n, window_output(h, fh, sh, padding), window_output(w, fw, sw, padding), out)]


def check_gradient(c: OpContext, index: int, expected: Dims) -> None:
    """Checks that input `index` has the shape of what it is the gradient of."""
    if not compatible(c.dims[index], expected):
        raise ShapeError(
            "", rule=f"The gradient has the result's shape, {show(expected)}", received=show(c.dims[index])
        )


def _gradient_shape(which: int) -> Any:
    def rule(c: OpContext) -> list[Dims]:
        check_gradient(c, 2, _conv_shape(c)[0])
        return [c.dims[which]]

    return rule


def _lower_conv(image: int, filters: int) -> Any:
    def rule(c: OpContext) -> tuple[list[int], Sequence[float]]:
        _, h, w, _ = c.dims[image]  # type: ignore[misc]
        fh, fw, *_ = c.dims[filters]  # type: ignore[misc]
        (sh, sw), padding = c.attrs["strides"], c.attrs["padding"]
        return [sh, sw, padding_before(h, fh, sh, padding), padding_before(w, fw, sw, padding)], ()

    return rule


def _conv_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    x, filters = op.inputs
    return [
        apply("Conv2DBackpropInput", [x, filters, g], op.attrs),
        apply("Conv2DBackpropFilter", [x, filters, g], op.attrs),
    ]


def _reference(x: np.ndarray, filters: np.ndarray, strides: Any, padding: str) -> np.ndarray:
    patches = _patches(x, filters.shape[:2], strides, padding)
    return np.einsum("nhwijc,ijco->nhwo", patches, filters)


def _patches(x: np.ndarray, window: Any, strides: Any, padding: str) -> np.ndarray:
    spans: list[Any] = []
    for size, k, s in zip(x.shape[1:3], window, strides, strict=True):
        out = window_output(size, k, s, padding)
        before = padding_before(size, k, s, padding)
        assert out is not None
        spans.append((before, max((out - 1) * s + k - size - before, 0), out))
    (top, bottom, oh), (left, right, ow) = spans
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(1, 2))
    return views[:, :: strides[0], :: strides[1]][:, :oh, :ow].transpose(0, 1, 2, 4, 5, 3)


def _reference_filter(x: np.ndarray, filters: np.ndarray, g: np.ndarray, strides: Any, padding: str) -> np.ndarray:
    return np.einsum("nhwijc,nhwo->ijco", _patches(x, filters.shape[:2], strides, padding), g)


def _reference_input(x: np.ndarray, filters: np.ndarray, g: np.ndarray, strides: Any, padding: str) -> np.ndarray:
    (kh, kw), (_, h, w, _) = filters.shape[:2], x.shape
    top, left = (padding_before(n, k, s, padding) for n, k, s in zip((h, w), (kh, kw), strides, strict=True))
    result = np.zeros((x.shape[0], h + 2 * kh, w + 2 * kw, x.shape[3]))
    for i, j in np.ndindex(kh, kw):
        for p, q in np.ndindex(g.shape[1:3]):
            r, s = p * strides[0] + i - top + kh, q * strides[1] + j - left + kw
            result[:, r, s] += g[:, p, q] @ filters[i, j].T
    return result[:, kh : kh + h, kw : kw + w]


_CASES: tuple[Any, ...] = (
    ((2, 5, 5, 3), (3, 3, 3, 4), (1, 1), "SAME"),
    ((1, 6, 7, 1), (3, 3, 1, 5), (1, 1), "VALID"),
    ((2, 7, 6, 2), (3, 2, 2, 3), (2, 2), "SAME"),
    ((1, 8, 8, 17), (5, 5, 17, 2), (2, 3), "VALID"),
    ((2, 4, 4, 3), (1, 1, 3, 16), (1, 1), "SAME"),
    # strides longer than the image or the filter, on one side or both; windows larger than the image; no image at all
    ((1, 1, 1, 3), (3, 3, 3, 2), (2, 2), "SAME"),
    ((1, 1, 1, 3), (1, 1, 3, 2), (2, 2), "VALID"),
    ((2, 2, 3, 1), (3, 3, 1, 2), (4, 4), "SAME"),
    ((1, 2, 3, 2), (2, 1, 2, 3), (4, 1), "VALID"),
    ((1, 7, 2, 2), (2, 3, 2, 1), (3, 65536), "SAME"),
    ((1, 2, 3, 2), (5, 7, 2, 1), (1, 2), "SAME"),
    ((0, 4, 4, 3), (3, 3, 3, 2), (1, 2), "SAME"),
    ((0, 4, 4, 3), (3, 3, 3, 2), (2, 1), "VALID"),
)


def _samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample([rng.normal(size=x), rng.normal(size=f)], {"strides": s, "padding": p}) for x, f, s, p in _CASES]


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for x, f, s, p in _CASES:
        out: Any = tuple(window_output(n, k, t, p) for n, k, t in zip(x[1:3], f[:2], s, strict=True))
        inputs = [rng.normal(size=x), rng.normal(size=f), rng.normal(size=(x[0], *out, f[3]))]
        cases.append(Sample(inputs, {"strides": s, "padding": p}))
    return cases


register(
    OpDef(
        name="Conv2D",
        inputs=("x", "filters"),
        attrs=WINDOW_ATTRS,
        kernel="conv2d",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_conv_shape,
        gradient=_conv_gradient,
        lower=_lower_conv(0, 1),
        reference=_reference,
        samples=_samples,
        doc="Cross-correlation of images (batch, height, width, channels) with filters (height, width, in, out). SAME pads "
        "with zeros so that the result has ceil(size / stride) pixels, of an odd padding the larger half at the end; VALID "
        "does not pad.",
    )
)
register(
    OpDef(
        name="Conv2DBackpropInput",
        inputs=("x", "filters", "gradient"),
        shape_inputs=(0,),
        attrs=WINDOW_ATTRS,
        kernel="conv2d_backprop_input",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_gradient_shape(0),
        lower=_lower_conv(0, 1),
        gradient=lambda op, g: [
            None,
            apply("Conv2DBackpropFilter", [g, op.inputs[1], op.inputs[2]], op.attrs),
            apply("Conv2D", [g, op.inputs[1]], op.attrs),
        ],
        reference=_reference_input,
        samples=_gradient_samples,
        doc="The gradient of Conv2D with respect to its images; of x only the shape matters.",
    )
)
register(
    OpDef(
        name="Conv2DBackpropFilter",
        inputs=("x", "filters", "gradient"),
        shape_inputs=(1,),
        attrs=WINDOW_ATTRS,
        kernel="conv2d_backprop_filter",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_gradient_shape(1),
        lower=_lower_conv(0, 1),
        gradient=lambda op, g: [
            apply("Conv2DBackpropInput", [op.inputs[0], g, op.inputs[2]], op.attrs),
            None,
            apply("Conv2D", [op.inputs[0], g], op.attrs),
        ],
        reference=_reference_filter,
        samples=_gradient_samples,
        doc="The gradient of Conv2D with respect to its filters, of which only the shape matters.",
    )
)


def spatial_pair(value: Any, name: str) -> tuple[int, int]:
    """A pair (height, width) from an int, a pair, or TensorFlow's [1, h, w, 1].

    Raises:
        ShapeError: it is none of these.
    """
    try:
        items = [whole(n) for n in value] if hasattr(value, "__iter__") else [whole(value)] * 2
    except TypeError:
        items = []
    if len(items) == 4 and items[0] == items[3] == 1:
        items = items[1:3]
    if len(items) != 2:
        raise ShapeError(
            f"{name} does not fit images", rule="An int, a pair (height, width) or [1, h, w, 1]", received=repr(value)
        )
    return items[0], items[1]


def window_attrs(strides: Any, padding: Any) -> dict[str, Any]:
    """What convolution and pooling are told alike, as attributes; padding in either case."""
    return {
        "strides": spatial_pair(strides, "strides"),
        "padding": padding.upper() if isinstance(padding, str) else padding,
    }


def conv2d(x: Any, filters: Any, strides: Any = (1, 1), padding: str = "SAME", name: str | None = None) -> Tensor:
    """Cross-correlation of images with filters.

    Where the fast algorithm for 3x3 filters serves, an infinity or NaN in x may reach neighbours up to three pixels
    further than the filter does (Lavin and Gray 2016: tiles of 4x4 results are computed together).

    Args:
        x: shape (batch, height, width, in); float32 or float64.
        filters: shape (height, width, in, out), of x's dtype.
        strides: an int, a pair, or [1, h, w, 1].
        padding: "SAME" or "VALID".

    Returns:
        Shape (batch, height', width', out): ceil(size / stride) pixels along each side for SAME,
        ceil((size - filter + 1) / stride) for VALID.

    Raises:
        ShapeError: channels differ, or a VALID filter is larger than the image.
    """
    return apply("Conv2D", to_tensors(x, filters), window_attrs(strides, padding), name)
