"""Registers the built-in layers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_layers() -> Iterator[Component]:
    yield Component("Input", "labkit.layers.input:Input", aliases=("input",))
    yield Component("InputLayer", "labkit.layers.input:Input")
    yield Component("Dense", "labkit.layers.dense:Dense", aliases=("dense",))
    yield Component("Conv2D", "labkit.layers.conv:Conv2D", aliases=("conv2d",))
    yield Component("MaxPool2D", "labkit.layers.pooling:MaxPool2D", aliases=("max_pool2d",))
    yield Component("MaxPooling2D", "labkit.layers.pooling:MaxPool2D", aliases=("max_pooling2d",))
    yield Component("Flatten", "labkit.layers.flatten:Flatten", aliases=("flatten",))
    yield Component("Activation", "labkit.layers.activation:Activation", aliases=("activation",))
    yield Component("ReLU", "labkit.layers.activation:ReLU", aliases=("re_lu",))
    yield Component("Softmax", "labkit.layers.activation:Softmax", aliases=("softmax",))
    yield Component("Dropout", "labkit.layers.dropout:Dropout", aliases=("dropout",))
    yield Component("PadToSize", "labkit.layers.padding:PadToSize", aliases=("pad_to_size",))
    yield Component("ZeroPadding2D", "labkit.layers.padding:ZeroPadding2D", aliases=("zero_padding2d",))
