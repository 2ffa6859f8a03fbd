"""Checkpoints give back what was saved, to the bit, and other programs can read the arrays."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from labkit import checkpoint
from labkit.checkpoint import tensorfile
from labkit.checkpoint.manifest import DATA
from labkit.core.exchange.graph_def import GraphDef, NodeDef
from labkit.errors import CheckpointError


def assert_same(a: np.ndarray, b: np.ndarray) -> None:
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def nan_with_payload() -> np.ndarray:
    return np.array([0x7FC0_0001, 0xFFC1_2345, 0x7F80_0001, 0x8000_0000], np.uint32).view(np.float32)


TENSORS: dict[str, Any] = {
    "conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "transposed": np.arange(12.0).reshape(3, 4).T,
    "strided": np.arange(20, dtype=np.int64)[::-3],
    "big-endian": np.arange(5, dtype=">f4"),
    "scalar": np.array(7, np.int64),
    "numpy scalar": np.float64(0.1),
    "python number": 2.5,
    "empty": np.zeros((0, 3), np.float32),
    "empty with large sides": np.zeros((2**40, 0, 2**7), np.uint8),
    "flags": np.array([True, False, True]),
    "bytes": np.arange(256, dtype=np.uint8),
    "int32": np.array([-(2**31), 2**31 - 1], np.int32),
    "int64": np.array([-(2**63), 2**63 - 1], np.int64),
    "uint64": np.array([2**64 - 1], np.uint64),
    "NaN": nan_with_payload(),
    "NaN64": np.array([0x7FF0_0000_0000_0001, 0xFFF8_DEAD_BEEF_0001], np.uint64).view(np.float64),
    "denormal": np.array([1e-45, -1e-45], np.float32),
    "named with é ✓ and \"": np.zeros(1, np.float16),
}  # fmt: skip


def test_arrays_of_all_kinds_come_back_to_the_bit(tmp_path: Path) -> None:
    prefix = checkpoint.save(tmp_path / "model-3", TENSORS, step=3)
    assert prefix == str(tmp_path / "model-3")
    loaded = checkpoint.load(prefix)
    assert loaded.tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert_same(loaded.tensors[name], np.asarray(value, np.asarray(value).dtype.newbyteorder("=")))
        assert loaded.tensors[name].flags.writeable
        assert loaded.tensors[name].flags.aligned
        assert loaded.tensors[name].flags.c_contiguous
    assert (loaded.step, loaded.extra, loaded.graph, loaded.prefix) == (3, {}, None, prefix)


def test_loaded_arrays_can_be_changed_without_touching_each_other(tmp_path: Path) -> None:
    tensors = checkpoint.load(checkpoint.save(tmp_path / "m", {"a": np.zeros(3), "b": np.zeros(3)}, 0)).tensors
    tensors["a"] += 1
    assert tensors["b"].tolist() == [0, 0, 0]


def test_a_checkpoint_may_hold_no_array(tmp_path: Path) -> None:
    assert checkpoint.load(checkpoint.save(tmp_path / "m", {}, 0)).tensors == {}


def test_step_extra_and_graph_come_back(tmp_path: Path) -> None:
    extra = {
        "epoch": 3,
        "nested": {"list": [1, 2.5, None, True, "é\n"]},
        "generator": 2**127 + 1,
        "tiny": 5e-324,
        "-0": -0.0,
    }
    graph = checkpoint.MetaGraphDef(GraphDef([NodeDef("x", "Placeholder")]), collections={"x": [1, None, "text"]})
    prefix = checkpoint.save(tmp_path / "m", {}, np.int64(2**40), graph=graph, extra=extra)
    loaded = checkpoint.load(prefix)
    assert (loaded.step, loaded.extra, loaded.graph) == (2**40, extra, graph)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m.data-00000-of-00001", "m.index", "m.meta"]


def test_the_safetensors_library_reads_what_we_write(tmp_path: Path) -> None:
    prefix = checkpoint.save(tmp_path / "m", TENSORS, 0)
    theirs = safetensors.numpy.load_file(prefix + DATA)
    ours = checkpoint.load(prefix).tensors
    assert theirs.keys() == ours.keys()
    for name in ours:
        assert_same(ours[name], theirs[name])


def test_we_read_what_the_safetensors_library_writes() -> None:
    arrays = {name: np.ascontiguousarray(TENSORS[name]) for name in TENSORS if name != "big-endian"}
    content = np.frombuffer(safetensors.numpy.save(arrays, metadata={"made by": "the library"}), np.uint8)
    ours = tensorfile.parse(content, "a file")
    assert ours.keys() == arrays.keys()
    for name, array in arrays.items():
        assert_same(ours[name], array)


def test_both_write_the_same_bytes() -> None:
    arrays = {"b": np.arange(3.0), "a": np.ones((2, 2), np.float32), "c": np.array([True])}
    start, ordered = tensorfile.header(arrays)
    assert start + b"".join(a.tobytes() for a in ordered) == safetensors.numpy.save(arrays)


dtypes = st.sampled_from(["bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64"])
arrays = dtypes.flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))


@given(
    st.dictionaries(st.text(min_size=1).filter(lambda s: s.isprintable() and s != "__metadata__"), arrays, max_size=5)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_arrays_come_back(tensors: dict[str, np.ndarray]) -> None:
    prepared = {name: tensorfile.prepare(name, array) for name, array in tensors.items()}
    start, ordered = tensorfile.header(prepared)
    content = np.frombuffer(start + b"".join(a.tobytes() for a in ordered), np.uint8).copy()
    parsed = tensorfile.parse(content, "a file")
    assert parsed.keys() == tensors.keys()
    for name, array in tensors.items():
        assert_same(parsed[name], np.asarray(array, order="C"))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": np.array(["text"])}, "cannot be saved"),
        ({"a": np.array([object()])}, "cannot be saved"),
        ({"a": np.zeros(1, complex)}, "cannot be saved"),
        ({"a": np.zeros((1,) * 9)}, "cannot be saved"),
        ({"": np.zeros(1)}, "name is not allowed"),
        ({"__metadata__": np.zeros(1)}, "name is not allowed"),
        ({"a\0": np.zeros(1)}, "name is not allowed"),
        ({"\ud800": np.zeros(1)}, "name is not allowed"),
        ({3: np.zeros(1)}, "name is not allowed"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, tensors: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        checkpoint.save(tmp_path / "m", tensors, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "extra",
    [{"a": (1, 2)}, {"a": float("nan")}, {"a": object()}, {1: 2}, [1], {"a": 10**5000}, {"a": "\ud800"}],
    ids=["tuple", "NaN", "object", "number as key", "list", "huge number", "half a character"],
)
def test_extra_that_would_come_back_otherwise_is_refused(tmp_path: Path, extra: Any) -> None:
    with pytest.raises(CheckpointError, match="not plain JSON"):
        checkpoint.save(tmp_path / "m", {}, 0, extra=extra)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("step", "keep"), [(-1, 5), (1.5, 5), (True, 5), ("1", 5), (1, 0)])
def test_an_impossible_step_or_keep_is_refused(tmp_path: Path, step: Any, keep: int) -> None:
    with pytest.raises(CheckpointError, match=r"step|kept"):
        checkpoint.save(tmp_path / "m", {}, step, keep=keep)


@pytest.mark.parametrize("name", ["", ".hidden", "a\nb", 'a"b', "x" * 201])
def test_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="prefix"):
        checkpoint.save(f"{tmp_path}/{name}", {}, 0)


def test_one_missing_folder_is_made_but_not_two(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "one" / "m", {}, 0)
    with pytest.raises(CheckpointError, match=r"Parent directory of .*two/three doesn't exist, can't save\."):
        checkpoint.save(tmp_path / "two" / "three" / "m", {}, 0)
    assert not (tmp_path / "two").exists()


def test_relative_prefixes_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkpoint.save("./params", {"a": np.ones(2)}, 1) == "./params"
    assert checkpoint.load("params").step == 1
    assert checkpoint.latest(".") == "params"


@pytest.mark.ci
def test_the_time_of_a_large_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # here the disk counts
    values = np.random.default_rng(0).standard_normal(4 << 20).astype(np.float32)
    tensors = {f"w{i}": values for i in range(12)}  # 201 MB, what Adam's state of the VGG network comes to
    for _ in range(3):
        start = time.perf_counter()
        checkpoint.save(tmp_path / "m", tensors, 0)
        saved = time.perf_counter()
        checkpoint.load(tmp_path / "m")
        print(f"201 MB: saved in {saved - start:.2f} s, loaded in {time.perf_counter() - saved:.2f} s")
