"""Folders that are full, read-only or gone; damaged stores; clocks that jump: one error that says what to do, and nothing that
was reported done is lost."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit.cli.main import main
from labkit.errors import LabkitError, StoreError
from labkit.lab.experiments import load
from labkit.lab.find import open_store
from labkit.lab.progress import Progress
from labkit.lab.runner import Outcome, run_sweep
from labkit.lab.sweep import plan
from tests.io.forks import attempt, read_only_folder
from tests.lab.fill import fill
from tests.lab.instant import Instant

from .runs import PROGRAMS

WALK = PROGRAMS / "walk.py"


class Told(Progress):
    """Which trials were reported completed."""

    def __init__(self) -> None:
        self.completed: list[int] = []

    def finished(self, trial: Any, state: str, *_: Any) -> None:
        if state == "COMPLETED":
            self.completed.append(trial.number)


def go(logs: Path, told: Told | None = None, seeds: int = 12, gate: Callable[[], None] = lambda: None) -> Outcome:
    return run_sweep(
        plan(load(WALK)), seeds=seeds, logs=logs, executor=Instant(gate=gate), progress=told or Progress.silent()
    )


def whole(logs: Path, told: Told, seeds: int = 12) -> None:
    """After the trouble is over: the same command ends, and what was reported done is not run again."""
    before = {}
    if told.completed:
        store = open_store(logs)
        trials = store.trials(store.sweeps()[0].id)
        before = {number: trials[number - 1].attempt for number in told.completed}
        assert all(trials[number - 1].state == "COMPLETED" for number in before)
        store.close()
    outcome = go(logs, seeds=seeds)
    assert [trial.state for trial in outcome.trials] == ["COMPLETED"] * seeds
    assert all(outcome.trials[number - 1].attempt == attempt for number, attempt in before.items())
    store = open_store(logs)
    assert store._query("PRAGMA integrity_check") == [("ok",)]
    assert store.metrics(outcome.sweep.id) == {n: {"loss": float(n)} for n in range(1, seeds + 1)}
    store.close()


# Full


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_must_not_grow_ends_the_run_with_what_was_done_safe(tmp_path: Path) -> None:
    go(tmp_path / "measure")
    size = (tmp_path / "measure" / "labkit.sqlite").stat().st_size
    refused = 0
    for limit in (0, 1, 4096, size // 2, size - 4096, size - 1, size, 2 * size):
        logs, told = tmp_path / str(limit), Told()
        with file_limit(limit):
            error = attempt(lambda logs=logs, told=told: go(logs, told), StoreError)
        if error is not None:
            refused += 1
            assert re.search("--logs DIR|[Ff]ree some space", str(error)), error
        whole(logs, told)
    assert refused >= 5


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    folder.mkdir()
    options = f"size={size},mode=777"
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=False).returncode:
        pytest.skip("only root can make a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def full_disk(tmp_path: Path, spare: int) -> str:
    """A run on a disk with some bytes to spare, and again when there is room; how it ended."""
    disk, told = tmp_path / f"disk{spare}", Told()
    with small_disk(disk, 1 << 20):
        logs = disk / "logs"
        go(logs, seeds=1)
        room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        ballast = disk / "ballast"
        ballast.write_bytes(b"\0" * max(0, room - spare))
        error = attempt(lambda: go(logs, told, seeds=60), StoreError)
        assert error is None or re.search("--logs DIR|[Ff]ree some space", str(error)), error
        store = open_store(logs)  # a full disk can be read
        store.close()
        ballast.unlink()
        whole(logs, told, seeds=60)
    return "well" if error is None else "refused"


@pytest.mark.parametrize("spare", [0, 12_288, 600_000])
def test_a_full_disk(tmp_path: Path, spare: int) -> None:
    assert full_disk(tmp_path, spare) == ("well" if spare == 600_000 else "refused")


@pytest.mark.campaign
def test_many_full_disks(tmp_path: Path) -> None:
    ended = [full_disk(tmp_path, 4096 * pages) for pages in range(50)]
    print(f"{ended.count('refused')} refused, {ended.count('well')} went through")
    assert ended == sorted(ended)  # refused up to a size, and from there on well


def test_rm_on_a_full_disk_removes_or_leaves_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, 1 << 20):
        sweep = fill(disk / "logs", 2)
        (disk / "logs" / "walk" / sweep / "t0001").mkdir()
        large = disk / "logs" / "walk" / sweep / "t0001" / "file"
        large.write_bytes(b"\0" * 400_000)
        ballast = disk / "ballast"
        ballast.write_bytes(b"\0" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
        for room in (False, True):
            if room:
                ballast.write_bytes(b"\0" * (ballast.stat().st_size - (64 << 10)))
            with pytest.raises(SystemExit) as caught:
                main(["rm", f"{sweep}/1", "--yes", "--logs", str(disk / "logs")])
            assert large.exists() == (not room)
            assert caught.value.code == (0 if room else 1)
        assert "Free some space" in capsys.readouterr().err


# Read-only, gone, something else


def test_a_read_only_folder_can_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    ids: list[str] = []
    with read_only_folder(lambda folder: ids.append(fill(folder, 2))) as logs:
        for command in (["ls"], ["ls", ids[0]], ["show", f"{ids[0]}/1"], ["export", ids[0]]):
            with pytest.raises(SystemExit) as caught:
                main([*command, "--logs", str(logs)])
            assert caught.value.code == 0, capsys.readouterr().err
        with pytest.raises(StoreError, match=r"(?s)writable.*--logs DIR"):
            go(logs)
        with pytest.raises(SystemExit) as caught:
            main(["rm", ids[0], "--yes", "--logs", str(logs)])
        assert caught.value.code == 1
        assert "writable" in capsys.readouterr().err


def once(work: Callable[[], object]) -> Callable[[], None]:
    """Does the work at the third call."""
    calls = [0]

    def call() -> None:
        calls[0] += 1
        if calls[0] == 3:
            work()

    return call


@pytest.mark.parametrize("what", ["removed", "store removed", "store replaced", "folder replaced"])
def test_a_store_that_goes_while_a_run_goes_on_is_an_error(tmp_path: Path, what: str) -> None:
    logs, told = tmp_path / "logs", Told()

    def disturb() -> None:
        if what == "removed":
            shutil.rmtree(logs)
        elif what == "folder replaced":
            logs.rename(tmp_path / "elsewhere")
            logs.write_text("a file")
        else:
            (logs / "labkit.sqlite").rename(tmp_path / "taken")
            if what == "store replaced":
                (logs / "labkit.sqlite").write_text("something else")

    with pytest.raises(StoreError) as caught:
        go(logs, told, gate=once(disturb))
    assert "--logs DIR" in str(caught.value)
    assert len(told.completed) < 12
    if what == "folder replaced":  # what was reported done before is where the folder went
        logs.unlink()
        (tmp_path / "elsewhere").rename(logs)
        whole(logs, told)


@pytest.mark.ci
def test_a_command_whose_logs_are_removed_says_so(tmp_path: Path) -> None:
    from .runs import start

    process = start("walk", tmp_path / "logs", "--set", "pause=0.05", "--seeds", "2")
    assert process.stderr is not None
    assert "started" in process.stderr.readline()
    time.sleep(0.3)
    shutil.rmtree(tmp_path / "logs", ignore_errors=True)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Error: " in err
    assert "Traceback" not in err
    assert "did not expect" not in err


# Damage


def look(logs: Path, sweep: str, capsys: pytest.CaptureFixture[str]) -> list[int]:
    """The exit codes of the commands; whatever is wrong with the store, each ends with what it found or one error."""
    codes = []
    for command in (["ls"], ["ls", sweep], ["show", sweep], ["show", f"{sweep}/t0002"], ["export", sweep]):
        with pytest.raises(SystemExit) as caught:
            main([*command, "--logs", str(logs)])
        output = capsys.readouterr()
        assert "did not expect" not in output.err, (command, output.err)
        assert caught.value.code in (0, 1)
        codes.append(int(caught.value.code or 0))
    try:
        go(logs, seeds=3)
    except LabkitError:
        codes.append(1)
    return codes


def damage(path: Path, content: bytes, random_: random.Random) -> None:
    kind = random_.choice(["flip", "flip", "truncate", "zero", "shuffle"])
    changed = bytearray(content)
    if kind == "flip":
        for _ in range(random_.choice([1, 3, 30])):
            changed[random_.randrange(len(changed))] ^= random_.choice([1, 0x80, 0xFF])
    elif kind == "truncate":
        del changed[random_.randrange(len(changed)) :]
    elif kind == "zero":
        place = random_.randrange(len(changed))
        changed[place : place + 4096] = bytes(len(changed[place : place + 4096]))
    else:
        pages = [bytes(changed[n : n + 4096]) for n in range(4096, len(changed), 4096)]
        random_.shuffle(pages)
        changed[4096:] = b"".join(pages)
    path.write_bytes(changed)


def damaged(tmp_path: Path, cases: int, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = fill(tmp_path / "logs", 4)
    path = tmp_path / "logs" / "labkit.sqlite"
    content, random_, refused = path.read_bytes(), random.Random(seed), 0
    for _ in range(cases):
        shutil.rmtree(tmp_path / "logs")
        (tmp_path / "logs").mkdir()
        damage(path, content, random_)
        refused += any(look(tmp_path / "logs", sweep, capsys))
    print(f"{cases} damaged stores, {refused} of them refused by a command")
    assert refused > cases // 4


def test_a_damaged_store_is_an_error_or_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged(tmp_path, 25, 1, capsys)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_damaged_stores(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    damaged(tmp_path, 200, seed, capsys)


def test_a_store_of_another_version_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = fill(tmp_path, 2)
    for version in (1, 99):
        db = sqlite3.connect(tmp_path / "labkit.sqlite")
        db.execute(f"PRAGMA user_version = {version}")
        db.close()
        before = (tmp_path / "labkit.sqlite").read_bytes()
        assert look(tmp_path, sweep, capsys) == [1] * 6
        with pytest.raises(StoreError, match=f"another version.*layout {version}"):
            go(tmp_path)
        assert (tmp_path / "labkit.sqlite").read_bytes() == before


# Places and clocks


@pytest.mark.parametrize("name", ["a b", "new\nline", "名前", "100%?#&mode=memory", "'; DROP TABLE", "-x", "\x1b[2J"])
def test_logs_may_be_anywhere(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = go(tmp_path / name, seeds=1)
    assert (tmp_path / name / "labkit.sqlite").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(SystemExit) as caught:
        main(["show", f"{outcome.sweep.id}/1", "--logs", str(tmp_path / name)])
    assert caught.value.code == 0
    assert "COMPLETED" in capsys.readouterr().out


def test_logs_may_be_named_in_bytes_that_are_no_text(tmp_path: Path) -> None:
    logs = tmp_path / os.fsdecode(b"\xff\xfe")
    go(logs, seeds=1)
    assert (logs / "labkit.sqlite").exists()


HOUR, DAY = 3600.0, 86400.0


JUMPS = {
    "an hour back": -HOUR,
    "an hour on": HOUR,
    "a day back": -DAY,
    "a day on": DAY,
    "1970": -time.time(),
    "2040": 2_208_988_800 - time.time(),
    "before 1900": -4e9,
    "after 9999": 1e15,
}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=list(JUMPS))
def test_a_clock_that_jumps_changes_nothing_but_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time
    shift = [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + shift[0])
    outcome = go(tmp_path, seeds=12, gate=once(lambda: shift.__setitem__(0, jump)))
    assert [trial.state for trial in outcome.trials] == ["COMPLETED"] * 12
    assert all(0 <= trial.seconds < 60 for trial in outcome.trials)
    assert [n for n, _, _ in _history(tmp_path)] == sorted([n for n, _, _ in _history(tmp_path)])
    for command in (["ls"], ["show", f"{outcome.sweep.id}/12"]):
        with pytest.raises(SystemExit) as caught:
            main([*command, "--logs", str(tmp_path)])
        assert caught.value.code == 0, capsys.readouterr().err


def _history(logs: Path) -> list[tuple[int, int | None, dict[str, float]]]:
    store = open_store(logs)
    try:
        return store.history(store.sweeps()[0].id)
    finally:
        store.close()
