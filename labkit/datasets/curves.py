"""Numbers to be told from numbers: samples of known functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, described_by
from labkit.datasets.generated import Draws, generated, require_amount


def _record(name: str, title: str, inputs: int, citation: str) -> DataSetInfo:
    return DataSetInfo(
        name,
        title,
        x=TensorSpec((inputs,), "float32"),
        y=TensorSpec((1,), "float32"),
        examples={"train": 1000, "validation": 200, "test": 200},
        splits="each drawn by itself",
        licence="Apache-2.0",
        citation=citation,
    )


def _sampled(
    function: Callable[[np.ndarray], np.ndarray],
    info: DataSetInfo,
    reach: float,
    noise: float,
    seed: int,
    **counts: int,
) -> DataSet:
    """Samples of function: [n, inputs] -> [n] at points equally likely in [-reach, reach), both in float64."""
    require_amount(info.name, noise=noise)

    def draw(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        x = draws.uniform(-reach, reach, size=info.x.dims[0]).astype(np.float32)
        y = function(x.astype(np.float64))[:, np.newaxis] + draws.normal(noise)
        return x, y.astype(np.float32)

    return generated(info, draw, counts, seed, noise=float(noise))


@described_by(_record("sinc", "sin(x) / x with some noise", 1, "labkit, sinc, version 1"))
def sinc(*, train: int = 1000, validation: int = 200, test: int = 200, noise: float = 0.05, seed: int = 0) -> DataSet:
    """Returns samples of sin(x) / x: x float32 [n, 1], equally likely in [-10, 10), y float32 [n, 1].

    Args:
        train, validation, test: numbers of examples.
        noise: standard deviation by which y is off.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: a number is not allowed.
    """

    def function(x: np.ndarray) -> np.ndarray:
        return np.sinc(x[:, 0] / np.pi)  # NumPy's is sin(pi x) / (pi x)

    info = sinc.info
    return _sampled(function, info, 10.0, noise, seed, train=train, validation=validation, test=test)


COURSE = "V. Lepetit, Crash Course on TensorFlow: a two-layer network to approximate a 2D function"


@described_by(_record("crash_course_function", "the Crash Course's function of two numbers", 2, COURSE))
def crash_course_function(
    *, train: int = 1000, validation: int = 200, test: int = 200, noise: float = 0.0, seed: int = 0
) -> DataSet:
    """Returns samples of the Crash Course's F(a, b) = sin(3.14 a / 2) cos(3.14 b / 4): x float32 [n, 2], y float32 [n, 1].

    As in V. Lepetit's Crash Course on TensorFlow, there are 1,000 examples to learn from, a and b are equally likely in
    [-2, 2), and 3.14 stands for pi.

    Args:
        train, validation, test: numbers of examples.
        noise: standard deviation by which y is off.
        seed: chooses the examples.

    Raises:
        InvalidArgumentError: a number is not allowed.
    """

    def function(x: np.ndarray) -> np.ndarray:
        return np.sin(3.14 * x[:, 0] / 2.0) * np.cos(3.14 * x[:, 1] / 4.0)

    info = crash_course_function.info
    return _sampled(function, info, 2.0, noise, seed, train=train, validation=validation, test=test)
