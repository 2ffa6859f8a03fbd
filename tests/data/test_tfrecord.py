"""TFRecord files: written, read, gone on with, and damaged in every byte."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import TensorSpec, TFRecordDataset, TFRecordWriter, serialize_example
from labkit.errors import DataError, InvalidArgumentError, IteratorStateError
from labkit.io import records
from labkit.io.records import frame, masked_crc
from tests.data.pipelines import require_no_threads

RECORDS = [b"", b"first", bytes(1000), b"x" * (3 << 20), b"last"]
COMPRESSIONS = ["", "GZIP", "ZLIB"]


def written(path: Path, contents: list[bytes], compression: str = "") -> Path:
    with TFRecordWriter(path, compression) as writer:
        for record in contents:
            writer.write(record)
    return path


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_was_written_is_read(tmp_path: Path, compression: str) -> None:
    path = written(tmp_path / "a", RECORDS, compression)
    dataset = TFRecordDataset([path, path], compression)
    assert dataset.element_spec == TensorSpec((), "string")
    assert list(dataset) == RECORDS * 2
    data = path.read_bytes()
    plain = {"": lambda x: x, "GZIP": gzip.decompress, "ZLIB": zlib.decompress}[compression](data)
    assert plain == b"".join(map(frame, RECORDS))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_going_on_from_every_place(tmp_path: Path, compression: str) -> None:
    contents = [f"record {i}".encode() * i for i in range(6)]
    paths = [written(tmp_path / "a", contents, compression), written(tmp_path / "b", contents[:2], compression)]
    everything = contents + contents[:2]
    iterator = iter(TFRecordDataset(paths, compression))
    for place in range(len(everything) + 1):
        state = json.loads(json.dumps(iterator.state()))
        assert list(TFRecordDataset(paths, compression).iterate(state=state)) == everything[place:]
        next(iterator, None)


def test_two_containers_in_one_file(tmp_path: Path) -> None:
    data = b"".join(map(frame, RECORDS))
    (tmp_path / "a").write_bytes(gzip.compress(data[:500]) + gzip.compress(data[500:]))
    assert list(TFRecordDataset(tmp_path / "a", "GZIP")) == RECORDS


def test_examples_become_elements(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 3), np.uint8)
    rows = [serialize_example({"image": image.tobytes(), "label": i}) for i, image in enumerate(images)]
    features = {"image": TensorSpec((2, 3), "uint8"), "label": TensorSpec((), "int64")}
    dataset = TFRecordDataset(written(tmp_path / "a", rows), features=features)
    assert dataset.node.declared == features
    batch = next(iter(dataset.batch(5).prefetch(1)))
    np.testing.assert_array_equal(batch["image"], images)
    assert batch["label"].tolist() == [0, 1, 2, 3, 4]
    pairs = TFRecordDataset(tmp_path / "a").map(lambda record: lk.data.parse_example(record, features))
    assert [int(row["label"]) for row in pairs] == [0, 1, 2, 3, 4]
    require_no_threads()


def test_an_example_that_is_none_names_file_record_and_byte(tmp_path: Path) -> None:
    path = written(tmp_path / "a", [serialize_example({"x": 1}), serialize_example({"y": 1}), b"\x0a\x05abc"])
    dataset = TFRecordDataset(path, features={"x": TensorSpec((), "int64")})
    with pytest.raises(DataError, match=r"a, record 1 \(byte 30\): The Example has no feature 'x'"):
        list(dataset)
    later = TFRecordDataset(path, features={"x": TensorSpec((), "int64")}, defaults={"x": 7})
    iterator = iter(later)
    assert [int(next(iterator)["x"]) for _ in range(2)] == [1, 7]
    for _ in range(2):  # it stands before the one that failed
        with pytest.raises(DataError, match=r"a, record 2 \(byte 60\): The bytes are no tf.train.Example.* at byte 0"):
            next(iterator)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_damaged_byte_and_every_cut_is_found(tmp_path: Path, compression: str) -> None:
    contents = [b"first", b"", b"third one"]
    whole = written(tmp_path / "a", contents, compression).read_bytes()
    ends = {0, 21, 37, len(whole)} if not compression else {len(whole)}
    for place in range(len(whole)):
        (tmp_path / "a").write_bytes(whole[:place])
        if place not in ends:
            with pytest.raises(DataError, match="a is damaged at record"):
                list(TFRecordDataset(tmp_path / "a", compression))
    unread = {4, 5, 6, 7, 8, 9} if compression == "GZIP" else set()  # time, hints and system in the container's head
    for place in set(range(len(whole))) - unread:
        (tmp_path / "a").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(DataError, match="a is damaged at record"):
            list(TFRecordDataset(tmp_path / "a", compression))


def test_records_before_the_damage_are_given(tmp_path: Path) -> None:
    data = bytearray(b"".join(map(frame, [b"first", b"second"])))
    data[-5] ^= 1
    (tmp_path / "a").write_bytes(data)
    iterator = iter(TFRecordDataset(tmp_path / "a"))
    assert next(iterator) == b"first"
    with pytest.raises(DataError, match=r"record 1, which begins at byte 21.*checksums in the data"):
        next(iterator)
    (tmp_path / "a").write_bytes(b"".join(map(frame, [b"first", b"mended"])))
    assert list(iterator) == [b"mended"]


def lying(length: int) -> bytes:
    head = struct.pack("<Q", length)
    return head + struct.pack("<I", masked_crc(head)) + b"few"


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("length", [4, 1 << 25, 1 << 40, 2**64 - 1])
def test_lengths_that_lie_reserve_nothing(tmp_path: Path, compression: str, length: int) -> None:
    pack = {"": lambda x: x, "GZIP": gzip.compress, "ZLIB": zlib.compress}[compression]
    (tmp_path / "a").write_bytes(pack(lying(length)))
    tracemalloc.start()
    with pytest.raises(DataError, match="a is damaged at record 0"):
        list(TFRecordDataset(tmp_path / "a", compression))
    assert tracemalloc.get_traced_memory()[1] < 6 << 20
    tracemalloc.stop()


def test_a_bomb_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LARGEST", 1 << 22)
    with gzip.open(tmp_path / "a", "wb") as file:
        file.write(frame(bytes(50_000_000)))
    tracemalloc.start()
    with pytest.raises(DataError, match="a record has 4,194,304 at most"):
        list(TFRecordDataset(tmp_path / "a", "GZIP"))
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_another_compression(tmp_path: Path) -> None:
    path = written(tmp_path / "a", [b"x"], "GZIP")
    with pytest.raises(DataError, match="Is the file compressed"):
        list(TFRecordDataset(path))
    with pytest.raises(DataError, match="no whole ZLIB container"):
        list(TFRecordDataset(path, "ZLIB"))
    for wrong in ("gzip", 5, b""):
        with pytest.raises(InvalidArgumentError, match="no such compression"):
            TFRecordDataset(path, wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="no such compression"):
            TFRecordWriter(path, wrong)  # type: ignore[arg-type]


def test_other_refusals(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        next(iter(TFRecordDataset(tmp_path / "none")))
    with pytest.raises(InvalidArgumentError, match="defaults are those of features"):
        TFRecordDataset("a", defaults={"x": 1})
    path = written(tmp_path / "a", [b"one", b"two"])
    iterator = iter(TFRecordDataset(path))
    next(iterator)
    next(iterator)
    state = iterator.state()
    written(path, [b"one"])
    with pytest.raises(IteratorStateError, match="shorter"):
        list(TFRecordDataset(path).iterate(state=state))
    with pytest.raises(IteratorStateError, match="another pipeline"):
        TFRecordDataset(path, features={"x": TensorSpec((), "int64")}).iterate(state=state)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, compression: str) -> None:
    path = written(tmp_path / "a", [b"before"], compression)

    def stopped() -> None:
        with TFRecordWriter(path, compression) as writer:
            writer.write(b"after")
            raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        stopped()
    assert list(TFRecordDataset(path, compression)) == [b"before"]
    writer = TFRecordWriter(path, compression)
    writer.write(bytearray(b"after"))
    assert list(TFRecordDataset(path, compression)) == [b"before"]
    writer.close()
    writer.close()
    assert list(TFRecordDataset(path, compression)) == [b"after"]
    assert [x.name for x in tmp_path.iterdir()] == ["a"]
    with pytest.raises(InvalidArgumentError, match="closed"):
        writer.write(b"late")


def test_only_bytes_are_written(tmp_path: Path) -> None:
    value: Any = {"x": 1}
    with TFRecordWriter(tmp_path / "a") as writer, pytest.raises(InvalidArgumentError, match="serialize_example"):
        writer.write(value)
