"""Registers the executor `ray`."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_executors() -> Iterator[Component]:
    yield Component("ray", "labkit_ray.executor:RayExecutor")
