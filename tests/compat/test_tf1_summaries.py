"""Summaries: tags, values, event files."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def masked_crc(data: bytes) -> int:
    """CRC-32C (polynomial 0x82f63b78, reflected), rotated and shifted as TFRecords have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path: Path) -> list[bytes]:
    """Returns the payloads of a file of TFRecords: length, checksum of it, payload, checksum of that."""
    data, found = path.read_bytes(), []
    while data:
        size, size_crc = struct.unpack_from("<QI", data)
        payload = data[12 : 12 + size]
        assert size_crc == masked_crc(data[:8])
        assert struct.unpack_from("<I", data, 12 + size) == (masked_crc(payload),)
        found.append(payload)
        data = data[16 + size :]
    return found


def event_file(folder: Path) -> Path:
    (path,) = folder.glob("events.out.tfevents.*")
    return path


def run(tf: Any, fetch: Any) -> Any:
    with tf.Session() as session:
        return session.run(fetch)


def test_a_summary_is_bytes(tf: Any) -> None:
    assert isinstance(run(tf, tf.summary.scalar("loss", 1.5)), bytes)


def tags(tf: Any, value: bytes) -> list[str]:
    return [part.tag for part in tf.Summary.FromString(value).value]


def test_a_scalars_value_and_tag(tf: Any) -> None:
    (value,) = tf.Summary.FromString(run(tf, tf.summary.scalar("loss", 1.5))).value
    assert (value.tag, value.simple_value) == ("loss", 1.5)


def test_the_tag_is_the_name_scope_and_the_name(tf: Any) -> None:
    with tf.name_scope("outer"), tf.name_scope("inner"):
        summary = tf.summary.scalar("loss", 1.5)
    assert tags(tf, run(tf, summary)) == ["outer/inner/loss"]
    assert summary.name == "outer/inner/loss:0"


@pytest.mark.parametrize(
    ("name", "tag"), [("W1:0", "W1_0"), ("two words", "two_words"), ("a/b", "a/b"), ("x-y.z", "x-y.z")]
)
def test_illegal_characters_are_replaced(tf: Any, name: str, tag: str) -> None:
    assert tags(tf, run(tf, tf.summary.scalar(name, 1.0))) == [tag]


def test_a_name_given_twice_gets_a_number(tf: Any) -> None:
    assert tags(tf, run(tf, tf.summary.scalar("loss", 1.0))) == ["loss"]
    assert tags(tf, run(tf, tf.summary.scalar("loss", 1.0))) == ["loss_1"]


def test_a_summary_named_like_a_scope_gets_a_number(tf: Any) -> None:
    with tf.name_scope("Loss"):
        loss = tf.constant(1.0)
    assert tags(tf, run(tf, tf.summary.scalar("loss", loss))) == ["loss_1"]


def test_histogram(tf: Any) -> None:
    values = np.array([-1.0, 0.0, 2.0, 3.0], np.float32)
    (value,) = tf.Summary.FromString(run(tf, tf.summary.histogram("h", values))).value
    assert value.tag == "h"
    assert (value.histo.min, value.histo.max, value.histo.num) == (-1.0, 3.0, 4.0)
    assert (value.histo.sum, value.histo.sum_squares) == (4.0, 14.0)


def test_image(tf: Any) -> None:
    summary = tf.summary.image("columns", np.zeros((4, 5, 6, 1), np.float32), max_outputs=2)
    values = tf.Summary.FromString(run(tf, summary)).value
    assert [value.tag for value in values] == ["columns/image/0", "columns/image/1"]
    assert [(value.image.height, value.image.width, value.image.colorspace) for value in values] == [(5, 6, 1)] * 2
    assert values[0].image.encoded_image_string[1:4] == b"PNG"


def test_one_image_has_no_number(tf: Any) -> None:
    summary = tf.summary.image("columns", np.zeros((4, 5, 6, 3), np.uint8), max_outputs=1)
    assert tags(tf, run(tf, summary)) == ["columns/image"]


def test_an_image_needs_four_dimensions(tf: Any) -> None:
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        run(tf, tf.summary.image("columns", np.zeros((5, 6, 1), np.float32)))


def test_merge_all_of_none_is_none(tf: Any) -> None:
    assert tf.summary.merge_all() is None


