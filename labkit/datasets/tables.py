"""Tables: examples whose numbers have names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, described_by
from labkit.datasets.generated import Draws, generated
from labkit.errors import InvalidArgumentError

SPLITS = "each drawn by itself, the classes in turn"

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SMALLEST = 0.05  # centimetres
# Centimetres. Chosen for labkit, none computed from measured flowers: the first species stands apart, the others overlap.
MEANS = np.array([[5.0, 3.4, 1.5, 0.3], [6.0, 2.8, 4.2, 1.3], [6.6, 3.0, 5.4, 2.0]])
DEVIATIONS = np.array([[0.35, 0.38, 0.17, 0.08], [0.5, 0.3, 0.45, 0.2], [0.62, 0.32, 0.55, 0.27]])
TOGETHER = 0.6  # correlation of every two measures: large flowers are large in all


@described_by(
    DataSetInfo(
        "iris_like",
        "four measures of flowers of three invented species",
        x={name: TensorSpec((), "float32") for name in COLUMNS},
        y=TensorSpec((), "int64"),
        class_names=("species_a", "species_b", "species_c"),
        examples={"train": 90, "validation": 30, "test": 30},
        splits=SPLITS,
        licence="Apache-2.0",
        citation="labkit, iris_like, version 1; the idea is that of R. A. Fisher's irises (1936), the numbers are not",
    )
)
def iris_like(*, train: int = 90, validation: int = 30, test: int = 30, seed: int = 0) -> DataSet:
    """Returns measures of flowers of three invented species: x a dict of four columns float32 [n], in cm; y int64 [n].

    The numbers are drawn from normal distributions whose means, deviations and one correlation were chosen for labkit. They
    are not R. A. Fisher's irises, nor computed from them, and no result on them is one on those. As there, one species stands
    apart and two overlap.

    Args:
        train, validation, test: numbers of examples.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: a number is not allowed.
    """

    def draw(draws: Draws) -> tuple[dict[str, np.ndarray], np.ndarray]:
        labels = draws.classes(3)
        common, own = draws.normal(), draws.normal(size=4)
        z = np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * own
        measures = np.maximum(MEANS[labels] + DEVIATIONS[labels] * z, SMALLEST)
        return {name: measures[:, i].astype(np.float32) for i, name in enumerate(COLUMNS)}, labels

    counts = {"train": train, "validation": validation, "test": test}
    return generated(iris_like.info, draw, counts, seed)


class City(NamedTuple):
    """What houses cost in a city: `base` dollars, and PER_ROOM for each of `fewest` to `fewest` + ROOMS - 1 rooms."""

    base: float
    fewest: int


CITIES = {"boston": City(100_000.0, 3), "new_york": City(800_000.0, 1)}
PER_ROOM, ROOMS = 60_000.0, 7
OFF = (15_000.0, 120_000.0)  # dollars from the usual price, least and most


@described_by(
    DataSetInfo(
        "houses",
        "rooms and price of invented houses: is the price high?",
        x={"rooms": TensorSpec((), "float32"), "price": TensorSpec((), "float32")},
        y=TensorSpec((), "int64"),
        class_names=("Low", "High"),
        examples={"train": 1000, "validation": 200, "test": 200},
        splits=SPLITS,
        licence="Apache-2.0",
        citation="labkit, houses, version 1, after J. Varty, Learn TensorFlow Now, part 11",
    )
)
def houses(
    *, city: str = "boston", train: int = 1000, validation: int = 200, test: int = 200, seed: int = 0
) -> DataSet:
    """Returns houses of a city: x a dict of columns, rooms and price (dollars), float32 [n]; y int64 [n], 0 Low, 1 High.

    J. Varty, Learn TensorFlow Now, part 11, tells of them to show why data are centred: a straight line separates the high
    prices from the low ones in Boston, and calls nearly every house of New York high, where all cost much more. Once the mean
    of each column is taken away, city by city, one line does for both.

    The usual price grows by 60,000 dollars with each room, from 100,000 in Boston and from 800,000 in New York, where houses
    also have two rooms fewer. High and low prices are off it by 15,000 to 120,000 dollars. All numbers are invented.

    Args:
        city: "boston" or "new_york".
        train, validation, test: numbers of examples.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: there is no such city, or a number is not allowed.
    """
    if city not in CITIES:
        raise InvalidArgumentError(
            f"houses knows no city {city!r}", rule=f"The cities are {', '.join(CITIES)}", fix='Pass city="new_york".'
        )
    base, fewest = CITIES[city]

    def draw(draws: Draws) -> tuple[dict[str, np.ndarray], np.ndarray]:
        labels = draws.classes(2)
        rooms = fewest + np.floor(draws.uniform(high=ROOMS)[:, 0])
        off = draws.uniform(*OFF)[:, 0]
        price = base + PER_ROOM * rooms + np.where(labels == 1, off, -off)
        return {"rooms": rooms.astype(np.float32), "price": price.astype(np.float32)}, labels

    counts = {"train": train, "validation": validation, "test": test}
    return generated(houses.info, draw, counts, seed, stream=city)
