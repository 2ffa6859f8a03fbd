"""What the data sets' plugin registers, and what every registered data set owes."""

from __future__ import annotations

import ast
import dataclasses
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import TensorSpec
from labkit.datasets.base import SPLITS, DataSet, DataSetInfo, Split
from labkit.errors import DataError, UnknownComponentError
from labkit.plugins import Lab
from labkit.testing import check_dataset

from .conftest import MACHINE_DATA

NAMES = (
    "mnist",
    "fashion_mnist",
    "cifar10",
    "cifar10_jpeg",
    "synthetic_digits",
    "two_moons",
    "spirals",
    "checkerboard",
    "sinc",
    "crash_course_function",
    "iris_like",
    "houses",
)
FILED = {"mnist": "mnist/train-images-idx3-ubyte.gz"}
"""The data sets with files that a machine may have in its LABKIT_DATA, and one of the files."""
INFO = DataSetInfo(
    "toy",
    "nothing",
    x=TensorSpec((2, 2, 1)),
    y=TensorSpec((), "int64"),
    class_names=("a",),
    examples=dict.fromkeys(SPLITS, 1),
    splits="none",
    licence="CC0-1.0",
    citation="nobody",
)


def small(count: int) -> Split:
    return Split(np.zeros((count, 2, 2, 1), np.float32), np.zeros(count, np.int64))


def made(**splits: object) -> DataSet:
    return DataSet(INFO, splits, "0" * 64, "a test")  # type: ignore[arg-type]


def test_the_typed_names_are_the_registered_ones(lab: Lab) -> None:
    assert sorted(lab.registry("datasets").names()) == sorted(NAMES)
    tree = ast.parse(Path(lk.datasets.__file__).with_suffix(".pyi").read_text())
    typed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == {*NAMES, "load", "info", "DataSet", "DataSetInfo", "Split", "described_by"} == set(dir(lk.datasets))


def test_names_stay_functions_after_their_modules_were_imported() -> None:
    lk.datasets.load("synthetic_digits")
    import labkit.datasets.load
    import labkit.datasets.mnist_digits  # noqa: F401

    for name in ("load", "info", *NAMES):
        assert callable(getattr(lk.datasets, name)), name


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_keeps_its_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "cifar10_jpeg":
        pytest.skip("it takes 15 s: test_cifar.py does it in the ci tier")
    if lk.datasets.info(name).files:
        if name not in FILED or not MACHINE_DATA or not Path(MACHINE_DATA, FILED[name]).exists():
            pytest.skip(f"the files of {name} are not on this machine: LABKIT_DATA is {MACHINE_DATA or 'not set'}")
        monkeypatch.setenv("LABKIT_DATA", MACHINE_DATA)
    check_dataset(name, **({"train": 900, "validation": 100, "test": 150} if name == "synthetic_digits" else {}))


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
    ("x", "y"),
    [
        (np.zeros((2, 2, 2, 1)), np.zeros(2, np.int64)),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros(3, np.int64)),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros(2, np.int32)),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros((2, 1), np.int64)),
        (np.zeros((2, 1), np.float32), np.zeros(2, np.float32)),
        (np.zeros((2, 1), np.float32), np.zeros((2, 1))),
        ({"a": np.zeros(2, np.float32), "b": np.zeros(3, np.float32)}, np.zeros(2, np.int64)),
        ({}, np.zeros(2, np.int64)),
        ([1.0, 2.0], np.zeros(2, np.int64)),
        (np.float32(1), np.zeros(1, np.int64)),
    ],
)
def test_arrays_that_make_no_split_are_refused(x: Any, y: np.ndarray) -> None:
    with pytest.raises(DataError, match="do not make a split"):
        Split(x, y)


def test_a_split_of_a_table() -> None:
    x = {"b": np.arange(3, dtype=np.float32), "a": np.array([1, 2, 3], np.int64)}
    split = Split(x, np.array([0, 1, 0], np.int64))
    assert repr(split) == "Split(3 examples: x {'b': float32 (), 'a': int64 ()}, y int64 ())"
    frame = split.frame(target="class")
    assert list(frame.columns) == ["b", "a", "class"]
    assert frame["class"].tolist() == [0, 1, 0]
    assert split.matrix().tolist() == [[0, 1], [1, 2], [2, 3]]
    with pytest.raises(DataError, match="two columns named 'a'"):
        split.frame(target="a")
    assert not hasattr(split, "images")
    assert split.labels is split.y
    del x["a"]
    assert list(split.x) == ["b", "a"]
    elements = list(split.dataset())
    assert elements[1][0]["b"] == 1
    assert elements[1][1] == 1


def test_what_a_split_has_not_is_said() -> None:
    split = Split(np.zeros((2, 1), np.float32), np.zeros((2, 1), np.float32))
    for name in ("images", "labels"):
        with pytest.raises(AttributeError, match=f"have no {name}.*Use .[xy]"):
            getattr(split, name)
    for use in (split.frame, split.matrix):
        with pytest.raises(DataError, match="no table"):
            use()
    with pytest.raises(AttributeError, match="cannot be changed"):
        split.x = 1


def test_a_split_that_was_pickled_is_read_only_again() -> None:
    split = pickle.loads(pickle.dumps(Split({"a": np.zeros(2, np.float32)}, np.zeros(2, np.int64))))
    assert not split.x["a"].flags.writeable
    assert not split.y.flags.writeable


def test_a_data_set_travels_as_its_spec() -> None:
    data = lk.datasets.houses(city="new_york", train=4)
    assert data.spec == {"name": "houses", "city": "new_york", "train": 4}
    written = pickle.dumps(data)
    assert len(written) < 300
    again = pickle.loads(written)
    assert again.checksum == data.checksum
    assert np.array_equal(again.train.x["price"], data.train.x["price"])
    assert lk.datasets.load("two_moons").spec == {"name": "two_moons"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"examples": {"train": 1}}, "exactly the splits"),
        ({"class_names": ()}, "class names where y is int64"),
        ({"y": TensorSpec((1,), "float32")}, "class names where y is int64"),
    ],
)
def test_records_that_contradict_themselves(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        dataclasses.replace(INFO, **changes)


def test_a_record_is_there_without_files() -> None:
    info = lk.datasets.info("fashion_mnist")
    assert (info.kind, info.task) == ("images", "classification")
    assert info.download_bytes == 30_878_645
    assert info.memory_bytes == 70_000 * (784 * 4 + 8)
    assert lk.datasets.info("sinc").task == "regression"
    with pytest.raises(UnknownComponentError, match="mnist"):
        lk.datasets.info("mnits")


def test_other_splits_are_refused() -> None:
    with pytest.raises(DataError, match="exactly train, validation, test"):
        made(train=lambda: small(1))
    data = made(**dict.fromkeys(SPLITS, lambda: small(1)))
    with pytest.raises(DataError, match="no split 'dev'"):
        data.split("dev")
