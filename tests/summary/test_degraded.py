"""Logging can fail in every way a disk knows; training must not notice."""

from __future__ import annotations

import shutil
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.io import ManualClock, files
from labkit.io.failpoints import failing
from labkit.summary import EventFileWarning, EventWriter, queue as queue_module
from tests.io.forks import read_only_folder, run_in_new_process
from tests.summary.reading import accumulate, event_files, read_events


def assert_told_once(work: Callable[[], EventWriter], reason: str) -> EventWriter:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.monotonic()
        writer = work()
        assert time.monotonic() - start < 5
    told = [w for w in caught if issubclass(w.category, EventFileWarning)]
    assert len(told) == 1
    assert reason in str(told[0].message)
    assert "Training goes on" in str(told[0].message)
    assert writer.degraded
    assert reason in writer.reason
    return writer


def log_a_lot(writer: EventWriter) -> EventWriter:
    for step in range(500):
        writer.scalar("a", step, step)
        if step % 100 == 0:
            writer.flush()
    assert not writer.flush()
    writer.close()
    return writer


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    writer = assert_told_once(lambda: log_a_lot(EventWriter(tmp_path / "file" / "logs")), "")
    assert writer.dropped == 500


@pytest.mark.parametrize("point", ["mkdir:1:EROFS", "open:1:EACCES", "write:1:ENOSPC"])
def test_a_disk_that_refuses_from_the_start(tmp_path: Path, point: str) -> None:
    with failing(point):
        writer = assert_told_once(lambda: log_a_lot(EventWriter(tmp_path / "logs")), "fail point")
    assert writer.dropped == 500
    assert event_files(tmp_path / "logs") == []  # no empty file is left behind


def test_a_read_only_folder() -> None:
    with read_only_folder() as folder:
        writer = assert_told_once(lambda: log_a_lot(EventWriter(folder)), "Permission denied")
    assert writer.dropped == 500


def test_a_disk_that_fills_up_keeps_whole_records(tmp_path: Path) -> None:
    printed = run_in_new_process(fill_the_disk, str(tmp_path)).split()
    kept = len(read_events(tmp_path)) - 1
    assert printed == ["500", str(500 - kept), "True", "1"]
    assert 0 < kept < 500
    assert len(accumulate(tmp_path).Scalars("a")) == kept


def fill_the_disk(folder: str) -> None:
    import resource

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer = EventWriter(folder)
        writer.scalar("a", 0, 0)
        writer.flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        for step in range(1, 500):
            writer.scalar("a", step, step)
            if step % 20 == 0:
                writer.flush()
        writer.close()
    print(writer._added, writer.dropped, writer.degraded, len(caught))


def test_a_folder_that_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"

    def work() -> EventWriter:
        writer = EventWriter(folder)
        writer.scalar("a", 0, 0)
        assert writer.flush()
        shutil.rmtree(folder)
        writer.scalar("a", 1, 1)
        assert not writer.flush()
        writer.scalar("a", 2, 2)
        writer.close()
        return writer

    writer = assert_told_once(work, "has been removed")
    assert writer.dropped == 2
    assert not folder.exists()


def test_a_disk_with_room_again_is_used_again(tmp_path: Path) -> None:
    clock = ManualClock(wall=1e9)

    def work() -> EventWriter:
        writer = EventWriter(tmp_path, clock=clock)
        writer.scalar("a", 0, 0)
        writer.flush()
        with failing("write:1:ENOSPC"):
            writer.scalar("a", 1, 1)
            writer.flush()
        writer.scalar("a", 2, 2)  # still too early
        writer.flush()
        clock.advance(queue_module._RETRY)
        writer.scalar("a", 3, 3)
        writer.close()
        return writer

    writer = assert_told_once(work, "No space left")
    assert writer.dropped == 2
    assert [e.step for e in accumulate(tmp_path).Scalars("a")] == [0, 3]


def test_where_warnings_are_errors_training_still_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = log_a_lot(EventWriter(tmp_path / "file"))
    assert writer.degraded
    assert "Training goes on" in capsys.readouterr().err


class HangingFile(files.File):
    """A disk that answers when it is told to."""

    answer = threading.Event()

    def write(self, data: Any) -> int:
        self.answer.wait(30)
        return super().write(data)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    HangingFile.answer = threading.Event()
    monkeypatch.setattr(files, "File", HangingFile)
    monkeypatch.setattr(queue_module, "MAX_PENDING", 100_000)
    return HangingFile.answer


def test_a_disk_that_hangs_costs_less_than_a_second(tmp_path: Path, hanging: threading.Event) -> None:
    longest = 0.0

    def work() -> EventWriter:
        nonlocal longest
        writer = EventWriter(tmp_path)
        start = time.monotonic()
        for step in range(2000):
            before = time.monotonic()
            writer.scalar("a", step, step)
            longest = max(longest, time.monotonic() - before)
        assert time.monotonic() - start < 1.5
        before = time.monotonic()
        assert not writer.flush()
        longest = max(longest, time.monotonic() - before)
        return writer

    writer = assert_told_once(work, "faster than they can be written")
    assert longest < 1.2  # the promise, with a little for a busy machine
    kept = 2000 - writer.dropped
    assert 0 < kept < 1000
    hanging.set()  # it answers after all: what waited is written
    writer.close()
    assert [e.step for e in accumulate(tmp_path).Scalars("a")] == list(range(kept))


def test_closing_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, hanging: threading.Event) -> None:
    def work() -> EventWriter:
        writer = EventWriter(tmp_path)
        writer.scalar("a", 1, 1)
        before = time.monotonic()
        writer.close()
        assert time.monotonic() - before < 1.5
        return writer

    assert_told_once(work, "nothing was written for")
    hanging.set()


def test_one_bad_event_costs_itself(tmp_path: Path) -> None:
    def work() -> EventWriter:
        writer = EventWriter(tmp_path)
        writer.scalar("a", 1, 1)
        writer.scalar("a", 2, 2**70)  # no step that the format can hold
        writer.scalar("a", 3, 3)
        writer.close()
        return writer

    assert assert_told_once(work, "").dropped == 1
    assert [e.step for e in accumulate(tmp_path).Scalars("a")] == [1, 3]


def test_logging_after_close_is_told(tmp_path: Path) -> None:
    def work() -> EventWriter:
        writer = EventWriter(tmp_path)
        writer.close()
        writer.scalar("a", 1, 1)
        return writer

    assert assert_told_once(work, "after close").dropped == 1


def test_no_more_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    def work() -> EventWriter:
        writer = EventWriter(tmp_path)
        for step in range(3):
            writer.scalar("a", step, step)
        writer.close()
        return writer

    assert assert_told_once(work, "can't start new thread").dropped == 3
