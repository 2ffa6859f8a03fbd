"""What a profiled run measured, as the RunMetadata protobuf that TensorBoard's Graphs page colours nodes by.

tensorboardX has no such proto, so the few fields are encoded here: a message is a sequence of fields, each a key (number and
wire type in one varint) and a varint or a length with bytes (protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from typing import Any

_VARINT, _BYTES = 0, 2


def run_metadata(measured: Any) -> bytes:
    """The RunMetadata of a run.

    Args:
        measured: `nodes`, each with `name`, `start` and `seconds` (in seconds), `bytes` and `timeline_label`.
    """
    nodes = b"".join(_message(2, _node(node)) for node in measured.nodes)
    device = _text(1, "/device:CPU:0") + nodes
    return _message(1, _message(1, device))  # step_stats.dev_stats


def _node(node: Any) -> bytes:
    end = max(round(node.seconds * 1e6), 1)  # TensorBoard leaves out what took no time
    memory = _text(1, "cpu") + _number(2, node.bytes) + _number(3, node.bytes)
    return (
        _text(1, node.name)
        + _number(2, round(node.start * 1e6))
        + _number(4, end)
        + _number(5, end)
        + _message(6, memory)
        + _text(8, node.timeline_label)
    )


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _message(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(data)) + data


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())
