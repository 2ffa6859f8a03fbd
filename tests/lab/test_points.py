"""Every call that can fail fails once, and the process is killed at every one of them: commits, exports, installed data."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from labkit.datasets import files as pinned
from labkit.errors import DataError, StoreError
from labkit.io import collect_temporaries, failpoints, files
from labkit.io.failpoints import failing
from labkit.lab.export import encode, trial_rows, write
from labkit.lab.find import open_store
from tests.io.forks import attempt, killed_in_child, run_in_new_process
from tests.io.installs import PINNED, install
from tests.lab.fill import fill
from tests.lab.test_faults import Told, go, whole

SEEDS = 2


class Written(Told):
    """Writes down which trials were reported completed, where a kill leaves it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def finished(self, trial, state: str, *_) -> None:
        os.write(self._file, f"{trial.number}\n".encode())


def read(path: Path) -> Told:
    told = Told()
    told.completed = [int(line) for line in path.read_text().split()] if path.exists() else []
    return told


def test_a_run_whose_calls_fail_is_continued(tmp_path: Path) -> None:
    n = 0
    while True:
        n += 1
        logs, told = tmp_path / str(n), Told()
        with failing(f"any:{n}:ENOSPC"):
            error = attempt(lambda logs=logs, told=told: go(logs, told, seeds=SEEDS), StoreError)
            clean = bool(failpoints.armed)
        whole(logs, told, seeds=SEEDS)
        if error is not None:
            assert "Free some space" in str(error) or "writable" in str(error), error
        if clean:
            break
    assert n > 20


def test_a_run_that_is_killed_at_every_point_is_continued(tmp_path: Path) -> None:
    assert int(run_in_new_process(kill_runs, str(tmp_path))) > 20


def kill_runs(folder: str) -> None:
    files._fsync = lambda fd: None
    n = 0
    while True:
        n += 1
        logs, acknowledged = Path(folder) / str(n), Path(folder) / f"told{n}"
        killed = killed_in_child(partial(run_with, logs, acknowledged, f"any:{n}:kill"))
        if not killed:
            break
        if n % 2:  # and once more, in the attempt to go on
            killed_in_child(partial(run_with, logs, acknowledged, f"any:{n // 2 + 1}:kill"))
        whole(logs, read(acknowledged), seeds=SEEDS)
    print(n - 1)


def run_with(logs: Path, acknowledged: Path, points: str) -> None:
    with failing(points):
        go(logs, Written(acknowledged), seeds=SEEDS)


@pytest.mark.parametrize("name", ["ENOSPC", "EIO"])
def test_an_export_whose_calls_fail_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    sweep = fill(tmp_path, 3)
    path, outcomes, n = tmp_path / "out.csv", [], 0
    while True:
        n += 1
        path.write_bytes(b"old")
        store = open_store(tmp_path)
        data = encode(trial_rows(store, store.sweeps(id=sweep)[0]), "csv")
        store.close()
        with failing(f"any:{n}:{name}"):
            error = attempt(lambda data=data: write(path, data), StoreError)
            clean = bool(failpoints.armed)
        outcomes.append(path.read_bytes())
        assert outcomes[-1] in (b"old", data)
        assert error is not None or outcomes[-1] == data
        if clean:
            break
    assert n > 4


@pytest.mark.parametrize("name", ["ENOSPC", "EIO"])
def test_an_install_whose_calls_fail_keeps_nothing_half(tmp_path: Path, name: str) -> None:
    n, kept = 0, []
    while True:
        n += 1
        cache = tmp_path / str(n)
        with failing(f"any:{n}:{name}"), pytest.MonkeyPatch.context() as patch:
            error = attempt(lambda cache=cache, patch=patch: install(cache, patch), DataError)
            clean = bool(failpoints.armed)
        kept.append(installed(cache))
        assert (error is None) == clean
        if clean:
            break
    assert kept[-1]
    assert n > 5


def test_a_kill_at_every_call_of_an_install_keeps_nothing_half(tmp_path: Path) -> None:
    assert int(run_in_new_process(kill_installs, str(tmp_path))) > 5


def kill_installs(folder: str) -> None:
    files._fsync = lambda fd: None
    n, kept = 0, []
    while True:
        n += 1
        cache = Path(folder) / str(n)
        killed = killed_in_child(partial(install_with, cache, f"any:{n}:kill"))
        kept.append(installed(cache))
        if not killed:
            break
    assert kept == sorted(kept)
    assert kept[-1]
    print(n - 1)


def install_with(cache: Path, points: str) -> None:
    with pytest.MonkeyPatch.context() as patch, failing(points):
        install(cache, patch)


def installed(cache: Path) -> bool:
    """Whether the file is in the cache, whole; what a killed writer left is collected."""
    folder = cache / "numbers"
    if not folder.exists():
        return False
    collect_temporaries(folder)
    names = [path.name for path in folder.iterdir()]
    assert names in ([], [PINNED.name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pinned, "cache_folder", lambda: cache)
        patch.setenv("LABKIT_OFFLINE", "1")
        patch.delenv("LABKIT_DATA", raising=False)
        error = attempt(lambda: pinned.fetch("numbers", PINNED), DataError)
    assert error is None or isinstance(error, pinned.MissingDataError)
    return error is None
