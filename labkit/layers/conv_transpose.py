"""Transposed convolutions: from small to large."""

from __future__ import annotations

import labkit as lk
from labkit.layers.conv import Convolution


class TransposedConvolution(Convolution):
    """The transpose of a convolution of the same settings: what that one's gradient does to its result.

    A size becomes size * stride with "same" padding, and size * stride + max(reach - stride, 0) with "valid", with reach
    as for `Convolution`. (Dumoulin and Visin 2016, chapter 4; Zeiler et al., Deconvolutional networks, 2010.)

    Arguments as for `Convolution`, but that there are no groups.
    """

    grouped, shrinks = False, False

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)


class Conv2DTranspose(TransposedConvolution):
    """A transposed convolution of images. Arguments and sizes as for `TransposedConvolution`.

    x: [batch, height, width, channels], kernel: [kh, kw, filters, channels], bias: [filters],
    y: [batch, new height, new width, filters].
    """

    spatial = 2

    def convolve(self, inputs: lk.Tensor) -> lk.Tensor:
        padding, dilations = self.padding.upper(), self.dilation_rate
        return lk.nn.conv2d_transpose(inputs, self.kernel, None, self.strides, padding, dilations)


class Conv1DTranspose(TransposedConvolution):
    """A transposed convolution of sequences. Arguments and sizes as for `TransposedConvolution`.

    x: [batch, steps, channels], kernel: [size, filters, channels], bias: [filters], y: [batch, new steps, filters].
    """

    spatial = 1

    def convolve(self, inputs: lk.Tensor) -> lk.Tensor:
        padding, dilations = self.padding.upper(), self.dilation_rate
        return lk.nn.conv1d_transpose(inputs, self.kernel, None, self.strides, padding, dilations)
