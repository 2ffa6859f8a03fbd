"""What a profiled run measured, as the RunMetadata protobuf that TensorBoard's Graphs page colours nodes by.

tensorboardX has no such proto, so the few fields are encoded here.
"""

from __future__ import annotations

from typing import Any

from labkit.io.wire import bytes_field, number_field


def run_metadata(measured: Any) -> bytes:
    """The RunMetadata of a run.

    Args:
        measured: `nodes`, each with `name`, `start` and `seconds` (in seconds), `bytes` and `timeline_label`.
    """
    nodes = b"".join(bytes_field(2, _node(node)) for node in measured.nodes)
    device = _text(1, "/device:CPU:0") + nodes
    return bytes_field(1, bytes_field(1, device))  # step_stats.dev_stats


def _node(node: Any) -> bytes:
    end = max(round(node.seconds * 1e6), 1)  # TensorBoard leaves out what took no time
    memory = _text(1, "cpu") + number_field(2, node.bytes) + number_field(3, node.bytes)
    return (
        _text(1, node.name)
        + number_field(2, round(node.start * 1e6))
        + number_field(4, end)
        + number_field(5, end)
        + bytes_field(6, memory)
        + _text(8, node.timeline_label)
    )


def _text(field: int, value: str) -> bytes:
    return bytes_field(field, value.encode())
