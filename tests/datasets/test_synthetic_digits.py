"""synthetic_digits: the same for the same seed, and digits in MNIST's form. What they are worth: the campaign test."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import labkit as lk
from labkit.datasets.base import DataSet
from labkit.datasets.drawn_digits import BLOCK, MAX_POINTS, SAMPLES
from labkit.datasets.pen import draw_ink, read_strokes
from labkit.datasets.strokes import WAYS
from labkit.errors import InvalidArgumentError, ResourceExhaustedError


def load(**options: int) -> DataSet:
    return lk.datasets.load("synthetic_digits", **{"train": 1200, "validation": 100, "test": 100, **options})


@pytest.fixture(scope="module")
def digits() -> DataSet:
    from labkit.datasets.drawn_digits import synthetic_digits

    return synthetic_digits(train=6000, validation=100, test=100)


def test_the_same_seed_gives_the_same_bytes(digits: DataSet) -> None:
    again = load(train=6000)
    assert again.train.images.tobytes() == digits.train.images.tobytes()
    assert again.train.labels.tobytes() == digits.train.labels.tobytes()
    assert again.checksum == digits.checksum


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_an_example_does_not_depend_on_how_many_are_drawn(digits: DataSet, count: int) -> None:
    few = load(train=count).train
    assert len(few) == count
    assert few.images.tobytes() == digits.train.images[:count].tobytes()
    assert few.labels.tobytes() == digits.train.labels[:count].tobytes()


def test_other_seeds_and_other_splits_have_other_examples(digits: DataSet) -> None:
    others = [load(seed=1).train, load(seed=2**40).train, load(validation=1200).validation, load(test=1200).test]
    kinds = {split.images[:1200].tobytes() for split in (digits.train, *others)}
    assert len(kinds) == 5
    within = {image.tobytes() for split in (digits.train, *others) for image in split.images}
    assert len(within) == 6000 + 4 * 1200


def test_checksums_tell_seeds_and_sizes_apart() -> None:
    assert len({load(**o).checksum for o in ({}, {"seed": 1}, {"train": 9}, {"validation": 9}, {"test": 9})}) == 5


def test_the_number_of_threads_changes_nothing() -> None:
    code = (
        "import hashlib; from labkit.datasets.drawn_digits import synthetic_digits as s; "
        "print(hashlib.sha256(s(train=600).train.images).hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(prints) == 1
    assert len(prints.pop()) == 65


def test_form_is_that_of_mnist(digits: DataSet) -> None:
    images = digits.train.images
    assert images.shape == (6000, 28, 28, 1)
    assert images.dtype == np.float32
    assert images.min() == 0
    assert images.max() == 1
    levels = images * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
    assert np.bincount(digits.train.labels).tolist() == [600] * 10
    ink = images.mean(axis=(1, 2, 3))
    assert ink.min() > 0.01
    assert 0.12 < ink.mean() < 0.17  # MNIST: 0.13
    grid = np.arange(28, dtype=np.float32)
    for axis in (1, 2):
        profile = images.sum(axis=(3 - axis, 3))
        centre = (profile * grid).sum(axis=1) / profile.sum(axis=1)
        assert abs(centre.mean() - 13.5) < 0.15
        assert np.abs(centre - 13.5).max() < 4
    inked = (images[..., 0] > 0.5).any(axis=2).sum(axis=1)
    assert np.percentile(inked, 5) > 15
    assert np.percentile(inked, 99) < 25


def test_a_digit_varies_and_digits_differ(digits: DataSet) -> None:
    """A nearest-mean classifier, which knows nothing but average shapes, is far from chance and far from perfect."""
    images, labels = digits.train.images.reshape(6000, -1), digits.train.labels
    means = np.stack([images[:3000][labels[:3000] == digit].mean(axis=0) for digit in range(10)])
    distances = ((images[3000:, np.newaxis] - means) ** 2).sum(axis=2)
    right = (distances.argmin(axis=1) == labels[3000:]).mean()
    assert 0.5 < right < 0.9


@pytest.mark.parametrize(
    "options", [{"train": -1}, {"test": 1.5}, {"validation": True}, {"seed": -1}, {"seed": "a"}, {"tests": 10}]
)
def test_bad_options_are_refused(options: dict) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        load(**options)


@pytest.mark.parametrize("count", [10**15, 10**30])
def test_a_split_that_does_not_fit_into_memory(count: int) -> None:
    data = load(train=count)
    with pytest.raises(ResourceExhaustedError, match="train split"):
        _ = data.train
    assert len(data.validation) == 100


def test_every_way_of_writing_is_drawn_as_its_text_says() -> None:
    for digit, ways in WAYS.items():
        for way in ways:
            curves = read_strokes(way.strokes, SAMPLES, MAX_POINTS)
            path = curves.basis @ curves.points
            np.testing.assert_allclose(curves.basis.sum(axis=1), 1, atol=1e-5)
            assert curves.joined.sum() == SAMPLES - 1 - way.strokes.count("|"), digit
            first, last = way.strokes.split()[0], way.strokes.split()[-1]
            for sample, point in ((path[0], first), (path[-1], last)):
                np.testing.assert_allclose(sample, [float(v) / 100 for v in point.strip("!").split(",")], atol=1e-3)
            step = np.hypot(*np.diff(path, axis=0).T)[curves.joined > 0]
            low, high = np.percentile(step, [10, 100]) / np.median(step)  # where a corner is cut, a step is shorter
            assert low > 0.9, f"{digit}: samples are spaced evenly"
            assert high < 1.2, f"{digit}: samples are spaced evenly"


def test_ink_is_as_wide_as_the_pen() -> None:
    """A straight vertical path in the middle: 1 within the radius, 0.5 at it, 0 outside of it."""
    points = np.stack([np.full(200, 10.0), np.linspace(-20, 40, 200)], axis=1)[np.newaxis].astype(np.float32)
    lengths = np.full((1, 200), 60 / 199, np.float32)
    for radius in (1.0, 2.0, 3.0):
        image = draw_ink(points, lengths, np.float32([radius]), np.float32([0.5]), 21)[0]
        distance = np.abs(np.arange(21) - 10.0)
        expected = np.clip((radius - distance) / 0.5 + 0.5, 0, 1)
        np.testing.assert_allclose(image[10], expected, atol=0.02)
