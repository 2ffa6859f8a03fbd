"""Registers the built-in activations."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_activations() -> Iterator[Component]:
    yield Component("linear", "labkit.activations.functions:linear", aliases=("identity",))
    yield Component("relu", "labkit.activations.functions:relu")
    yield Component("sigmoid", "labkit.activations.functions:sigmoid")
    yield Component("tanh", "labkit.activations.functions:tanh")
    yield Component("softmax", "labkit.activations.functions:softmax")
