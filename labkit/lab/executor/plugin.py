"""Registers the built-in executor."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_executors() -> Iterator[Component]:
    yield Component("local", "labkit.lab.executor.local:LocalExecutor")
