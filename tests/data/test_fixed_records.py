"""Records of a fixed length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.data import FixedLengthRecordDataset, TensorSpec, read_cifar10
from labkit.errors import DataError, InvalidArgumentError, PipelineError


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Records 00 to 12 of two bytes in three files, the second one without a record, each with a header and a footer."""
    paths = []
    for name, numbers in (("a", range(5)), ("b", range(0)), ("c", range(5, 13))):
        (tmp_path / name).write_bytes(b"HEAD" + b"".join(b"%02d" % i for i in numbers) + b"F")
        paths.append(tmp_path / name)
    return paths


def test_records_in_order_and_by_number(files: list[Path]) -> None:
    dataset = FixedLengthRecordDataset(files, record_bytes=2, header_bytes=4, footer_bytes=1)
    expected = [b"%02d" % i for i in range(13)]
    assert (len(dataset), dataset.element_spec) == (13, TensorSpec((), "string"))
    assert list(dataset) == expected
    assert list(dataset.skip(4).take(3)) == expected[4:7]
    shuffled = list(dataset.shuffle(seed=3))
    assert shuffled != expected
    assert sorted(shuffled) == expected
    rows = dataset.node.fetch(np.array([12, 0, 5, 6, 0, 4]), 0, None)  # type: ignore[arg-type]
    assert rows.elements() == [b"12", b"00", b"05", b"06", b"00", b"04"]


def test_going_on_is_immediate(files: list[Path]) -> None:
    dataset = FixedLengthRecordDataset(files, 2, 4, 1)
    iterator = iter(dataset)
    for _ in range(7):
        next(iterator)
    assert iterator.state()["position"] == 7
    assert next(FixedLengthRecordDataset(files, 2, 4, 1).iterate(state=iterator.state())) == b"07"


def test_cifar_streams(tmp_path: Path) -> None:
    def decode(record: bytes) -> Any:
        return np.frombuffer(record, np.uint8, offset=1).reshape(3, 32, 32).transpose(1, 2, 0), np.int64(record[0])

    data = np.random.default_rng(0).integers(0, 10, 4 * 3073, np.uint8)
    (tmp_path / "batch.bin").write_bytes(data.tobytes())
    images, labels = FixedLengthRecordDataset(tmp_path / "batch.bin", 3073).map(decode).arrays()
    np.testing.assert_array_equal(images, read_cifar10(tmp_path / "batch.bin")[0])
    np.testing.assert_array_equal(labels, read_cifar10(tmp_path / "batch.bin")[1])


def test_files_that_are_wrong(files: list[Path]) -> None:
    with pytest.raises(
        DataError, match=r"a does not consist of whole records.*15 bytes: 1 bytes too many from byte 13 on"
    ):
        list(FixedLengthRecordDataset(files, 3, 4, 1))
    with pytest.raises(DataError, match="whole records"):
        len(FixedLengthRecordDataset(files, 2, 40))
    with pytest.raises(DataError, match="cannot be read"):
        len(FixedLengthRecordDataset("none", 2))
    dataset = FixedLengthRecordDataset(files, 2, 4, 1)
    assert len(dataset) == 13
    files[2].write_bytes(b"HEAD0506")
    iterator = iter(dataset)
    assert [next(iterator) for _ in range(7)] == [b"%02d" % i for i in range(7)]
    with pytest.raises(PipelineError, match=r"fixed_length_records #1 failed at element 7: .*c is shorter than it was"):
        next(iterator)
    files[2].unlink()
    with pytest.raises(PipelineError, match="cannot be read"):
        next(iterator)


@pytest.mark.parametrize("arguments", [(0,), (True,), (2.0,), (2, -1), (2, 0, -1)])
def test_sizes_that_are_none(arguments: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="_bytes is a whole number"):
        FixedLengthRecordDataset("a", *arguments)
