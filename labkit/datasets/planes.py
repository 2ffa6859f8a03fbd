"""Points of the plane in two or more classes that no straight line separates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, described_by
from labkit.datasets.generated import Draws, generated, require_amount, require_whole

SPLITS = "each drawn by itself, the classes in turn"


def _record(name: str, title: str, class_names: tuple[str, ...], splits: str = SPLITS) -> DataSetInfo:
    return DataSetInfo(
        name,
        title,
        x=TensorSpec((2,), "float32"),
        y=TensorSpec((), "int64"),
        class_names=class_names,
        examples={"train": 1000, "validation": 200, "test": 200},
        splits=splits,
        licence="Apache-2.0",
        citation=f"labkit, {name}, version 1",
    )


@described_by(_record("two_moons", "points in two half circles that hook into each other", ("upper", "lower")))
def two_moons(
    *, train: int = 1000, validation: int = 200, test: int = 200, noise: float = 0.1, seed: int = 0
) -> DataSet:
    """Returns points in two half circles that hook into each other: x float32 [n, 2], y int64 [n].

    The upper moon is (cos t, sin t), the lower one (1 - cos t, 1/2 - sin t), t equally likely in [0, pi).

    Args:
        train, validation, test: numbers of examples.
        noise: standard deviation by which each coordinate is off.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: a number is not allowed.
    """
    require_amount("two_moons", noise=noise)

    def draw(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        labels, t = draws.classes(2), draws.uniform(0, np.pi)[:, 0]
        upper, lower = np.stack([np.cos(t), np.sin(t)]), np.stack([1 - np.cos(t), 0.5 - np.sin(t)])
        points = np.where(labels == 0, upper, lower).T + draws.normal(noise, size=2)
        return points.astype(np.float32), labels

    counts = {"train": train, "validation": validation, "test": test}
    return generated(two_moons.info, draw, counts, seed, noise=float(noise))


@described_by(_record("spirals", "points on arms of a spiral", ("arm 0", "arm 1")))
def spirals(
    *,
    train: int = 1000,
    validation: int = 200,
    test: int = 200,
    arms: int = 2,
    turns: float = 1.5,
    noise: float = 0.02,
    seed: int = 0,
) -> DataSet:
    """Returns points on arms of a spiral, each arm a class: x float32 [n, 2] within about [-1, 1], y int64 [n].

    A point of arm a has the radius r = sqrt(u), u equally likely in [0, 1), and the angle 2 pi (turns r + a / arms).

    Args:
        train, validation, test: numbers of examples.
        arms: the number of classes, at least 2.
        turns: how often an arm winds around the centre.
        noise: standard deviation by which each coordinate is off.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: a number is not allowed.
    """
    require_whole("spirals", 2, arms=arms)
    require_amount("spirals", turns=turns, noise=noise)

    def draw(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        labels, r = draws.classes(arms), np.sqrt(draws.uniform()[:, 0])
        angle = 2 * np.pi * (turns * r + labels / arms)
        points = np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1) + draws.normal(noise, size=2)
        return points.astype(np.float32), labels

    info = replace(spirals.info, class_names=tuple(f"arm {a}" for a in range(arms)))
    counts = {"train": train, "validation": validation, "test": test}
    return generated(info, draw, counts, seed, arms=arms, turns=float(turns), noise=float(noise))


BOARD = _record("checkerboard", "points of a checkerboard's fields", ("dark", "light"), "each drawn by itself")


@described_by(BOARD)
def checkerboard(
    *, train: int = 1000, validation: int = 200, test: int = 200, cells: int = 4, noise: float = 0.0, seed: int = 0
) -> DataSet:
    """Returns points that lie on the dark or light fields of a checkerboard: x float32 [n, 2], y int64 [n].

    The points are equally likely anywhere in [-1, 1) x [-1, 1); the field at (-1, -1) is dark.

    Args:
        train, validation, test: numbers of examples.
        cells: fields along each side, at least 2.
        noise: standard deviation by which each coordinate is off, after its field was told.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: a number is not allowed.
    """
    require_whole("checkerboard", 2, cells=cells)
    require_amount("checkerboard", noise=noise)

    def draw(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        points = draws.uniform(-1, 1, size=2)
        fields = np.floor((points + 1) / 2 * cells).astype(np.int64)
        return (points + draws.normal(noise, size=2)).astype(np.float32), fields.sum(axis=1) % 2

    counts = {"train": train, "validation": validation, "test": test}
    return generated(checkerboard.info, draw, counts, seed, cells=cells, noise=float(noise))
