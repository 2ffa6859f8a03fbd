"""Order and contents agree with tf.data, where it is installed, in all that is not random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk

tf = pytest.importorskip("tensorflow")

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "batch": lambda D, np_: D.range(10).batch(4),
    "batch drop": lambda D, np_: D.range(10).batch(4, drop_remainder=True),
    "batches of batches": lambda D, np_: D.range(12).batch(3).batch(2),
    "take skip shard": lambda D, np_: D.range(20).skip(2).take(15).shard(4, 3),
    "negative": lambda D, np_: D.range(9).take(-1).concatenate(D.range(3).skip(-1)),
    "repeat": lambda D, np_: D.range(3).repeat(3).concatenate(D.range(7, 9)).batch(4),
    "endless": lambda D, np_: D.range(3).repeat().take(8),
    "filter": lambda D, np_: D.range(20).filter(lambda x: x % 3 == 0).repeat(2),
    "map": lambda D, np_: D.from_tensor_slices((np.arange(4.0), np.eye(4))).map(lambda x, y: {"z": x + y, "x": x}),
    "flat_map": lambda D, np_: D.range(5).flat_map(lambda x: D.range(3).map(lambda y: y * 10 + x)),
    "zip": lambda D, np_: D.zip((D.range(5), D.range(9).batch(2))),
    "unbatch": lambda D, np_: D.from_tensor_slices(np.arange(12).reshape(3, 4)).unbatch().batch(5),
    "cache": lambda D, np_: D.range(4).cache().repeat(2),
    "tensors": lambda D, np_: D.from_tensors(np.arange(3)).repeat(2),
    "padded": lambda D, np_: D.range(1, 6).map(lambda n: np.ones(n) if np_ is np else tf.ones([n], tf.float64))
    .padded_batch(2),
    "padded to": lambda D, np_: D.from_tensor_slices(np.arange(6).reshape(3, 2)).padded_batch(2, [4], np.int64(7)),
    "padded nests": lambda D, np_: D.from_tensor_slices({"a": np.ones((3, 2, 1)), "b": np.arange(3)}).padded_batch(
        2, {"a": [3, None], "b": []}, {"a": np.float64(0.5), "b": np.int64(1)}, drop_remainder=True
    ),
}  # fmt: skip
for cycle in (1, 2, 3, 5, 9):
    for block in (1, 2, 4):
        CASES[f"interleave {cycle} {block}"] = lambda D, np_, cycle=cycle, block=block: D.range(7).interleave(
            lambda x: D.range(x + 1).map(lambda y: y + 100 * x), cycle_length=cycle, block_length=block
        )


@pytest.mark.parametrize("name", CASES)
def test_the_same_elements_in_the_same_order(name: str) -> None:
    ours, theirs = CASES[name](lk.data.Dataset, np), CASES[name](tf.data.Dataset, tf)
    for _ in range(2):
        found, expected = list(ours), list(theirs.as_numpy_iterator())
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert type(a) is type(b) or not isinstance(a, tuple | dict)
            for x, y in zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True):
                assert np.shape(x) == np.shape(y)
                assert x.dtype == y.dtype
                assert np.array_equal(x, y)
    if theirs.cardinality() >= 0:
        assert ours.node.length in (None, int(theirs.cardinality()))


def test_lines(tmp_path: Path) -> None:
    paths = []
    for i, text in enumerate([b"a\nb\r\n\nc", b"", b"\n\nlast\n"]):
        paths.append(str(tmp_path / f"{i}.txt"))
        Path(paths[-1]).write_bytes(text)
    assert list(lk.data.TextLineDataset(paths)) == list(tf.data.TextLineDataset(paths).as_numpy_iterator())


def test_a_window_of_a_shuffle_holds_as_much() -> None:
    """Both orders differ; what they may be does not: no element comes buffer_size places too early."""
    for seed in range(20):
        theirs = list(tf.data.Dataset.range(50).shuffle(7, seed=seed).as_numpy_iterator())
        ours = lk.data.Dataset.range(50).shuffle(7, seed=seed).arrays()
        for order in (theirs, ours):
            assert max(value - place for place, value in enumerate(order)) <= 6
