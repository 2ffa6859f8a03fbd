"""The data sets that come with labkit."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_datasets() -> Iterator[Component]:
    yield Component("mnist", "labkit.datasets.mnist_digits:mnist")
    yield Component("fashion_mnist", "labkit.datasets.fashion:fashion_mnist")
    yield Component("cifar10", "labkit.datasets.cifar:cifar10")
    yield Component("cifar10_jpeg", "labkit.datasets.cifar:cifar10_jpeg")
    yield Component("synthetic_digits", "labkit.datasets.drawn_digits:synthetic_digits")
    yield Component("two_moons", "labkit.datasets.planes:two_moons")
    yield Component("spirals", "labkit.datasets.planes:spirals")
    yield Component("checkerboard", "labkit.datasets.planes:checkerboard")
    yield Component("sinc", "labkit.datasets.curves:sinc")
    yield Component("crash_course_function", "labkit.datasets.curves:crash_course_function")
    yield Component("iris_like", "labkit.datasets.tables:iris_like")
    yield Component("houses", "labkit.datasets.tables:houses")
