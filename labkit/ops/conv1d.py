"""Convolution and pooling along one dimension: of images that are one pixel high."""

from __future__ import annotations

from typing import Any

from labkit.core.convert import to_tensor, to_tensors
from labkit.core.tensor import Tensor
from labkit.ops.avg_pool import avg_pool
from labkit.ops.build import apply
from labkit.ops.conv import one_filter
from labkit.ops.max_pool import max_pool
from labkit.ops.shape import expand_dims, squeeze
from labkit.ops.window import channels_last, line_attrs, line_number


def conv1d(
    input: Any,
    filters: Any = None,
    stride: Any = 1,
    padding: Any = "SAME",
    dilations: Any = 1,
    data_format: str = "NWC",
    groups: int = 1,
    name: str | None = None,
    *,
    filter: Any = None,
) -> Tensor:
    """Cross-correlation of sequences with filters: conv2d of images that are one pixel high.

    Args:
        input: shape (batch, length, in); float32 or float64.
        filters: shape (length, in / groups, out), of the input's dtype; `filter` is another name for it.
        stride, dilations: an int, [n] or [1, n, 1].
        padding: "SAME", "VALID", (before, after) or [[0, 0], [before, after], [0, 0]].
        data_format: "NWC" only.
        groups: channels in and out are shared out to so many convolutions side by side.

    Returns:
        Shape (batch, length', out), with the length by conv2d's rules.

    Raises:
        ShapeError: channels do not fit, or a filter is longer than the padded sequence.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    channels_last(data_format, "NWC")
    sequence, kernel = to_tensors(input, one_filter(filters, filter))
    attrs = {**line_attrs(stride, padding, dilations), "groups": groups}
    scope = name or "conv1d"
    images = apply("Conv2D", [expand_dims(sequence, 1), expand_dims(kernel, 0)], attrs, f"{scope}/conv2d")
    return squeeze(images, 1, scope)


def max_pool1d(
    input: Any,
    ksize: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:
    """The largest number of each window of sequences (batch, length, channels); otherwise as max_pool."""
    return _pool(max_pool, "max_pool1d", input, ksize, strides, padding, data_format, name)


def avg_pool1d(
    input: Any,
    ksize: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of sequences (batch, length, channels); otherwise as avg_pool."""
    return _pool(avg_pool, "avg_pool1d", input, ksize, strides, padding, data_format, name)


def _pool(
    pool: Any, title: str, input: Any, ksize: Any, strides: Any, padding: Any, data_format: str, name: str | None
) -> Tensor:
    channels_last(data_format, "NWC")
    attrs, scope = line_attrs(ksize if strides is None else strides, padding), name or title
    windows = attrs.get("explicit_paddings", attrs["padding"])
    images = pool(
        expand_dims(to_tensor(input), 1),
        (1, line_number(ksize, "ksize")),
        attrs["strides"],
        windows,
        name=f"{scope}/pool",
    )
    return squeeze(images, 1, scope)
