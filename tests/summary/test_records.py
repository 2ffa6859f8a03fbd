"""The framing of records and the beginning of files."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from labkit.io import ManualClock
from labkit.io.records import frame, masked_crc
from labkit.summary import EventWriter
from labkit.summary.file import EventFile
from tests.summary.reading import event_files, masked, read_events, read_records


@given(st.binary(max_size=300))
def test_the_checksum_is_the_masked_crc32c(data: bytes) -> None:
    assert masked_crc(data) == masked(data)


def test_known_checksums() -> None:
    # CRC-32C of "123456789" is E3069283 (RFC 3720, appendix B.4 gives the polynomial; Williams 1993 the check value).
    assert masked_crc(b"123456789") == (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_records_are_framed_as_tfrecord(tmp_path: Path) -> None:
    data = [b"", b"a", b"x" * 1000]
    (tmp_path / "f").write_bytes(b"".join(map(frame, data)))
    assert read_records(tmp_path / "f") == data


def test_a_file_begins_with_its_version(tmp_path: Path) -> None:
    with EventWriter(tmp_path, clock=ManualClock(wall=1_700_000_000.25)) as writer:
        writer.scalar("a", 1, 0)
    version, event = read_events(tmp_path)
    assert version.file_version == "brain.Event:2"
    assert version.wall_time == event.wall_time == 1_700_000_000.25


def test_the_name_tells_time_host_and_process(tmp_path: Path) -> None:
    with EventWriter(tmp_path, clock=ManualClock(wall=1_700_000_000.25)) as writer:
        writer.scalar("a", 1, 0)
    (path,) = event_files(tmp_path)
    host = re.escape(re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()))
    assert re.fullmatch(rf"events\.out\.tfevents\.1700000000\.{host}\.\d+\.\d+", path.name)


@pytest.mark.parametrize("walls", [[5, 5, 5], [1e9, 1e9 - 3600, 0, 2.2e9, 1e9]])
def test_names_sort_in_the_order_of_making_whatever_the_clock_says(tmp_path: Path, walls: list[float]) -> None:
    clock = ManualClock()
    made = []
    for wall in walls:
        clock.set_wall(wall)
        file = EventFile(tmp_path, clock, [b"x"])
        made.append(file.path)
        file.close()
    assert made == event_files(tmp_path)


def test_many_writers_in_one_folder_in_one_second_lose_nothing(tmp_path: Path) -> None:
    clock = ManualClock(wall=1e9)
    writers = [EventWriter(tmp_path, clock=clock) for _ in range(4)]
    for step in range(50):
        for number, writer in enumerate(writers):
            writer.scalar(f"w{number}", step, step)
    for writer in writers:
        writer.close()
        assert not writer.degraded
    assert len(event_files(tmp_path)) == 4
    assert sum(event.HasField("summary") for event in read_events(tmp_path)) == 200