def test_merge_all_and_merge(tf: Any) -> None:
    a, b = tf.summary.scalar("a", 1.0), tf.summary.histogram("b", [1.0])
    assert tags(tf, run(tf, tf.summary.merge_all())) == ["a", "b"]
    assert tags(tf, run(tf, tf.summary.merge([a]))) == ["a"]
    assert tags(tf, run(tf, tf.summary.merge([b, a]))) == ["b", "a"]


def test_summaries_are_collected(tf: Any) -> None:
    a = tf.summary.scalar("a", 1.0)
    b = tf.summary.scalar("b", 1.0, collections=["mine"])
    assert tf.get_collection(tf.GraphKeys.SUMMARIES) == [a]
    assert tf.get_collection("mine") == [b]
    assert tags(tf, run(tf, tf.summary.merge_all("mine"))) == ["b"]


def test_a_summary_of_a_placeholder_and_of_a_variable(tf: Any) -> None:
    x, v = tf.placeholder(tf.float32, []), tf.Variable([1.0, 2.0], name="v")
    tf.summary.scalar("x", x)
    tf.summary.histogram(v.name, v)
    merged = tf.summary.merge_all()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert tags(tf, session.run(merged, {x: 3.0})) == ["x", "v_0"]


def test_a_scalar_summary_of_a_vector_is_refused(tf: Any) -> None:
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        run(tf, tf.summary.scalar("a", [1.0, 2.0]))


def test_a_file_writer_makes_its_folder_and_file(tf: Any, tmp_path: Path) -> None:
    folder = tmp_path / "two" / "levels"
    writer = tf.summary.FileWriter(str(folder))
    writer.add_graph(tf.get_default_graph())
    writer.close()
    name = event_file(folder).name.split(".")
    assert name[:3] == ["events", "out", "tfevents"]
    assert name[3].isdigit()
    assert len(name) > 4


def test_the_first_record_names_the_version(tf: Any, tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.add_graph(tf.get_default_graph())
    writer.close()
    assert b"brain.Event:2" in records(event_file(tmp_path))[0]


def test_add_summary_with_its_step(tf: Any, tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [])
    summary = tf.summary.scalar("x", x)
    writer = tf.summary.FileWriter(str(tmp_path))
    with tf.Session() as session:
        for step in range(3):
            writer.add_summary(session.run(summary, {x: step / 2.0}), step)
    writer.close()
    events = [tf.Event.FromString(record) for record in records(event_file(tmp_path))]
    assert [(event.step, event.summary.value[0].simple_value) for event in events[1:]] == [(0, 0.0), (1, 0.5), (2, 1.0)]


def test_a_summary_made_by_hand(tf: Any, tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="accuracy", simple_value=0.5)]), 7)
    writer.close()
    event = tf.Event.FromString(records(event_file(tmp_path))[-1])
    assert (event.step, event.summary.value[0].tag, event.summary.value[0].simple_value) == (7, "accuracy", 0.5)


@pytest.mark.parametrize("how", ["argument", "add_graph"])
def test_the_graph_is_written(tf: Any, tmp_path: Path, how: str) -> None:
    tf.constant(1.0, name="my_const")
    graph = tf.get_default_graph()
    writer = tf.summary.FileWriter(str(tmp_path), graph if how == "argument" else None)
    if how == "add_graph":
        writer.add_graph(graph)
    writer.close()
    assert any(b"my_const" in tf.Event.FromString(record).graph_def for record in records(event_file(tmp_path)))


def test_flush_writes_what_there_is(tf: Any, tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.add_summary(run(tf, tf.summary.scalar("a", 1.0)), 1)
    writer.flush()
    assert len(records(event_file(tmp_path))) == 2
    writer.close()


@pytest.mark.ours_only("the thread that empties its queue may be ended before it is done")
def test_a_writer_that_is_never_closed_is_flushed_at_exit(tf: Any, tmp_path: Path) -> None:
    program = """
import sys
import labkit.compat.v1 as tf
writer = tf.summary.FileWriter(sys.argv[1])
for step in range(20):
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)]), step)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True)
    assert len(records(event_file(tmp_path))) == 21


def test_get_logdir(tf: Any, tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    assert writer.get_logdir() == str(tmp_path)
    writer.close()
