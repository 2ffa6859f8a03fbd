"""tf.summary's writers: what TensorBoard reads of a whole program's log, and the life of a FileWriter."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.compat.proto.config_pb2 import RunMetadata

import labkit.compat.v1 as tf
from labkit.errors import DataError, DTypeError, InvalidArgumentError, NotFoundError
from labkit.summary import EventFileWarning
from tests.summary.reading import accumulate, event_files, read_events


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_a_whole_program_in_tensorboard(tmp_path: Path) -> None:
    # After the crash course: losses in a scope, weights as histogram and as pictures of their columns.
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y = tf.placeholder(tf.float32, [None, 10], name="y")
    with tf.name_scope("model"):
        w = tf.Variable(tf.random_normal([784, 10], stddev=0.01), name="W")
        p = tf.nn.softmax(tf.matmul(x, w))
    with tf.name_scope("Loss"):
        loss = tf.reduce_mean(-tf.reduce_sum(y * tf.log(p + 1e-8), reduction_indices=[1]))
    tf.summary.scalar("loss", loss)
    tf.summary.histogram(w.name, w)
    tf.summary.image(
        "columns of W", tf.expand_dims(tf.transpose(tf.reshape(w, [28, 28, 10]), [2, 0, 1]), 3), max_outputs=10
    )
    tf.summary.text("notes", tf.constant("softmax *regression*"))
    merged = tf.summary.merge_all()
    step = tf.train.GradientDescentOptimizer(0.02).minimize(loss)
    rng = np.random.default_rng(0)
    digits = np.eye(10)[np.arange(30) % 10]
    images = digits @ rng.random((10, 784))
    log = tmp_path / "logs" / "run"
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        writer = tf.summary.FileWriter(str(log), session.graph)
        for i in range(5):
            _, summary = session.run([step, merged], {x: images, y: digits})
            writer.add_summary(summary, i)
        writer.close()
        columns = session.run(w)
    read = accumulate(log)
    tags = read.Tags()
    assert tags["scalars"] == ["loss_1"]
    assert tags["histograms"] == ["model/W_0"]
    assert tags["images"] == [f"columns_of_W/image/{i}" for i in range(10)]
    assert tags["tensors"] == ["notes"]
    losses = [event.value for event in read.Scalars("loss_1")]
    assert losses == sorted(losses, reverse=True)
    nodes = {node.name for node in read.Graph().node}
    assert {"x", "model/W", "model/MatMul", "Loss/Mean", "loss_1", "Merge/MergeSummary", "GradientDescent"} <= nodes
    # The last picture is of the weights before the last step.
    shown = np.array(Image.open(io.BytesIO(read.Images("columns_of_W/image/3")[-1].encoded_image_string)))
    assert shown.shape == (28, 28)
    assert np.corrcoef(shown.reshape(-1), columns[:, 3])[0, 1] > 0.9


def test_a_writer_that_is_never_closed_is_flushed_at_exit(tmp_path: Path) -> None:
    code = (
        "import labkit.compat.v1 as tf, sys\n"
        "writer = tf.summary.FileWriter(sys.argv[1])\n"
        "for i in range(100):\n"
        "    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag='x', simple_value=i)]), i)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert len(accumulate(tmp_path).Scalars("x")) == 100


def test_the_folder_comes_at_once_and_the_file_with_the_first_event(tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(tmp_path / "a" / "b", filename_suffix=".mine", max_queue=1, flush_secs=1)
    assert (tmp_path / "a" / "b").is_dir()
    assert event_files(tmp_path / "a" / "b") == []
    writer.add_summary(tf.Summary(), 1)
    writer.flush()
    assert event_files(tmp_path / "a" / "b")[0].name.endswith(".mine")
    writer.close()


def test_after_close_nothing_is_written_until_it_is_reopened(tmp_path: Path) -> None:
    value = tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=1)])
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.add_summary(value, 1)
    writer.close()
    writer.close()
    with pytest.warns(EventFileWarning, match="after close"):
        writer.add_summary(value, 2)
    writer.reopen()
    writer.reopen()
    writer.add_summary(value, np.int64(3))
    writer.close()
    assert len(event_files(tmp_path)) == 2
    assert [event.step for event in accumulate(tmp_path).Scalars("x")] == [1, 3]


def test_a_writer_is_a_context(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=1)]))
    assert [event.step for event in accumulate(tmp_path).Scalars("x")] == [0]


def test_events_and_session_logs_as_they_are(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_event(tf.Event(wall_time=1.5, step=4, summary=tf.Summary()))
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 9)
    first, second, third = read_events(tmp_path)
    assert first.file_version == "brain.Event:2"
    assert (second.wall_time, second.step) == (1.5, 4)
    assert (third.step, third.session_log.status) == (9, tf.SessionLog.START)


@pytest.mark.parametrize("wrong", ["text", b"\xff\xff", 1.5, None])
def test_what_is_no_summary(tmp_path: Path, wrong: object) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    with pytest.raises(InvalidArgumentError, match="no Summary"):
        writer.add_summary(wrong, 1)


def test_a_graph_and_its_description(tmp_path: Path) -> None:
    with tf.name_scope("scope"):
        tf.add(tf.constant(1.0, name="one"), 2.0)
    tf.summary.scalar("x", 1.0)
    graph = tf.get_default_graph()
    for name, arguments in (("graph", (graph,)), ("description", (None, 10, 120, graph.as_graph_def()))):
        tf.summary.FileWriter(str(tmp_path / name), *arguments).close()
        nodes = [node.name for node in accumulate(tmp_path / name).Graph().node]
        assert nodes == [op.name for op in graph.get_operations()]
    with pytest.raises(DTypeError, match="must be an instance of `Graph`"):
        tf.summary.FileWriter(str(tmp_path)).add_graph("graph")


def test_run_metadata_colours_the_graph(tmp_path: Path) -> None:
    x = tf.constant(np.ones((300, 300), np.float32))
    y = tf.reduce_sum(tf.matmul(x, tf.placeholder_with_default(x, [300, 300])), name="total")
    measured = tf.RunMetadata()
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
        session.run(y, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=measured)
        writer.add_run_metadata(measured, "step1", 1)
        with pytest.raises(InvalidArgumentError, match="already used"):
            writer.add_run_metadata(measured, "step1", 2)
        with pytest.raises(InvalidArgumentError, match=r"takes a tf\.RunMetadata"):
            writer.add_run_metadata("measured", "step2")
    read: RunMetadata = accumulate(tmp_path).RunMetadata("step1")
    (device,) = read.step_stats.dev_stats
    nodes = {node.node_name: node for node in device.node_stats}
    assert set(nodes) == {node.name for node in measured.nodes}
    assert nodes["MatMul"].all_end_rel_micros >= 1
    assert nodes["MatMul"].memory[0].total_bytes == 300 * 300 * 4
    assert nodes["MatMul"].timeline_label == "MatMul = MatMul()"


def test_the_cache_has_one_writer_for_a_folder(tmp_path: Path) -> None:
    cache = tf.summary.FileWriterCache
    one = cache.get(str(tmp_path / "a"))
    assert cache.get(str(tmp_path / "a")) is one
    assert cache.get(str(tmp_path / "b")) is not one
    one.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=1)]), 1)
    cache.clear()
    assert len(accumulate(tmp_path / "a").Scalars("x")) == 1
    assert cache.get(str(tmp_path / "a")) is not one
    cache.clear()


def test_reading_an_event_file(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=step / 2)]), step)
    (path,) = event_files(tmp_path)
    first, *rest = tf.train.summary_iterator(str(path))
    assert first.file_version == "brain.Event:2"
    assert [(event.step, event.summary.value[0].simple_value) for event in rest] == [(0, 0), (1, 0.5), (2, 1)]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])  # as while it is being written
    assert len(list(tf.train.summary_iterator(path))) == 3
    for place in (0, 9, 14, len(whole) - 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DataError, match="damaged"):
            list(tf.train.summary_iterator(path))
    with pytest.raises(NotFoundError):
        list(tf.train.summary_iterator(str(tmp_path / "nothing")))


def test_a_log_that_cannot_be_written_does_not_stop_the_program(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = tf.summary.FileWriter(str(tmp_path / "file" / "log"))
    writer.add_summary(tf.Summary(), 1)
    with pytest.warns(EventFileWarning, match="Training goes on"):
        writer.close()


def test_a_session_does_not_write(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="session is None"):
        tf.summary.FileWriter(str(tmp_path), session=object())
