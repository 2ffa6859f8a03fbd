"""Messages: whole, in order, however the bytes arrive."""

from __future__ import annotations

import math
import os
import struct
import threading

import pytest

from labkit.lab.messages import LIMIT, Channel, pair


def test_messages_arrive_whole_and_in_order() -> None:
    left, right = map(Channel, pair())
    sent = [{"n": n, "text": "ü" * n * 1000, "value": math.inf} for n in range(60)]
    writer = threading.Thread(target=lambda: [left.send(message) for message in sent])
    writer.start()
    assert [right.receive() for _ in sent] == sent
    writer.join()
    left.close()
    assert right.receive() is None
    right.close()


def test_a_message_may_arrive_byte_by_byte() -> None:
    left, right = pair()
    channel = Channel(right)
    data = b'{"a":1}'
    for byte in struct.pack(">I", len(data)) + data:
        assert channel.pending() == []
        left.send(bytes([byte]))
        channel.read()
    assert channel.pending() == [{"a": 1}]
    left.close()
    channel.close()


def test_descriptors_travel_with_their_messages() -> None:
    left, right = map(Channel, pair())
    read_end, write_end = os.pipe()
    left.send({"n": 0})
    left.send({"n": 1}, descriptor=write_end)
    os.close(write_end)
    assert [right.receive(), right.receive()] == [{"n": 0}, {"n": 1}]
    received = right.take_descriptor()
    os.write(received, b"through")
    os.close(received)
    assert os.read(read_end, 100) == b"through"
    os.close(read_end)
    left.close()
    right.close()


def test_a_length_that_no_message_has_is_refused_before_memory_is() -> None:
    left, right = pair()
    channel = Channel(right)
    left.send(struct.pack(">I", LIMIT + 1))
    with pytest.raises(ValueError, match="claims"):
        channel.receive()
    left.close()
    channel.close()
