"""What is removed stays removed; a removal that is cut off leaves all, or what the next command finishes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from labkit.errors import NotFoundError, StoreError
from labkit.io import FileLock, failpoints, files
from labkit.io.failpoints import failing
from labkit.lab import removal
from labkit.lab.find import open_store
from labkit.lab.ownership import owned
from labkit.lab.removal import finish_removals, remove
from labkit.lab.store import Store
from tests.io.forks import attempt, killed_in_child, run_in_new_process
from tests.lab.fill import fill

from .runs import run, start


def made(logs: Path) -> str:
    """A sweep of two trials with files, a folder in a folder and a link among them."""
    sweep = fill(logs, 2)
    for number in (1, 2):
        folder = logs / "walk" / sweep / f"t000{number}"
        (folder / "checkpoints" / "a").mkdir(parents=True)
        (folder / "checkpoints" / "a" / "file").write_text("x")
    (logs / "outside").mkdir()
    (logs / "outside" / "kept").write_text("x")
    (folder / "link").symlink_to(logs / "outside", target_is_directory=True)
    return sweep


def cut(logs: Path, whole: bool) -> None:
    """Removes the sweep, or its first trial."""
    store = Store(logs, create=False)
    try:
        (row,) = store.sweeps()
        remove(store, logs, row, None if whole else store.trials(row.id)[:1])
    finally:
        store.close()


def all_there(logs: Path, sweep: str, whole: bool) -> bool:
    """After the next command: whether what was to be removed is there, rows and files, or gone, rows and files."""
    store = open_store(logs)
    try:
        rows = store.sweeps() if whole else store.trials(sweep, number=1)
        folder = logs / "walk" / sweep / ("" if whole else "t0001")
        assert not store.removals()
        assert store._query("PRAGMA integrity_check") == [("ok",)]
        assert store._query("PRAGMA foreign_key_check") == []
        assert (logs / "outside" / "kept").exists()
        assert folder.exists() == bool(rows)
        if rows:
            assert (logs / "walk" / sweep / "t0001" / "checkpoints" / "a" / "file").exists()
        if not whole:
            assert (logs / "walk" / sweep / "t0002" / "checkpoints" / "a" / "file").exists()
            assert [trial.number for trial in store.trials(sweep)] == ([1, 2] if rows else [2])
        return bool(rows)
    finally:
        store.close()


@pytest.mark.parametrize("whole", [True, False])
def test_every_failing_call_is_told_and_the_next_command_removes_the_rest(tmp_path: Path, whole: bool) -> None:
    n, outcomes = 0, []
    while True:
        n += 1
        logs = tmp_path / str(n)
        sweep = made(logs)
        with failing(f"any:{n}:EIO"):
            error = attempt(lambda logs=logs: cut(logs, whole), StoreError)
            clean = bool(failpoints.armed)
        outcomes.append(all_there(logs, sweep, whole))
        if error is None:
            assert not outcomes[-1]
        if clean:
            break
    assert n > 8
    assert set(outcomes) == {True, False}  # what fails before the commit leaves all


@pytest.mark.parametrize("whole", [True, False])
def test_a_kill_at_every_call_leaves_all_or_what_the_next_command_removes(tmp_path: Path, whole: bool) -> None:
    printed = run_in_new_process(kill_loop, str(tmp_path), "yes" * whole)
    assert int(printed) > 8


def kill_loop(folder: str, whole: str) -> None:
    files._fsync = lambda fd: None
    kills = 0
    outcomes = []
    while True:
        logs = Path(folder) / str(kills + 1)
        sweep = made(logs)
        if not killed_in_child(partial(cut_with, logs, bool(whole), f"any:{kills + 1}:kill")):
            break
        kills += 1
        again = Path(folder) / "again"  # a second kill, of the command that finishes what the first has left
        shutil.copytree(logs, again, symlinks=True)
        for place in range(1, 6):
            if not killed_in_child(partial(finish_with, again, f"any:{place}:kill")):
                break
        for where in (logs, again):
            if where == again:
                (again / "outside" / "kept").write_text("x")
            outcomes.append(all_there(where, sweep, bool(whole)))
        assert outcomes[-1] == outcomes[-2]
        shutil.rmtree(again)
    assert outcomes == sorted(outcomes, reverse=True)
    print(kills)


def cut_with(logs: Path, whole: bool, points: str) -> None:
    with failing(points):
        cut(logs, whole)


def finish_with(logs: Path, points: str) -> None:
    store = Store(logs, create=False)
    with failing(points):
        finish_removals(store, logs)


def test_what_runs_is_not_removed(tmp_path: Path) -> None:
    process = start("ends", tmp_path, "--set", "how=wait")
    try:
        assert process.stderr is not None
        assert "started" in process.stderr.readline()
        store = open_store(tmp_path)
        (row,) = store.sweeps()
        for trials in (None, store.trials(row.id)):
            with pytest.raises(StoreError, match=f"Another runner works on this sweep: process {process.pid} "):
                remove(store, tmp_path, row, trials)
        assert store.sweeps() == [row]
        assert (tmp_path / row.folder / "t0001").exists()
        store.close()
    finally:
        process.kill()
        process.communicate()


def test_what_was_removed_is_run_again(tmp_path: Path) -> None:
    options = ("--set", "steps=5", "--sweep", "rate=0.1,0.2")
    assert run("walk", tmp_path, *options).returncode == 0
    store = open_store(tmp_path)
    (row,) = store.sweeps()
    before = (tmp_path / row.folder / "t0002" / "metrics.jsonl").read_bytes()
    for trials in (store.trials(row.id)[1:], None):
        remove(store, tmp_path, row, trials)
        assert run("walk", tmp_path, *options).returncode == 0
        assert [trial.state for trial in store.trials(row.id)] == ["COMPLETED"] * 2
        assert (tmp_path / row.folder / "t0002" / "metrics.jsonl").read_bytes() == before
    store.close()


def test_a_run_waits_for_a_removal_and_never_writes_into_what_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "PATIENCE", 0.2)
    sweep = made(tmp_path)
    store = Store(tmp_path)
    (row,) = store.sweeps()
    store.forget(sweep, None, [row.folder])  # the removal was cut off here
    with pytest.raises(StoreError, match="is being removed"):
        store.add_sweep(row)
    with owned(tmp_path / row.folder), pytest.raises(StoreError, match="Another runner"):
        finish_removals(store, tmp_path)
    finish_removals(store, tmp_path)
    store.add_sweep(row)
    assert not (tmp_path / row.folder).exists()
    store.close()


def test_a_lock_whose_file_was_removed_with_its_folder_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = FileLock(path), FileLock(path)
    assert first.try_acquire()
    path.unlink()
    assert second.try_acquire()  # a folder of that name that was made later has a lock of its own
    first.release()
    assert not FileLock(path).try_acquire()
    second.release()


@pytest.mark.parametrize("folder", ["../outside", "/etc", "walk/../../x", "walk/.hidden", "", "walk//x"])
def test_a_store_from_elsewhere_cannot_lead_out_of_its_folder(tmp_path: Path, folder: str) -> None:
    fill(tmp_path / "logs", 1)
    store = Store(tmp_path / "logs")
    store._db.execute("UPDATE sweeps SET folder = ?", [folder])
    with pytest.raises(StoreError, match="is damaged"):
        store.sweeps()
    store._db.execute("UPDATE sweeps SET folder = 'walk/x'")
    store._db.execute("INSERT INTO removals VALUES (?)", [folder])
    with pytest.raises(StoreError, match="is damaged"):
        finish_removals(store, tmp_path / "logs")
    store.close()


def test_nothing_is_removed_unless_all_is_found(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from labkit.cli.rm import rm

    sweep = made(tmp_path)
    result = CliRunner().invoke(rm, [sweep, "nonsense", "--yes", "--logs", str(tmp_path)])
    assert isinstance(result.exception, NotFoundError)
    result = CliRunner().invoke(rm, [sweep, "--logs", str(tmp_path)], input="n\n")
    assert "Nothing was removed" in result.output
    assert all_there(tmp_path, sweep, whole=True)
    result = CliRunner().invoke(rm, [f"{sweep}/1", f"{sweep}/t0002", "--logs", str(tmp_path)], input="y\n")
    assert f"Removed {sweep}/t0001.\nRemoved {sweep}/t0002.\n" in result.output
    store = open_store(tmp_path)
    assert store.trials(sweep) == []
    assert [path.name for path in (tmp_path / "walk" / sweep).iterdir()] == ["runner.lock"]
    store.close()
