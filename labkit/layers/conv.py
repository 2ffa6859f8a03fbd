"""Convolutions over sequences and images, and their transposes: one layer whose subclasses name the operation."""

from __future__ import annotations

from typing import Any, ClassVar

import labkit as lk
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.arguments import MEANING, checked_padding, positive, sizes
from labkit.layers.base import Layer, Shape
from labkit.plugins import resolve


class Convolution(Layer):
    """y = activation(convolve(x, kernel) + bias), over one or two dimensions.

    With reach = (kernel_size - 1) * dilation_rate + 1 the output has ceil(size / stride) places along each dimension
    with "same" padding, and ceil((size - reach + 1) / stride) with "valid". (Dumoulin and Visin, A guide to convolution
    arithmetic for deep learning, 2016.)

    Args:
        filters: the number of output channels.
        kernel_size, strides: one int, or (height, width) for images.
        padding: "valid" (none) or "same" (zeros all around; an odd one goes to the end).
        activation: a function Tensor -> Tensor, a registered name such as "relu", or None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: as for `Layer.add_weight`.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: likewise; None for none.
        activity_regularizer: of y, as for `Layer`.
        dilation_rate: how far apart the input's places under the kernel lie, as kernel_size.
        groups: channels in and out are shared out to so many convolutions side by side.
        algorithm: of Conv2D, as for `lk.nn.conv2d`: "auto", "direct" or "winograd"; the others have one.

    Raises:
        ShapeError: a size is no positive int; when called, the input has another rank, is of unknown or unfit channels,
            or smaller than the kernel.
        InvalidArgumentError: another setting is out of its range.
    """

    spatial: ClassVar[int]
    """How many dimensions the kernel slides over."""
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    algorithms: ClassVar[tuple[str, ...]] = ("auto",)
    grouped: ClassVar[bool] = True
    """Whether there may be groups."""
    shrinks: ClassVar[bool] = True
    """Whether the kernel has to fit into the input."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        algorithm: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        title, count = type(self).__name__, self.spatial
        self.filters = positive(filters, f"{title} needs a positive whole number of filters")
        self.use_bias = use_bias
        self.kernel_size, self.strides = sizes(kernel_size, count, "kernel_size"), sizes(strides, count, "strides")
        self.dilation_rate = sizes(dilation_rate, count, "dilation_rate")
        self.groups = positive(groups, f"{title} needs a positive whole number of groups")
        if self.filters % self.groups or (self.groups > 1 and not self.grouped):
            raise InvalidArgumentError(
                f"{title} cannot have such groups",
                rule="Groups divide the filters" if self.grouped else "It has one group",
                received=f"filters={filters}, groups={groups}",
            )
        if algorithm not in self.algorithms:
            rule = f"Its algorithm is {' or '.join(map(repr, self.algorithms))}"
            raise InvalidArgumentError(f"{title} has no such algorithm", rule=rule, received=repr(algorithm))
        self.algorithm = algorithm
        self.padding = checked_padding(padding, title, self.paddings)
        self.activation = None if activation is None else resolve("activations", activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, self.spatial + 2, MEANING[self.spatial])
        (channels,) = self.require_known(input_shape, (-1,), "channels")
        if channels % self.groups:
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) cannot share the channels out to its groups",
                rule=f"The channels are a multiple of groups={self.groups}",
                received=f"shape {show(input_shape)}",
                fix="Choose groups that divide the channels and the filters.",
            )
        if self.padding == "valid" and self.shrinks:
            reach = tuple((k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True))
            self.require_room(input_shape, reach, 'Use a smaller kernel_size or dilation_rate, or padding="same".')

    def build(self, input_shape: Shape) -> None:
        (channels,) = self.require_known(input_shape, (-1,), "channels")
        self.kernel = self.add_weight(
            "kernel",
            self.kernel_shape(channels),
            self.kernel_initializer,
            self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                (self.outputs(channels),),
                self.bias_initializer,
                self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def outputs(self, channels: int) -> int:
        """How many channels the result has for an input of so many."""
        return self.filters

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        """The kernel's shape for an input of so many channels."""
        return (*self.kernel_size, channels // self.groups, self.filters)

    def convolve(self, inputs: lk.Tensor) -> lk.Tensor:
        """The operation itself, without bias."""
        raise NotImplementedError(f"{type(self).__name__} must define convolve(inputs)")

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        y = self.convolve(inputs)
        if self.use_bias:
            y = lk.nn.bias_add(y, self.bias)
        return self.activate(y, self.activation)

    def settings(self) -> dict[str, Any]:
        return {"filters": self.filters, "kernel_size": self.kernel_size}


class Conv2D(Convolution):
    """A cross-correlation over height and width of images. Arguments and sizes as for `Convolution`.

    x: [batch, height, width, channels], kernel: [kh, kw, channels / groups, filters], bias: [filters],
    y: [batch, new height, new width, filters].

    The fast algorithm for 3x3 and 5x5 kernels rounds relative to the largest pixels nearby, which matters where these
    are larger than others by many orders of magnitude; algorithm="direct" does not. See `lk.nn.conv2d`.
    """

    spatial, algorithms = 2, ("auto", "direct", "winograd")

    def convolve(self, inputs: lk.Tensor) -> lk.Tensor:
        padding, dilations = self.padding.upper(), self.dilation_rate
        groups, algorithm = self.groups, self.algorithm
        return lk.nn.conv2d(inputs, self.kernel, self.strides, padding, dilations, groups=groups, algorithm=algorithm)


class Conv1D(Convolution):
    """A cross-correlation over the steps of sequences. Arguments and sizes as for `Convolution`.

    x: [batch, steps, channels], kernel: [size, channels / groups, filters], bias: [filters],
    y: [batch, new steps, filters]. The padding may also be "causal": zeros before the first step alone, so that step i
    of y depends on no later step of x (van den Oord et al., WaveNet, 2016); y is as long as with "same".
    """

    spatial, paddings = 1, ("valid", "same", "causal")

    def convolve(self, inputs: lk.Tensor) -> lk.Tensor:
        (size,), (dilation,) = self.kernel_size, self.dilation_rate
        padding = ((size - 1) * dilation, 0) if self.padding == "causal" else self.padding.upper()
        return lk.nn.conv1d(inputs, self.kernel, self.strides, padding, dilation, groups=self.groups)
