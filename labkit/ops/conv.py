"""Convolution of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core.convert import to_tensors
from labkit.core.opdef import Attr
from labkit.core.shapes import Dim, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.build import apply
from labkit.ops.conv_records import ALGORITHMS, register_convolution
from labkit.ops.window import (
    DILATED_ATTRS,
    LONGEST,
    SOURCE,
    channels_last,
    window_attrs,
)


def _grouped(x: Sequence[Dim], filters: Sequence[Dim], attrs: Mapping[str, Any]) -> tuple[Dim, int]:
    depth, third, out, groups = x[3], filters[2], filters[3], attrs["groups"]
    received = f"{show(tuple(x))} and {show(tuple(filters))}"
    if depth is not None and third is not None and depth != third * groups:
        rule = "The filter has as many input channels as the images"
        if groups != 1:
            rule += f" have in each of {groups} groups"
        raise ShapeError("", rule=rule, received=received)
    if any(n is not None and n % groups for n in (depth, out)):
        raise ShapeError("", rule=f"Channels in and out are multiples of the {groups} groups", received=received)
    return out, groups


def _case(x: Any, filters: Any, strides: Any, padding: Any, dilations: Any = (1, 1), groups: int = 1) -> Any:
    attrs = {"strides": strides, "padding": padding, "dilations": dilations, "groups": groups}
    if not isinstance(padding, str):
        attrs |= {"padding": "EXPLICIT", "explicit_paddings": padding}
    return x, filters, attrs


register_convolution(
    "Conv2D",
    "conv2d",
    _grouped,
    attrs={
        **DILATED_ATTRS,
        "groups": Attr("int", 1, low=1, high=LONGEST),
        "algorithm": Attr("str", "auto", choices=ALGORITHMS),
    },
    cases=(
        _case((2, 5, 5, 3), (3, 3, 3, 4), (1, 1), "SAME"),
        _case((1, 6, 7, 1), (3, 3, 1, 5), (1, 1), "VALID"),
        _case((2, 7, 6, 2), (3, 2, 2, 3), (2, 2), "SAME"),
        _case((1, 8, 8, 17), (5, 5, 17, 2), (2, 3), "VALID"),
        _case((2, 4, 4, 3), (1, 1, 3, 16), (1, 1), "SAME"),
        # strides longer than the image or the filter, on one side or both; windows larger than the image; no image at all
        _case((1, 1, 1, 3), (3, 3, 3, 2), (2, 2), "SAME"),
        _case((1, 1, 1, 3), (1, 1, 3, 2), (2, 2), "VALID"),
        _case((2, 2, 3, 1), (3, 3, 1, 2), (4, 4), "SAME"),
        _case((1, 2, 3, 2), (2, 1, 2, 3), (4, 1), "VALID"),
        _case((1, 7, 2, 2), (2, 3, 2, 1), (3, 65536), "SAME"),
        _case((1, 2, 3, 2), (5, 7, 2, 1), (1, 2), "SAME"),
        _case((0, 4, 4, 3), (3, 3, 3, 2), (1, 2), "SAME"),
        _case((0, 4, 4, 3), (3, 3, 3, 2), (2, 1), "VALID"),
        # explicit padding, dilations with and without a divisor in common with the strides, groups
        _case((2, 5, 4, 3), (3, 2, 3, 4), (1, 2), ((2, 1), (0, 3))),
        _case((1, 9, 8, 2), (3, 3, 2, 3), (1, 1), "SAME", (2, 3)),
        _case((1, 9, 11, 2), (3, 2, 2, 2), (2, 3), "VALID", (4, 2)),
        _case((1, 7, 7, 1), (3, 3, 1, 2), (4, 6), ((3, 3), (5, 4)), (6, 4)),
        _case((1, 3, 2, 2), (3, 2, 2, 2), (1, 1), "SAME", (1, 65536)),
        _case((2, 5, 6, 4), (3, 3, 2, 6), (1, 1), "SAME", (1, 1), 2),
        _case((1, 6, 6, 6), (2, 3, 2, 3), (2, 2), ((1, 0), (1, 1)), (2, 1), 3),
        _case((2, 4, 5, 3), (3, 3, 1, 6), (1, 1), "SAME", (1, 1), 3),
        ((2, 5, 4, 3), (3, 3, 3, 5), {"algorithm": "direct"}),
    ),
    formula="y[n, i, j, k] = sum over u, v, c of x[n, i sh + u dh - top, j sw + v dw - left, c] filters[u, v, c, k]",
    source=SOURCE + "2; with dilations section 5.1",
    doc="Cross-correlation of images (batch, height, width, channels) with filters (height, width, in, out). SAME pads with "
    "zeros so that the result has ceil(size / stride) pixels, of an odd padding the larger half at the end; VALID does not "
    "pad; EXPLICIT pads as explicit_paddings says. Taps of a filter lie `dilations` pixels apart. With several groups the "
    "channels in and out are shared out to as many convolutions side by side. The algorithm may be asked for: Winograd's "
    "(Lavin and Gray 2016), which is fast for filters 3x3 and 5x5, computes tiles of results together, with rounding relative "
    "to the largest pixels of a tile, so that a pixel of 1e6 beside pixels near 1 changes results that no filter joins to it "
    "by about 1, and one near 3e38 makes them NaN; the direct algorithm does not.",
)


def conv2d(
    input: Any,
    filters: Any = None,
    strides: Any = (1, 1),
    padding: Any = "SAME",
    dilations: Any = (1, 1),
    data_format: str = "NHWC",
    groups: int = 1,
    name: str | None = None,
    *,
    filter: Any = None,
    algorithm: str = "auto",
) -> Tensor:
    """Cross-correlation of images with filters.

    Where the fast algorithm for 3x3 and 5x5 filters of stride 1 serves, tiles of results are computed together (Lavin and
    Gray 2016), and a pixel has a part in neighbours up to three pixels further than the filter reaches. What it adds there
    cancels but for rounding: a pixel of 1e6 beside pixels near 1 may change these by about 1, one near 3e38, an infinity or
    a NaN may make them NaN. Where pixels differ so, say algorithm="direct".

    Args:
        input: shape (batch, height, width, in); float32 or float64.
        filters: shape (height, width, in / groups, out), of the images' dtype; `filter` is another name for it.
        strides: an int, a pair, or [1, h, w, 1].
        padding: "SAME", "VALID", or how many zeros surround the images: [[top, bottom], [left, right]] or
            [[0, 0], [top, bottom], [left, right], [0, 0]].
        dilations: how far apart the filter's taps lie; as strides.
        data_format: "NHWC" only.
        groups: channels in and out are shared out to so many convolutions side by side.
        algorithm: "auto", "direct", or "winograd" (Lavin and Gray 2016), here and in the gradients. "auto" chooses by the
            shapes without the batch; `lk.explain_plan` shows what it chose. "winograd" serves float32 filters 3x3 and 5x5
            with strides, dilations and groups of 1.

    Returns:
        Shape (batch, height', width', out): ceil(size / stride) pixels along each side for SAME, otherwise
        floor((padded size - (filter - 1) * dilation - 1) / stride) + 1.

    Raises:
        ShapeError: channels do not fit, or a filter is larger than the padded image.
        InvalidArgumentError: another data format, an attribute out of its range, or an algorithm that does not serve.
    """
    channels_last(data_format)
    attrs = {**window_attrs(strides, padding, dilations), "groups": groups, "algorithm": algorithm}
    return apply("Conv2D", to_tensors(input, one_filter(filters, filter)), attrs, name)


def one_filter(filters: Any, filter: Any) -> Any:
    """The filters, whichever of the two names they were given under.

    Raises:
        InvalidArgumentError: both or none were given.
    """
    if (filters is None) == (filter is None):
        raise InvalidArgumentError(
            "A convolution takes one tensor of filters",
            rule="Give it as `filters` or as `filter`",
            received="both" if filters is not None else "none",
        )
    return filter if filters is None else filters


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: Any = "SAME", name: str | None = None) -> Tensor:
    """conv2d with its filter's taps `rate` pixels apart ("with holes"; Yu and Koltun 2016, equation 2).

    Args, errors: as conv2d's; the stride is 1.
    """
    return conv2d(value, filters, 1, padding, rate, name=name or "atrous_conv2d")
