"""Generated sets: their numbers to the bit, what they promise, and what a model makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core.nest import flatten
from labkit.datasets.base import SPLITS, DataSet, DataSetInfo
from labkit.datasets.generated import Draws, generated
from labkit.errors import InvalidArgumentError, ResourceExhaustedError
from labkit.plugins import Component, Lab, hookimpl
from labkit.testing import check_dataset

CONTENT = {
    "two_moons": "58480c17657be0d4ad82a7425ee364e5d6e1a98d469e1bda744bc1ebd3089502",
    "spirals": "b53576fe9ea7417e9d3412376a15d15d084ddeed7fff19874e09ebcea2060ddf",
    "checkerboard": "9cc239ae719ebb1529ee3c192f50681eea514c0e44b5d5dc38318bd76ac04388",
    "sinc": "f3b5d99b0a5b86fba24475ac4e154c856e9ee6630072c4220b6a5c23b0e83b8c",
    "crash_course_function": "bd589c1baecb4741bcb9cd436d81c99ecc13e7a6c68507c7af2029b1b974ef74",
    "iris_like": "980fbb61de56cefe5bb4099b771eb0dcaf10581a95ca13ab9c247c53788645e5",
    "houses": "482e847fee898b65af57b8aeeaa2d3b0f05d78f743cb42fcfaeb4de131c21037",
}
SMALL = {"train": 30, "validation": 20, "test": 10}


def content(data: DataSet) -> str:
    digest = hashlib.sha256()
    for split in SPLITS:
        for array in (*flatten(data.split(split).x), data.split(split).y):
            digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", CONTENT)
def test_content_is_pinned(name: str) -> None:
    assert content(lk.datasets.load(name)) == CONTENT[name]


@pytest.mark.parametrize("name", CONTENT)
def test_an_example_does_not_depend_on_how_many_there_are(name: str) -> None:
    few, many = lk.datasets.load(name, **SMALL), lk.datasets.load(name, **{k: 3 * v for k, v in SMALL.items()})
    assert few.checksum != many.checksum
    for split in SPLITS:
        a, b = few.split(split), many.split(split)
        assert len(a) == SMALL[split] == few.info.examples[split]
        for x, y in zip([*flatten(a.x), a.y], [*flatten(b.x), b.y], strict=True):
            assert np.array_equal(x, y[: len(a)])


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("options", [{"train": -1}, {"test": 1.5}, {"seed": "a"}, {"validation": True}])
def test_numbers_that_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{name} cannot be made with {next(iter(options))}="):
        lk.datasets.load(name, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("two_moons", {"noise": -0.1}),
        ("two_moons", {"noise": float("nan")}),
        ("spirals", {"arms": 1}),
        ("spirals", {"turns": float("inf")}),
        ("checkerboard", {"cells": 1.5}),
        ("sinc", {"noise": "much"}),
        ("houses", {"city": "paris"}),
    ],
)
def test_options_that_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        lk.datasets.load(name, **options)


@pytest.mark.parametrize("count", [10**14, 10**30])
def test_a_split_that_does_not_fit_into_memory(count: int) -> None:
    data = lk.datasets.load("two_moons", train=count)
    with pytest.raises(ResourceExhaustedError, match="train split of two_moons does not fit"):
        _ = data.train


@pytest.mark.parametrize("name", ["two_moons", "spirals", "iris_like", "houses"])
def test_classes_come_in_turn(name: str) -> None:
    data = lk.datasets.load(name)
    assert np.array_equal(data.train.labels, np.arange(len(data.train)) % len(data.class_names))


def test_two_moons_without_noise_are_half_circles() -> None:
    split = lk.datasets.two_moons(noise=0).train
    upper, lower = split.x[split.y == 0], split.x[split.y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, rtol=1e-6)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5
    noisy = lk.datasets.two_moons(train=100_000).train
    plain = lk.datasets.two_moons(train=100_000, noise=0).train
    off = (noisy.x - plain.x).astype(np.float64)
    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.002)
    np.testing.assert_allclose(off.std(axis=0), 0.1, rtol=0.01)
    assert abs(np.corrcoef(off.T)[0, 1]) < 0.02


def test_spirals_without_noise_lie_on_their_arms() -> None:
    data = lk.datasets.spirals(arms=3, turns=2, noise=0, train=300)
    assert data.class_names == ("arm 0", "arm 1", "arm 2")
    x = data.train.x.astype(np.float64)
    r = np.hypot(*x.T)
    expected = np.exp(2j * np.pi * (2 * r + data.train.y / 3)) * r
    np.testing.assert_allclose(x[:, 0] + 1j * x[:, 1], expected, atol=1e-5)


def test_a_checkerboard_has_its_fields() -> None:
    split = lk.datasets.checkerboard(cells=2, train=2000).train
    assert np.array_equal(split.y == 0, (split.x[:, 0] < 0) == (split.x[:, 1] < 0))
    assert 0.45 < split.y.mean() < 0.55
    assert (split.x.min(), split.x.max()) == pytest.approx((-1, 1), abs=0.01)


def test_functions_are_those_that_are_told() -> None:
    split = lk.datasets.sinc(noise=0).train
    x = split.x.astype(np.float64)
    np.testing.assert_allclose(split.y, np.sin(x) / x, atol=1e-7)
    split = lk.datasets.crash_course_function().train
    a, b = split.x.astype(np.float64).T
    np.testing.assert_allclose(split.y[:, 0], np.sin(3.14 * a / 2.0) * np.cos(3.14 * b / 4.0), atol=1e-7)
    assert len(split) == 1000
    assert np.abs(split.x).max() <= 2


def test_species_have_their_means() -> None:
    from labkit.datasets.tables import DEVIATIONS, MEANS, TOGETHER

    split = lk.datasets.iris_like(train=30_000).train
    assert list(split.x) == ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    for species in range(3):
        measures = split.matrix()[split.y == species].astype(np.float64)
        np.testing.assert_allclose(measures.mean(axis=0), MEANS[species], atol=0.03)
        np.testing.assert_allclose(measures.std(axis=0), DEVIATIONS[species], rtol=0.03)
        np.testing.assert_allclose(np.corrcoef(measures.T)[np.triu_indices(4, 1)], TOGETHER, atol=0.03)
        assert measures.min() > 0


def test_a_line_for_boston_serves_new_york_once_prices_are_centred() -> None:
    """Learn TensorFlow Now, part 11: least squares in place of a network."""
    boston, new_york = lk.datasets.houses(), lk.datasets.houses(city="new_york")

    def examples(split: Any, centre: bool) -> tuple[np.ndarray, np.ndarray]:
        x = split.matrix().astype(np.float64) / [1, 1e5]
        x = x - x.mean(axis=0) if centre else x
        return np.concatenate([x, np.ones((len(x), 1))], axis=1), split.y * 2 - 1

    right = {}
    for centre in (False, True):
        x, y = examples(boston.train, centre)
        line = np.linalg.lstsq(x, y, rcond=None)[0]
        for name, data in (("boston", boston), ("new_york", new_york)):
            x, y = examples(data.test, centre)
            right[name, centre] = float((np.sign(x @ line) == y).mean())
    assert right["boston", False] > 0.97
    assert right["new_york", False] == pytest.approx(0.5, abs=0.05)  # all of them "High"
    assert min(right["boston", True], right["new_york", True]) > 0.95


RINGS = DataSetInfo(
    "rings",
    "points in two rings",
    x=lk.data.TensorSpec((2,)),
    y=lk.data.TensorSpec((), "int64"),
    class_names=("inner", "outer"),
    examples={"train": 800, "validation": 100, "test": 100},
    splits="each drawn by itself",
    licence="CC0-1.0",
    citation="this test",
)


@lk.datasets.described_by(RINGS)
def rings(*, noise: float = 0.1, seed: int = 0) -> DataSet:
    def draw(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        y, angle = draws.classes(2), draws.uniform(0, 2 * np.pi)[:, 0]
        points = (1 + y) * np.stack([np.cos(angle), np.sin(angle)]) + draws.normal(noise, size=2).T
        return points.T.astype(np.float32), y

    return generated(RINGS, draw, RINGS.examples, seed, noise=noise)


class Plugin:
    @hookimpl
    def labkit_datasets(self) -> Iterator[Component]:
        yield Component("rings", f"{__name__}:rings")


def test_somebody_elses_data_set_needs_few_lines() -> None:
    with Lab(["labkit.datasets.plugin", Plugin()], strict=True):
        check_dataset("rings")
        check_dataset("rings", noise=0.5, seed=4)
        assert lk.datasets.rings(noise=0.2).spec == {"name": "rings", "noise": 0.2}
