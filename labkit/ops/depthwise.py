"""Convolutions with filters of their own for each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core.convert import to_tensors
from labkit.core.shapes import Dim, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply
from labkit.ops.conv import conv2d
from labkit.ops.conv_records import register_convolution
from labkit.ops.window import DILATED_ATTRS, channels_last, window_attrs


def _multiplied(x: Sequence[Dim], filters: Sequence[Dim], attrs: Mapping[str, Any]) -> tuple[Dim, int]:
    depth, third, multiplier = x[3], filters[2], filters[3]
    if depth is not None and third is not None and depth != third:
        raise ShapeError(
            "",
            rule="The filter has as many input channels as the images",
            received=f"{show(tuple(x))} and {show(tuple(filters))}",
        )
    known = third if depth is None else depth
    return None if known is None or multiplier is None else known * multiplier, known or 1


def _case(x: Any, filters: Any, strides: Any, padding: Any, dilations: Any = (1, 1)) -> Any:
    attrs = {"strides": strides, "padding": padding, "dilations": dilations}
    if not isinstance(padding, str):
        attrs |= {"padding": "EXPLICIT", "explicit_paddings": padding}
    return x, filters, attrs


register_convolution(
    "DepthwiseConv2dNative",
    "depthwise_conv2d",
    _multiplied,
    attrs=DILATED_ATTRS,
    cases=(
        _case((2, 5, 5, 3), (3, 3, 3, 1), (1, 1), "SAME"),
        _case((1, 6, 7, 2), (3, 2, 2, 2), (1, 1), "VALID"),
        _case((2, 7, 6, 17), (3, 3, 17, 1), (2, 2), "SAME"),
        _case((1, 5, 4, 65), (2, 3, 65, 1), (2, 1), "VALID"),
        _case((1, 4, 5, 3), (3, 3, 3, 3), (1, 2), ((2, 0), (1, 3))),
        _case((1, 9, 8, 2), (3, 3, 2, 1), (1, 1), "SAME", (2, 3)),
        _case((1, 7, 7, 1), (3, 3, 1, 2), (4, 6), ((3, 3), (5, 4)), (6, 4)),
        _case((1, 1, 1, 3), (3, 3, 3, 1), (2, 2), "SAME"),
        _case((2, 2, 3, 1), (3, 3, 1, 2), (4, 65536), "SAME", (65536, 1)),
        _case((1, 2, 3, 2), (5, 7, 2, 1), (1, 2), "SAME"),
        _case((0, 4, 4, 3), (3, 3, 3, 2), (1, 2), "SAME"),
    ),
    formula="y[n, i, j, c m + q] = sum over u, v of x[n, i sh + u dh - top, j sw + v dw - left, c] filters[u, v, c, q], q < m",
    source='Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications" (2017), '
    "equation 3",
    doc="Cross-correlation of each channel of images (batch, height, width, channels) with filters of its own (height, width, "
    "channels, m), which gives m results for each channel, side by side. Strides, padding and dilations as in Conv2D.",
)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any = (1, 1),
    padding: Any = "SAME",
    dilations: Any = (1, 1),
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """Cross-correlation of each channel of images with filters of its own.

    Args:
        input: shape (batch, height, width, channels); float32 or float64.
        filter: shape (height, width, channels, multiplier), of the images' dtype.
        strides, padding, dilations, data_format: as for conv2d.

    Returns:
        Shape (batch, height', width', channels * multiplier): the results of channel c at c * multiplier and after.

    Raises:
        ShapeError: channels differ, or a filter is larger than the padded image.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    channels_last(data_format)
    return apply(
        "DepthwiseConv2dNative",
        to_tensors(input, filter),
        window_attrs(strides, padding, dilations),
        name or "depthwise",
    )


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any = (1, 1),
    padding: Any = "SAME",
    dilations: Any = (1, 1),
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """A depthwise convolution, then a 1x1 convolution across its channels (Chollet 2017, "Xception").

    Args:
        input: shape (batch, height, width, channels); float32 or float64.
        depthwise_filter: shape (height, width, channels, multiplier).
        pointwise_filter: shape (1, 1, channels * multiplier, out).
        strides, padding, dilations, data_format: of the depthwise convolution, as for conv2d.

    Returns:
        Shape (batch, height', width', out).

    Raises:
        ShapeError: shapes do not fit; the pointwise filter is not 1x1.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    images, depthwise, pointwise = to_tensors(input, depthwise_filter, pointwise_filter)
    sizes = None if pointwise.dims is None else pointwise.dims[:2]
    if sizes is not None and any(n not in (1, None) for n in sizes):
        raise ShapeError(
            "The pointwise filter of a separable convolution covers more than one pixel",
            rule="Its shape is (1, 1, channels * multiplier, out)",
            received=show(pointwise.dims),
        )
    scope = name or "separable_conv2d"
    middle = depthwise_conv2d(images, depthwise, strides, padding, dilations, data_format, f"{scope}/depthwise")
    return conv2d(middle, pointwise, 1, "VALID", name=scope)
