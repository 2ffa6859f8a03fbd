"""Registers the built-in constraints."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_NORMS, _SIGNS = "labkit.constraints.norms", "labkit.constraints.signs"


@hookimpl
def labkit_constraints() -> Iterator[Component]:
    yield Component("MaxNorm", f"{_NORMS}:MaxNorm", aliases=("max_norm",))
    yield Component("UnitNorm", f"{_NORMS}:UnitNorm", aliases=("unit_norm",))
    yield Component("MinMaxNorm", f"{_NORMS}:MinMaxNorm", aliases=("min_max_norm",))
    yield Component("NonNegative", f"{_SIGNS}:NonNegative", aliases=("non_negative",))
    yield Component("NonNeg", f"{_SIGNS}:NonNegative", aliases=("non_neg",))
