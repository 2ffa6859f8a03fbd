"""Arrays that no program would feed on purpose: however they lie in memory, results have the bits of dense copies."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import labkit as lk
from labkit.core.opdef import OpDef
from labkit.errors import LabkitError
from tests.ops.checks import LAYOUTS, one_dtype
from tests.ops.records import WITH_SAMPLES, Uses, bits

FAR = 1 << 22
"""Bytes between two neighbours of an array with huge strides."""


def far_apart(x: np.ndarray) -> np.ndarray:
    """The numbers of x, each on a page of its own; only pages that are used take memory."""
    if not 0 < x.size <= 64 or x.dtype.hasobject:
        return x.copy()
    room = mmap.mmap(-1, x.size * FAR, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    strides = tuple(FAR * (x.size // int(np.prod(x.shape[: i + 1]))) for i in range(x.ndim))
    spread = np.ndarray(x.shape, x.dtype, room, 0, strides)
    spread[...] = x
    return spread


def transposed(x: np.ndarray) -> np.ndarray:
    return np.array(x.T, order="C").T


def of_a_record_array(x: np.ndarray) -> np.ndarray:
    """A field between others of odd lengths: neither aligned nor dense."""
    if x.dtype.hasobject:
        return x.copy()
    records = np.zeros(x.shape, np.dtype([("a", "u1"), ("x", x.dtype), ("b", "u1", 2)]))
    records["x"] = x
    return records["x"]


MORE_LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "far apart": far_apart,
    "transposed": transposed,
    "field of records": of_a_record_array,
}


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_other_layouts_have_the_bits_of_dense_arrays(record: OpDef) -> None:
    uses = Uses(record, one_dtype(record))
    expected = uses.run(uses.outputs)
    for name, layout in MORE_LAYOUTS.items():
        got = uses.run(uses.outputs, [[layout(x) for x in use.arrays] for use in uses.uses])
        for use, values, wants in zip(uses.uses, got, expected, strict=True):
            for value, want in zip(values, wants, strict=True):
                assert bits(value) == bits(want), f"{record.name}{use.case} fed {name}"


def repeated(x: np.ndarray) -> Iterator[np.ndarray]:
    """x with its first slice everywhere along each axis: of one memory (stride 0)."""
    for axis in range(x.ndim):
        if x.shape[axis] > 1:
            yield np.broadcast_to(np.take(x, [0], axis), x.shape)


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_numbers_that_share_memory_have_the_bits_of_copies(record: OpDef) -> None:
    for case in one_dtype(record):
        uses = Uses(record, [case])
        (use,) = uses.uses
        for i, x in enumerate(use.arrays):
            for shared in repeated(x):
                alike = [*use.arrays[:i], shared, *use.arrays[i + 1 :]]
                copied = [np.array(a) for a in alike]
                try:
                    wants = uses.run(uses.outputs, [copied])
                except LabkitError:  # numbers that do not go together
                    continue
                for value, want in zip(uses.run(uses.outputs, [alike])[0], wants[0], strict=True):
                    assert bits(value) == bits(want), f"{record.name}{case}: input {i}, strides {shared.strides}"


# --- stepping, loading ---


@pytest.mark.parametrize("name", [*LAYOUTS, *MORE_LAYOUTS, "shared"])
def test_stepping_and_loading_take_any_layout(name: str) -> None:
    layout = {**LAYOUTS, **MORE_LAYOUTS, "shared": lambda x: np.broadcast_to(x[:1], x.shape)}[name]
    rng = np.random.default_rng(0)
    rows, indices = layout(rng.normal(size=(6, 4)).astype(np.float32)), rng.integers(0, 6, (5, 3))
    steps = layout(rng.normal(size=(5, 3)).astype(np.float32))
    with lk.Graph().as_default(), lk.Session() as session:
        x, y = lk.placeholder(lk.float32, [3, 4]), lk.placeholder(lk.float32, [3])
        total = lk.Variable(lk.zeros([4]))
        added = total.assign_add(lk.reduce_sum(x * lk.expand_dims(y, 1), 0))
        results = []
        for dense in (False, True):
            given = [np.array(a).astype(np.float32) if dense else a for a in (rows, steps)]
            session.load(total, layout(np.arange(4, dtype=np.float32)))
            start = session.read(total)
            feeds = {x: lk.Batches(given[0], layout(indices)), y: given[1]}
            results.append([session.run(added, feeds, steps=5), session.read(total)])
            np.testing.assert_array_equal(start, np.array(layout(np.arange(4, dtype=np.float32))))
    for a, b in zip(*results, strict=True):
        assert a.tobytes() == b.tobytes()
