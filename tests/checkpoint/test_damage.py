"""Every damaged byte is found before use, and no file, however made, does more than raise CheckpointError."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from labkit import checkpoint
from labkit.checkpoint import MetaGraphDef, manifest, tensorfile
from labkit.checkpoint.manifest import DATA, INDEX, META
from labkit.errors import CheckpointError


def save_small(folder: Path, name: str = "m-1", step: int = 1) -> str:
    tensors = {"w": np.full((4, 5), step, np.float32), "flags": np.array([True, False]), "n": np.array(step)}
    graph = MetaGraphDef(collections={"x": ["a", "b"]})
    return checkpoint.save(folder / name, tensors, step, graph=graph, extra={"epoch": step}, keep=None)


def assert_refused(prefix: str) -> None:
    with pytest.raises(CheckpointError):
        checkpoint.load(prefix)
    with pytest.raises(CheckpointError):
        checkpoint.verify(prefix)


@pytest.mark.parametrize("suffix", [DATA, META, INDEX])
@pytest.mark.parametrize(
    "mask", [0x01, pytest.param(0x80, marks=pytest.mark.ci), pytest.param(0x20, marks=pytest.mark.ci)]
)
def test_every_changed_byte_is_found(tmp_path: Path, suffix: str, mask: int) -> None:
    prefix = save_small(tmp_path)
    path = Path(prefix + suffix)
    content = path.read_bytes()
    assert len(content) > 10
    for i in range(len(content)):
        changed = bytearray(content)
        changed[i] ^= mask
        path.write_bytes(changed)
        assert_refused(prefix)
    path.write_bytes(content)
    checkpoint.load(prefix)


@pytest.mark.parametrize("suffix", [DATA, META, INDEX])
def test_every_truncation_and_extension_is_found(tmp_path: Path, suffix: str) -> None:
    prefix = save_small(tmp_path)
    path = Path(prefix + suffix)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert_refused(prefix)
    for more in (b"\0", b"\n", b" ", content):
        path.write_bytes(content + more)
        assert_refused(prefix)
    path.unlink()
    assert_refused(prefix)


@pytest.mark.ci
@pytest.mark.parametrize("suffix", [DATA, META, INDEX])
def test_every_lost_block_is_found(tmp_path: Path, suffix: str) -> None:
    graph = MetaGraphDef(collections={"x": ["y" * 3000]})
    prefix = checkpoint.save(tmp_path / "m", {"w": np.ones(2000)}, 1, graph=graph, extra={"x": "y" * 3000})
    path = Path(prefix + suffix)
    content = path.read_bytes()
    for start in range(0, len(content), 512):
        path.write_bytes(content[:start] + bytes(len(content[start : start + 512])) + content[start + 512 :])
        assert_refused(prefix)


@pytest.mark.parametrize("suffix", [DATA, META, INDEX])
def test_files_swapped_between_checkpoints_are_found(tmp_path: Path, suffix: str) -> None:
    one, two = save_small(tmp_path, "m-1", 1), save_small(tmp_path, "m-2", 2)
    if suffix == META:  # their graphs are equal, so make them differ
        two = checkpoint.save(tmp_path / "m-2", {}, 2, graph=MetaGraphDef(collections={"x": [1]}))
    os.rename(one + suffix, tmp_path / "aside")
    os.rename(two + suffix, one + suffix)
    os.rename(tmp_path / "aside", two + suffix)
    assert_refused(one)
    assert_refused(two)


def test_a_whole_checkpoint_may_be_copied_to_another_name(tmp_path: Path) -> None:
    prefix = save_small(tmp_path)
    for suffix in (DATA, META, INDEX):
        shutil.copy(prefix + suffix, tmp_path / ("best" + suffix))
    assert checkpoint.load(tmp_path / "best").step == 1


def test_a_missing_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        checkpoint.load(tmp_path / "nothing")


@pytest.mark.parametrize("kind", ["pipe", "folder", "dangling link"])
def test_something_else_in_a_files_place_is_refused(tmp_path: Path, kind: str) -> None:
    prefix = save_small(tmp_path)
    path = Path(prefix + DATA)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    assert_refused(prefix)


# --- manifests made to do harm: their own checksum is right ---


def forge(prefix: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Replaces the manifest by one that was changed and sealed again."""
    inner = json.loads(Path(prefix + INDEX).read_text())["manifest"]
    inner = change(inner) or inner
    text = msgspec.json.encode(inner)
    sealed = {"manifest": inner, "sha256": hashlib.sha256(text).hexdigest()}
    Path(prefix + INDEX).write_bytes(msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n")


def deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "upwards": lambda m: m["files"][0].update(suffix="/../../etc/passwd"),
    "absolute": lambda m: m["files"][0].update(suffix="/etc/passwd"),
    "other name": lambda m: m["files"][0].update(suffix=".data-00001-of-00002"),
    "newline in the name": lambda m: m["files"][0].update(suffix=DATA + "\n"),
    "NUL in the name": lambda m: m["files"][0].update(suffix=DATA + "\0"),
    "name is no text": lambda m: m["files"][0].update(suffix=3),
    "file twice": lambda m: m.update(files=[m["files"][0]] * 2),
    "no data file": lambda m: m.update(files=m["files"][1:]),
    "no files": lambda m: m.update(files=[]),
    "many files": lambda m: m.update(files=m["files"] * 1000),
    "negative size": lambda m: m["files"][0].update(size=-1),
    "huge size": lambda m: m["files"][0].update(size=2**62),
    "size beyond 64 bits": lambda m: m["files"][0].update(size=2**80),
    "size is a float": lambda m: m["files"][0].update(size=1.5),
    "size is text": lambda m: m["files"][0].update(size="1"),
    "other checksum": lambda m: m["files"][0].update(sha256="0" * 64),
    "short checksum": lambda m: m["files"][0].update(sha256="0"),
    "capital checksum": lambda m: m["files"][0].update(sha256=m["files"][0]["sha256"].upper()),
    "unknown field": lambda m: m.update(more=1),
    "unknown field of a file": lambda m: m["files"][0].update(more=1),
    "missing field": lambda m: m.pop("step") * 0 or m,
    "negative step": lambda m: m.update(step=-1),
    "step is true": lambda m: m.update(step=True),
    "serial 0": lambda m: m.update(serial=0),
    "other format": lambda m: m.update(format="other"),
    "later version": lambda m: m.update(version=2),
    "extra is a list": lambda m: m.update(extra=[]),
    "is a list": lambda m: [m],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_manifest_is_refused(tmp_path: Path, kind: str) -> None:
    prefix = save_small(tmp_path)
    forge(prefix, lambda m: None)
    checkpoint.load(prefix)  # an unchanged one passes, so the rest fails for its own reason
    forge(prefix, HOSTILE[kind])
    assert_refused(prefix)
    with pytest.warns(checkpoint.CheckpointWarning):
        assert checkpoint.latest(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"[" * 200_000,
        b"{}",
        b"null",
        b"\xff\xfe",
        b'{"manifest":' * 100_000,
        b"1" * 100_000,
        b'"' + b"a" * 100_000,
    ],
    ids=lambda c: repr(c[:12]),
)
def test_a_manifest_that_is_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    prefix = save_small(tmp_path)
    Path(prefix + INDEX).write_bytes(content)
    assert_refused(prefix)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    prefix = save_small(tmp_path)
    with open(prefix + INDEX, "wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        assert_refused(prefix)
        assert tracemalloc.get_traced_memory()[1] < 3 * manifest.MAX_INDEX
    finally:
        tracemalloc.stop()


# --- safetensors files made to do harm: their checksum in the manifest is right ---


def content_of(header: Any, body: bytes = b"", length: int | None = None) -> np.ndarray:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return np.frombuffer((len(text) if length is None else length).to_bytes(8, "little") + text + body, np.uint8)


def entry(dtype: str = "F32", shape: Any = (1,), begin: Any = 0, end: Any = 4, **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


BAD_FILES: dict[str, np.ndarray] = {
    "empty": np.zeros(0, np.uint8),
    "seven bytes": np.zeros(7, np.uint8),
    "header longer than the file": content_of({}, length=3),
    "header of 2**64 - 1 bytes": content_of({}, length=2**64 - 1),
    "header is no JSON": content_of(b"{"),
    "header is a list": content_of([]),
    "header nested deeply": content_of(b'{"a":' * 100_000),
    "entry nested deeply": content_of(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "shape whose product wraps to 4": content_of(
        {"a": entry(shape=(4194305, 4194305, 211106198978564), end=16)}, bytes(16)
    ),
    "shape that wraps to 0": content_of({"a": entry(shape=(2**32, 2**32), end=0)}),
    "empty array with sides that overflow": content_of({"a": entry(shape=(0, 2**62, 2**62), end=0)}),
    "negative side": content_of({"a": entry(shape=(-1, -1))}, bytes(4)),
    "side is a float": content_of({"a": entry(shape=(1.0,))}, bytes(4)),
    "side is true": content_of({"a": entry(shape=(True,))}, bytes(4)),
    "side beyond 64 bits": content_of({"a": entry(shape=(2**70,))}, bytes(4)),
    "nine dimensions": content_of({"a": entry(shape=(1,) * 9)}, bytes(4)),
    "a million dimensions": content_of({"a": entry(shape=(1,) * 10**6)}, bytes(4)),
    "end behind the file": content_of({"a": entry(shape=(2,), end=8)}, bytes(4)),
    "end before begin": content_of({"a": entry(begin=4, end=0)}, bytes(4)),
    "negative offsets": content_of({"a": entry(begin=-4, end=0)}, bytes(4)),
    "offsets beyond 64 bits": content_of({"a": entry(begin=2**70, end=2**70 + 4)}, bytes(4)),
    "overlap": content_of({"a": entry(), "b": entry()}, bytes(4)),
    "gap": content_of({"a": entry(), "b": entry(begin=8, end=12)}, bytes(12)),
    "bytes behind the last array": content_of({"a": entry()}, bytes(5)),
    "size unlike shape": content_of({"a": entry(shape=(2,))}, bytes(4)),
    "unknown dtype": content_of({"a": entry(dtype="F99")}, bytes(4)),
    "dtype object": content_of({"a": entry(dtype="O")}, bytes(4)),
    "dtype is a number": content_of({"a": entry(dtype=3)}, bytes(4)),  # type: ignore[arg-type]
    "unknown field": content_of({"a": entry(more=1)}, bytes(4)),
    "three offsets": content_of({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}, bytes(4)),
    "truth values that are neither": content_of({"a": entry("BOOL", (4,))}, b"\0\1\2\1"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_hostile_data_file_is_refused(tmp_path: Path, kind: str) -> None:
    content = BAD_FILES[kind]
    with pytest.raises(CheckpointError, match="no valid safetensors file"):
        tensorfile.parse(content, "a file")
    prefix = save_small(tmp_path)
    Path(prefix + DATA).write_bytes(content.tobytes())

    def accept(m: dict[str, Any]) -> None:
        m["files"][0].update(size=content.size, sha256=hashlib.sha256(content).hexdigest())

    forge(prefix, accept)
    with pytest.raises(CheckpointError, match="no valid safetensors file"):
        checkpoint.load(prefix)


def test_an_unaligned_file_of_another_program_is_read() -> None:
    content = content_of(
        {"a": entry("U8", (1,), 0, 1), "b": entry("F32", (2,), 1, 9)}, b"\7" + np.arange(2, dtype="<f4").tobytes()
    )
    parsed = tensorfile.parse(content, "a file")
    assert parsed["a"].tolist() == [7]
    assert parsed["b"].tolist() == [0, 1]
    assert parsed["b"].flags.aligned


@pytest.mark.parametrize("graph", [b"[1]", b"{", b"[" * 100_000, b"\xff", b"NaN"], ids=lambda g: repr(g[:5]))
def test_a_hostile_graph_is_refused(tmp_path: Path, graph: bytes) -> None:
    prefix = save_small(tmp_path)
    Path(prefix + META).write_bytes(graph)
    forge(prefix, lambda m: m["files"][1].update(size=len(graph), sha256=hashlib.sha256(graph).hexdigest()))
    with pytest.raises(CheckpointError, match="holds no meta graph"):
        checkpoint.load(prefix)


def test_the_message_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    prefix = save_small(tmp_path)
    content = bytearray(Path(prefix + DATA).read_bytes())
    content[-1] ^= 1
    Path(prefix + DATA).write_bytes(content)
    text = (
        re.escape(f"{prefix}{DATA} is damaged: its SHA-256 differs.")
        + ".*manifest gives.*Received: other bytes.*latest"
    )
    with pytest.raises(CheckpointError, match=text):
        checkpoint.load(prefix)
