"""What the data sets' plugin registers, and what every registered data set owes."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.datasets.base import SPLITS, DataSet, Split
from labkit.errors import DataError
from labkit.plugins import Lab

NAMES = ("mnist", "synthetic_digits")


def small(count: int) -> Split:
    return Split(np.zeros((count, 2, 2, 1), np.float32), np.zeros(count, np.int64))


def made(**splits: object) -> DataSet:
    return DataSet("toy", splits, ("a",), "0" * 64, "CC0-1.0", "nobody", "a test")  # type: ignore[arg-type]


def test_the_typed_names_are_the_registered_ones(lab: Lab) -> None:
    assert sorted(lab.registry("datasets").names()) == sorted(NAMES)
    tree = ast.parse(Path(lk.datasets.__file__).with_suffix(".pyi").read_text())
    typed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == {*NAMES, "load"} == set(dir(lk.datasets))


def test_names_stay_functions_after_their_modules_were_imported() -> None:
    lk.datasets.load("synthetic_digits")
    import labkit.datasets.load
    import labkit.datasets.mnist_digits  # noqa: F401

    for name in ("load", *NAMES):
        assert callable(getattr(lk.datasets, name)), name


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_says_what_it_is(name: str, request: pytest.FixtureRequest) -> None:
    if name == "mnist":
        request.getfixturevalue("real_mnist")
    data = lk.datasets.load(name)
    assert data.name == name
    assert data.licence
    assert data.citation
    assert data.source
    assert len(data.checksum) == 64
    assert int(data.checksum, 16) > 0
    assert data.class_names == tuple("0123456789")
    for split in (data.validation, data.test):
        assert set(np.unique(split.labels)) == set(range(10))


def test_a_split_is_made_when_first_used_and_once() -> None:
    calls: list[str] = []

    def make(name: str) -> Split:
        calls.append(name)
        return small(3)

    data = made(**{name: lambda name=name: make(name) for name in SPLITS})
    assert calls == []
    threads = [threading.Thread(target=lambda: data.test) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["test"]
    assert data.test is data.split("test")
    _ = data.train
    assert calls == ["test", "train"]


def test_a_split_that_failed_can_be_asked_for_again() -> None:
    answers = iter([DataError("the disk is away"), small(1)])

    def make() -> Split:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    data = made(train=make, validation=make, test=make)
    with pytest.raises(DataError, match="disk is away"):
        _ = data.train
    assert len(data.train) == 1


def test_examples_cannot_be_changed() -> None:
    split = small(2)
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 1


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 2, 2, 1)), np.zeros(2, np.int64)),
        (np.zeros((2, 2, 2), np.float32), np.zeros(2, np.int64)),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros(3, np.int64)),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros(2, np.int32)),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros((2, 1), np.int64)),
    ],
)
def test_arrays_that_make_no_split_are_refused(images: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(DataError, match="do not make a split"):
        Split(images, labels)


def test_other_splits_are_refused() -> None:
    with pytest.raises(DataError, match="exactly train, validation, test"):
        made(train=lambda: small(1))
    data = made(**dict.fromkeys(SPLITS, lambda: small(1)))
    with pytest.raises(DataError, match="no split 'dev'"):
        data.split("dev")
