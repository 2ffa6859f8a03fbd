"""Registers the searcher `tpe`."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_searchers() -> Iterator[Component]:
    yield Component("tpe", "labkit_optuna.tpe:TpeSearcher")
