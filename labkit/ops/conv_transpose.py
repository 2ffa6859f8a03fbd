"""Transposed convolution: images that a convolution would shrink to the ones given."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.shapes import Dim, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import zeros
from labkit.ops.build import apply
from labkit.ops.compare import cast
from labkit.ops.shape import expand_dims, shape, squeeze
from labkit.ops.window import channels_last, line_attrs, window_attrs


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any = None,
    strides: Any = (1, 1),
    padding: Any = "SAME",
    dilations: Any = (1, 1),
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """The transpose of conv2d: what its gradient does to a result, as an operation of its own ("deconvolution").

    From Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4. It has conv2d's
    derivatives, of any order.

    Args:
        input: shape (batch, height, width, in); float32 or float64.
        filters: shape (height, width, out, in), of the images' dtype: out and in are exchanged against conv2d.
        output_shape: (batch, height', width', out), a list or a tensor. A None in the list, or None for all of it, stands
            for what follows from the other arguments: size * stride for SAME, and max(reach - stride, 0) more without
            padding, where reach = (filter - 1) * dilation + 1; explicit padding is taken away from that.
        strides, padding, dilations, data_format: as for conv2d, of the convolution that goes from the result to the input.

    Raises:
        ShapeError: the convolution of images of `output_shape` does not have the input's shape.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    channels_last(data_format)
    images, kernel = to_tensors(input, filters)
    attrs = window_attrs(strides, padding, dilations)
    result = _like(images, kernel, output_shape, attrs, 2)
    return apply("Conv2DBackpropInput", [result, kernel, images], attrs, name or "conv2d_transpose")


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any = None,
    strides: Any = 1,
    padding: Any = "SAME",
    dilations: Any = 1,
    data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:
    """The transpose of conv1d, as conv2d_transpose is that of conv2d.

    Args:
        input: shape (batch, length, in); float32 or float64.
        filters: shape (length, out, in), of the input's dtype.
        output_shape: (batch, length', out) as for conv2d_transpose.
        strides, padding, dilations, data_format: as for conv1d.

    Raises:
        ShapeError: the convolution of sequences of `output_shape` does not have the input's shape.
        InvalidArgumentError: another data format, or an attribute out of its range.
    """
    channels_last(data_format, "NWC")
    sequence, kernel = to_tensors(input, filters)
    attrs = line_attrs(strides, padding, dilations)
    result = _like(sequence, kernel, output_shape, attrs, 1)
    operands = [expand_dims(result, 1), expand_dims(kernel, 0), expand_dims(sequence, 1)]
    scope = name or "conv1d_transpose"
    return squeeze(apply("Conv2DBackpropInput", operands, attrs, f"{scope}/conv2d_transpose"), 1, scope)


def _like(images: Tensor, kernel: Tensor, given: Any, attrs: dict[str, Any], spatial: int) -> Tensor:
    """Zeros of the result's shape, of which only the shape will be needed."""
    sizes, windows = _dims(images, spatial + 2), _dims(kernel, spatial + 2)
    if isinstance(given, Tensor):
        result = zeros(given, images.dtype)
        result.set_shape([sizes[0], *[None] * spatial, windows[spatial]])
        return result
    wanted = [None] * (spatial + 2) if given is None else list(given)
    if len(wanted) != spatial + 2:
        raise ShapeError(
            "output_shape does not fit",
            rule=f"It has {spatial + 2} dimensions: the batch, {spatial} of the images, the channels",
            received=repr(given),
        )
    # A dimension is the input's * scale + more; scale is 0 where the result's is known.
    rules = [(1, 0), *_stretches(windows, attrs, spatial), (0, windows[spatial])]
    for i, (n, size) in enumerate(zip(wanted, sizes, strict=True)):
        scale, more = rules[i]
        if n is not None:
            rules[i] = (0, n)
        elif more is None:
            raise ShapeError(
                "The shape of a transposed convolution is not known",
                rule="Without output_shape the shape of the filters is known while the graph is built",
                received=f"filters {show(kernel.dims)}",
                fix="Give output_shape, a list or a tensor.",
            )
        elif size is not None:
            rules[i] = (0, size * scale + more)
    scales, offsets = ([rule[k] for rule in rules] for k in (0, 1))
    if not any(scales):
        return zeros(offsets, images.dtype)
    computed = cast(shape(images), dt.int64) * np.asarray(scales, np.int64) + np.asarray(offsets, np.int64)
    result = zeros(computed, images.dtype)
    result.set_shape([None if scale else n for scale, n in rules])
    return result


def _stretches(windows: tuple[Dim, ...], attrs: dict[str, Any], spatial: int) -> list[tuple[int, Any]]:
    """For each side of the images: what its size is multiplied by, and what is added then (None: unknown)."""
    pads = attrs.get("explicit_paddings", ((0, 0), (0, 0)))[-spatial:]
    strides, dilations = attrs["strides"][-spatial:], attrs.get("dilations", (1, 1))[-spatial:]
    if attrs["padding"] == "SAME":
        return [(stride, 0) for stride in strides]
    return [
        (stride, None if window is None else max((window - 1) * dilation + 1 - stride, 0) - sum(pair))
        for window, stride, dilation, pair in zip(windows, strides, dilations, pads, strict=False)
    ]


def _dims(tensor: Tensor, rank: int) -> tuple[Dim, ...]:
    if tensor.dims is None:
        return (None,) * rank
    if len(tensor.dims) != rank:
        raise ShapeError(
            "A transposed convolution does not fit its operands",
            rule=f"Input and filters have {rank} dimensions",
            received=repr(tensor),
        )
    return tensor.dims
