"""A save that fails or is killed at any call leaves the one before it whole: there is never a moment with none."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from labkit import checkpoint
from labkit.checkpoint.manifest import DATA, INDEX, META, PREVIOUS
from labkit.errors import CheckpointError
from labkit.io import atomic, failpoints, files
from labkit.io.failpoints import failing
from tests.io.forks import attempt, killed_in_child, read_only_folder, run_in_new_process

# Name of the second save: another checkpoint of the family, or the same prefix again.
SECOND = ["m-2", "m-1"]


def graph_of(step: int) -> checkpoint.MetaGraphDef:
    return checkpoint.MetaGraphDef(collections={"step": [step]})


def save(folder: Path | str, name: str, step: int) -> str:
    tensors = {"w": np.full(40_000, step, np.float32), "n": np.array(step)}
    return checkpoint.save(Path(folder) / name, tensors, step, graph=graph_of(step), extra={"step": step}, keep=1)


def check(prefix: str) -> int:
    """The step of a checkpoint, all parts of which agree."""
    loaded = checkpoint.load(prefix)
    assert loaded.tensors["w"].tolist() == [loaded.step] * 40_000
    assert loaded.tensors["n"] == loaded.step
    assert (loaded.graph, loaded.extra) == (graph_of(loaded.step), {"step": loaded.step})
    return loaded.step


def newest(folder: Path | str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is damaged: latest must not say so
        prefix = checkpoint.latest(folder)
    assert prefix is not None
    return check(prefix)


def calls_of_a_save(folder: Path, second: str) -> int:
    """How many fail points the second save passes."""
    save(folder, "m-1", 1)
    with failing(f"any:{10**9}:EIO"):
        save(folder, second, 2)
        calls = 10**9 - failpoints.armed[0].left
    shutil.rmtree(folder)
    return calls


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("name", ["ENOSPC", pytest.param("EIO", marks=pytest.mark.ci)])
def test_every_failing_call_raises_and_leaves_a_whole_checkpoint(tmp_path: Path, second: str, name: str) -> None:
    calls = calls_of_a_save(tmp_path / "count", second)
    assert calls > 20
    steps = []
    for n in range(1, calls + 2):
        folder = tmp_path / str(n)
        save(folder, "m-1", 1)
        with failing(f"any:{n}:{name}"):
            error = attempt(lambda folder=folder: save(folder, second, 2), CheckpointError)
        assert (error is None) == (n > calls)
        if error is not None:
            assert isinstance(error.__cause__, OSError)
            assert error.__cause__.errno == getattr(errno, name)
        steps.append(newest(folder))
        if steps[-1] == 1:  # the old one is as it was, under its own names
            assert check(str(folder / "m-1")) == 1
            assert sorted(p.name for p in folder.glob("m-1*")) == [f"m-1{DATA}", f"m-1{INDEX}", f"m-1{META}"]
        assert save(folder, second, 3)  # and the next save works
        assert newest(folder) == 3
        assert sorted(p.name for p in folder.iterdir()) == sorted(
            ["checkpoint", *(second + s for s in (DATA, INDEX, META))]
        )
    assert steps == sorted(steps)  # first the old one, and once the new one, then always
    assert {1, 2} == set(steps)


@pytest.mark.parametrize("second", SECOND)
def test_a_kill_at_every_call_leaves_a_whole_checkpoint(tmp_path: Path, second: str) -> None:
    calls = calls_of_a_save(tmp_path / "count", second)
    printed = run_in_new_process(kill_loop, str(tmp_path), second)
    assert int(printed) == calls


def save_with(folder: Path, second: str, points: str) -> None:
    with failing(points):
        save(folder, second, 2)


def kill_loop(folder: str, second: str) -> None:
    files._fsync = lambda fd: None  # as in conftest.py, in this process
    kills = 0
    while True:
        place = Path(folder) / str(kills + 1)
        save(place, "m-1", 1)

        work = partial(save_with, place, second, f"any:{kills + 1}:kill")
        if not killed_in_child(work):
            break
        kills += 1
        first = newest(place)
        assert first in (1, 2)
        # A second kill in the same place, then a save that ends, on top of what the first left.
        assert killed_in_child(work) or newest(place) == 2
        assert newest(place) in (first, 2)
        save(place, second, 3)
        assert newest(place) == 3
        left = sorted(p.name for p in place.iterdir())
        assert left == sorted(["checkpoint", *(second + s for s in (DATA, INDEX, META))]), left
    print(kills)


@pytest.mark.ci
@pytest.mark.parametrize("second", SECOND)
def test_two_kills_at_many_pairs_of_calls_leave_a_whole_checkpoint(tmp_path: Path, second: str) -> None:
    calls = calls_of_a_save(tmp_path / "count", second)
    run_in_new_process(double_kill_loop, str(tmp_path), second, str(calls))


def double_kill_loop(folder: str, second: str, calls: str) -> None:
    files._fsync = lambda fd: None
    for one in range(1, int(calls) + 1):
        # A save that cleans up after another makes a few calls more. Every third pair, all of them in three rows.
        for two in range(1 + one % 3, int(calls) + 8, 3):
            place = Path(folder) / "x"
            save(place, "m-1", 1)
            for n in (one, two):
                killed_in_child(partial(save_with, place, second, f"any:{n}:kill"))
                assert newest(place) in (1, 2)
            shutil.rmtree(place)


def test_a_disk_that_fills_up_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, "m-1", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (0, 100, 4096, 100_000, 160_000):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
            with pytest.raises(CheckpointError, match=r"could not be saved.*File too large"):
                save(tmp_path, "m-2", 2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert newest(tmp_path) == 1
        assert not list(tmp_path.glob(atomic.PREFIX + "*"))


def test_a_folder_that_cannot_be_written_is_told() -> None:
    with read_only_folder(lambda folder: save(folder, "m-1", 1)) as folder:
        with pytest.raises(CheckpointError, match=r"could not be saved.*Permission denied"):
            save(folder, "m-2", 2)
        assert newest(folder) == 1


def test_a_disk_that_lies_is_found_out_before_the_old_checkpoint_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, "m-1", 1)

    def write_wrong_byte(self: files.File, data: bytes) -> int:
        changed = bytearray(data)
        changed[-1] ^= 1
        return os.write(self.fileno(), changed)

    for second in SECOND:
        with monkeypatch.context() as patch:
            patch.setattr(files.File, "write", write_wrong_byte)
            with pytest.raises(CheckpointError, match="SHA-256 differs"):
                save(tmp_path, second, 2)
        assert newest(tmp_path) == check(str(tmp_path / "m-1")) == 1


def test_a_reader_sees_a_checkpoint_at_every_moment_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "m-1", 1)
    seen = []

    def look(op: str, before: object = None) -> None:
        seen.append(newest(tmp_path))

    for second in SECOND:
        seen.clear()
        with monkeypatch.context() as patch:
            patch.setattr(files, "reach", look)
            save(tmp_path, second, 2)
        assert len(seen) > 20
        assert seen == sorted(seen)
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        save(tmp_path, "m-1", 1)


def test_what_is_put_aside_is_found_by_its_content(tmp_path: Path) -> None:
    prefix = save(tmp_path, "m-1", 1)
    os.rename(prefix + DATA, prefix + DATA + PREVIOUS)
    assert check(prefix) == 1
    Path(prefix + DATA).write_bytes(b"torn")
    assert check(prefix) == 1
