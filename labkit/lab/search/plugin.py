"""Registers the built-in searchers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_searchers() -> Iterator[Component]:
    yield Component("asha", "labkit.lab.search.asha:AshaSearcher")
    yield Component("grid", "labkit.lab.search.grid:GridSearcher")
    yield Component("list", "labkit.lab.search.listed:ListSearcher")
    yield Component("random", "labkit.lab.search.random:RandomSearcher")
