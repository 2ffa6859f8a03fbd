"""Files after a loss of power: what was reported written is there, and nothing half is taken for whole."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from labkit import checkpoint
from labkit.datasets import files as pinned
from labkit.io import collect_temporaries, files, make_folder, write_bytes
from tests.io.power import Disk, crashes, record

OLD, NEW = b"old" * 700, b"new" * 700


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_a_replaced_file_is_the_old_or_the_new_one(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a").write_bytes(OLD)
    disk = Disk(root)
    with record(monkeypatch) as operations:
        write_bytes(root / "a", NEW)
    seen = []
    for done, folder in crashes(disk, operations, tmp_path / "disk", repeats=3):
        content = (folder / "a").read_bytes()
        assert content in (OLD, NEW)
        if done == len(operations):
            assert content == NEW
        seen.append(content)
    assert {OLD, NEW} == set(seen)


@pytest.mark.parametrize("missing", ["file", "folder"])
def test_the_model_finds_a_missing_fsync(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    (root / "a").write_bytes(OLD)
    disk = Disk(root)
    with record(monkeypatch) as operations, monkeypatch.context() as patch:
        if missing == "file":
            patch.setattr(files.File, "sync", lambda self: None)
        else:
            patch.setattr("labkit.io.atomic.sync_folder", lambda path: None)
        write_bytes(root / "a", NEW)
    found = [
        (done, (folder / "a").read_bytes()) for done, folder in crashes(disk, operations, tmp_path / "disk", repeats=3)
    ]
    if missing == "file":
        assert any(content not in (OLD, NEW) for _, content in found)
    else:
        assert any(content == OLD for done, content in found if done == len(operations))


def test_a_made_folder_is_there(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(root)
    with record(monkeypatch) as operations:
        make_folder(root / "a" / "b")
        write_bytes(root / "a" / "b" / "c", NEW)
    for done, folder in crashes(disk, operations, tmp_path / "disk"):
        if done == len(operations):
            assert (folder / "a" / "b" / "c").read_bytes() == NEW


@pytest.mark.parametrize("second", ["m-2", "m-1"])
def test_there_is_a_whole_checkpoint_at_every_moment(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    def save(name: str, step: int) -> None:
        checkpoint.save(root / name, {"w": np.full(600, step, np.float32)}, step, extra={"step": step}, keep=1)

    save("m-1", 1)
    disk = Disk(root)
    with record(monkeypatch) as operations:
        save(second, 2)
    assert len(operations) > 20
    steps = []
    for done, folder in crashes(disk, operations, tmp_path / "disk"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged newest one, before the fallback
            prefix = checkpoint.latest(folder)
        assert prefix is not None, f"none after {done} operations"
        loaded = checkpoint.load(prefix)
        assert loaded.tensors["w"].tolist() == [loaded.step] * 600
        if done == len(operations):
            assert loaded.step == 2
        steps.append(loaded.step)
    assert set(steps) == {1, 2}


def test_a_data_file_is_whole_or_not_there(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.io.installs import PAYLOAD, PINNED, install

    disk = Disk(root)
    with record(monkeypatch) as operations, pytest.MonkeyPatch.context() as patch:
        install(root, patch)
    outcomes = []
    for done, folder in crashes(disk, operations, tmp_path / "disk"):
        collect_temporaries(folder / "numbers") if (folder / "numbers").exists() else None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pinned, "cache_folder", lambda folder=folder: folder)
            patch.setenv("LABKIT_OFFLINE", "1")
            patch.delenv("LABKIT_DATA", raising=False)
            try:
                payload, _ = pinned.fetch("numbers", PINNED)
            except pinned.MissingDataError:
                outcomes.append(False)
            else:
                assert payload == PAYLOAD
                outcomes.append(True)
        if done == len(operations):
            assert outcomes[-1]
    assert set(outcomes) == {True, False}
    assert os.listdir(root / "numbers") == [PINNED.name]
