"""What is logged is what TensorBoard reads."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labkit.errors import InvalidArgumentError, ShapeError
from labkit.summary import EventWriter, Histogram
from tests.io.forks import run_in_new_process
from tests.summary.reading import accumulate, accumulate_by_plugin, event_files, read_events


def test_scalars(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        for step in range(10):
            writer.scalar("train/loss", np.float32(1) / (step + 1), step)
        writer.scalars({"train/accuracy": 0.5, "lr": np.array(0.001)}, 9)
        writer.scalar("odd", math.nan, 1)
        writer.scalar("odd", math.inf, 2)
    for read in (accumulate(tmp_path).Scalars, tensors_as_scalars(tmp_path)):
        assert [(e.step, e.value) for e in read("train/loss")] == [
            (step, pytest.approx(1 / (step + 1))) for step in range(10)
        ]
        assert [e.value for e in read("train/accuracy")] == [0.5]
        assert [e.value for e in read("lr")] == [pytest.approx(0.001)]
        assert math.isnan(read("odd")[0].value)
        assert read("odd")[1].value == math.inf


def tensors_as_scalars(folder: Path):  # type: ignore[no-untyped-def]
    from types import SimpleNamespace

    accumulator = accumulate_by_plugin(folder)

    def read(tag: str) -> list[SimpleNamespace]:
        assert tag in accumulator.PluginTagToContent("scalars")
        return [SimpleNamespace(step=e.step, value=e.tensor_proto.float_val[0]) for e in accumulator.Tensors(tag)]

    return read


@pytest.mark.parametrize(
    ("tag", "shown"), [("W1:0", "W1_0"), ("two words", "two_words"), ("/a/b.c-d", "a/b.c-d"), ("é", "é"), ("", "_")]
)
def test_tags_are_cleaned_as_tensorflow_does(tmp_path: Path, tag: str, shown: str) -> None:
    with EventWriter(tmp_path) as writer:
        writer.scalar(tag, 1, 0)
    assert accumulate(tmp_path).Tags()["scalars"] == [shown]


def test_histograms(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((100, 37)).astype(np.float32)
    with EventWriter(tmp_path) as writer:
        writer.histogram("w", values, 3)
        values[:] = 0  # the caller may change its array at once
        writer.histogram("counted", Histogram.of(np.arange(10.0)), 4)
    accumulator = accumulate(tmp_path)
    (event,) = accumulator.Histograms("w")
    read = event.histogram_value
    fresh = np.random.default_rng(0).standard_normal((100, 37)).astype(np.float32)
    counts, edges = np.histogram(fresh, bins=64, range=(fresh.min(), fresh.max()))
    assert event.step == 3
    assert np.abs(np.array(read.bucket) - counts).sum() <= 4  # values at a bucket's edge may fall to either side
    assert np.allclose(read.bucket_limit, edges[1:])
    assert (read.min, read.max, read.num) == (fresh.min(), fresh.max(), 3700)
    assert read.sum == pytest.approx(fresh.sum(dtype=np.float64), rel=1e-4, abs=1e-3)
    assert read.sum_squares == pytest.approx(np.square(fresh, dtype=np.float64).sum(), rel=1e-4)
    assert accumulator.Histograms("counted")[0].histogram_value.num == 10
    assert accumulator.Tags()["scalars"] == []  # every value was finite
    (tensor,) = accumulate_by_plugin(tmp_path).Tensors("w")
    assert [d.size for d in tensor.tensor_proto.tensor_shape.dim] == [64, 3]


def test_values_that_are_not_finite_are_counted_apart(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        writer.histogram("w", np.array([1.0, np.nan, 2.0, np.inf, -np.inf]), 1)
        writer.histogram("all", np.full(3, np.nan, np.float32), 1)
    accumulator = accumulate(tmp_path)
    read = accumulator.Histograms("w")[0].histogram_value
    assert (read.num, read.min, read.max, sum(read.bucket)) == (2, 1, 2, 2)
    assert accumulator.Scalars("w/non_finite")[0].value == 3
    assert accumulator.Histograms("all")[0].histogram_value.num == 0
    assert accumulator.Scalars("all/non_finite")[0].value == 3


def test_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (5, 7), np.uint8), rng.random((6, 4, 3))
    with EventWriter(tmp_path) as writer:
        writer.image("grey", grey, 1)
        before = grey.copy()
        grey[:] = 0
        writer.image("colour", colour, 2)
        writer.image("batch", np.ones((5, 8, 8, 4), np.uint8), 3)
    accumulator = accumulate(tmp_path)
    (event,) = accumulator.Images("grey")
    assert (event.step, event.height, event.width) == (1, 5, 7)
    assert (np.asarray(Image.open(io.BytesIO(event.encoded_image_string))) == before).all()
    (event,) = accumulator.Images("colour")
    read = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
    assert (read == np.rint(colour * 255)).all()
    (event,) = accumulator.Images("batch")
    assert (event.height, event.width) == (2 * 9 - 1, 3 * 9 - 1)
    assert "grey" in accumulate_by_plugin(tmp_path).PluginTagToContent("images")


def test_text(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        writer.text("note", "*héllo*", 1)
    accumulator = accumulate_by_plugin(tmp_path)
    assert "note" in accumulator.PluginTagToContent("text")
    assert accumulator.Tensors("note")[0].tensor_proto.string_val == ["*héllo*".encode()]


def test_wrong_arguments_raise_at_once(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        with pytest.raises(InvalidArgumentError, match="'loss' is no number"):
            writer.scalar("loss", np.ones(3), 1)
        with pytest.raises(InvalidArgumentError, match="real numbers"):
            writer.histogram("w", np.array(["a"]), 1)
        for shape in [(3,), (4, 4, 2), (0, 4, 3), (1, 1, 4, 4, 3)]:
            with pytest.raises(ShapeError, match="This is no image"):
                writer.image("x", np.zeros(shape), 1)
        assert not writer.degraded
    assert event_files(tmp_path) == []


def test_flush_is_a_barrier(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    assert event_files(tmp_path) == []  # nothing happens before there is something to write
    for step in range(2001):
        writer.scalar("a", step, step)
    assert writer.flush()
    assert len(read_events(tmp_path)) == 2002
    writer.scalar("a", 0, 2001)
    assert writer.flush()
    assert len(read_events(tmp_path)) == 2003
    writer.close()
    writer.close()


def test_events_reach_the_file_without_a_flush(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        writer.scalar("a", 1, 1)
        deadline = time.monotonic() + 10
        while not event_files(tmp_path) or len(read_events(tmp_path)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_several_threads_may_log(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        threads = [
            threading.Thread(target=lambda n=n: [writer.scalar(f"t{n}", i, i) for i in range(500)]) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    accumulator = accumulate(tmp_path)
    for n in range(4):
        assert [e.step for e in accumulator.Scalars(f"t{n}")] == list(range(500))


def test_a_writer_never_closed_is_flushed_at_exit(tmp_path: Path) -> None:
    code = f"from labkit.summary import EventWriter; w = EventWriter({str(tmp_path)!r}); w.scalar('a', 1, 1)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert len(read_events(tmp_path)) == 2


def test_a_forked_child_writes_a_file_of_its_own(tmp_path: Path) -> None:
    run_in_new_process(log_in_parent_and_child, str(tmp_path))
    accumulator = accumulate(tmp_path)
    assert sorted(e.value for e in accumulator.Scalars("a")) == [1, 2, 3]
    assert len(event_files(tmp_path)) == 2


def log_in_parent_and_child(folder: str) -> None:
    writer = EventWriter(folder)
    writer.scalar("a", 1, 1)
    writer.flush()
    writer.scalar("a", 2, 2)  # waits in the queue at the fork: the parent's to write, once
    pid = os.fork()
    if pid == 0:
        writer.scalar("a", 3, 3)
        writer.close()
        os._exit(1 if writer.degraded else 0)
    assert os.waitpid(pid, 0)[1] == 0
    writer.close()


def test_protos_are_not_imported_with_labkit() -> None:
    code = "import sys, labkit, labkit.summary; assert not any(m.startswith(('tensorboardX', 'google')) for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_speed_of_scalars(tmp_path: Path) -> None:
    count = 100_000
    with EventWriter(tmp_path) as writer:
        start = time.perf_counter()
        for step in range(count):
            writer.scalar("train/loss", 0.5, step)
        added = time.perf_counter() - start
        writer.flush()
        print(
            f"scalars: {count / added:,.0f}/s for the caller, {count / (time.perf_counter() - start):,.0f}/s to the file"
        )
        assert writer.dropped == 0
