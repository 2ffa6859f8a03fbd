"""The data sets that come with labkit."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_datasets() -> Iterator[Component]:
    yield Component("mnist", "labkit.datasets.mnist_digits:mnist")
    yield Component("synthetic_digits", "labkit.datasets.drawn_digits:synthetic_digits")
