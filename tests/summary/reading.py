"""Reading event files: TensorBoard's own readers, and one of ours that shares nothing with the writer."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator as PluginEventAccumulator
from tensorboard.compat.proto.event_pb2 import Event

EVERYTHING = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0, "compressedHistograms": 0}


def accumulate(folder: Path) -> Any:
    """TensorBoard's classic accumulator, fully loaded."""
    accumulator = EventAccumulator(str(folder), size_guidance=EVERYTHING)
    accumulator.Reload()
    return accumulator


def accumulate_by_plugin(folder: Path) -> Any:
    """The accumulator behind TensorBoard's web page, fully loaded."""
    accumulator = PluginEventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def event_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*tfevents*"))


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) bit by bit, from its definition: reflected polynomial 0x82F63B78."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15) + (crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


def read_records(path: Path) -> list[bytes]:
    """The records of an event file; AssertionError at a wrong CRC or a torn end."""
    data = path.read_bytes()
    records = []
    while data:
        length, length_crc = struct.unpack("<QI", data[:12])
        assert length_crc == masked(data[:8])
        record, crc = data[12 : 12 + length], data[12 + length : 16 + length]
        assert struct.unpack("<I", crc)[0] == masked(record)
        records.append(record)
        data = data[16 + length :]
    return records


def read_events(folder: Path) -> list[Event]:
    """All events of a folder's files, in order."""
    return [Event.FromString(record) for path in event_files(folder) for record in read_records(path)]
