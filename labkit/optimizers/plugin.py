"""Registers the built-in optimizers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_optimizers() -> Iterator[Component]:
    yield Component("SGD", "labkit.optimizers.sgd:SGD", aliases=("sgd", "gradient_descent"))
    yield Component("Momentum", "labkit.optimizers.momentum:Momentum", aliases=("momentum",))
    yield Component("Adam", "labkit.optimizers.adam:Adam", aliases=("adam",))
