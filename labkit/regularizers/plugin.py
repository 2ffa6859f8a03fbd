"""Registers the built-in regularizers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_regularizers() -> Iterator[Component]:
    yield Component("L1", "labkit.regularizers.norms:L1", aliases=("l1",))
    yield Component("L2", "labkit.regularizers.norms:L2", aliases=("l2",))
    yield Component("L1L2", "labkit.regularizers.norms:L1L2", aliases=("l1_l2",))
    target = "labkit.regularizers.orthogonal:Orthogonal"
    yield Component("Orthogonal", target, aliases=("orthogonal",))
    yield Component("OrthogonalRegularizer", target, aliases=("orthogonal_regularizer",))
