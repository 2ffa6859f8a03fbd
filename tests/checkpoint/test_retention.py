"""Which checkpoint is the newest, and which ones stay."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from labkit import checkpoint
from labkit.checkpoint import CheckpointWarning
from labkit.checkpoint.manifest import DATA, INDEX, META, PREVIOUS


def save(folder: Path, name: str, step: int, keep: int | None = 5) -> str:
    return checkpoint.save(folder / name, {"n": np.array(step)}, step, keep=keep)


def names(folder: Path) -> list[str]:
    return sorted(p.name.removesuffix(INDEX) for p in folder.glob("*" + INDEX))


def test_the_newest_stay(tmp_path: Path) -> None:
    for step in range(8):
        save(tmp_path, f"m-{step}", step)
    assert names(tmp_path) == ["m-3", "m-4", "m-5", "m-6", "m-7"]
    assert len(list(tmp_path.glob("*" + DATA))) == 5
    assert checkpoint.state(tmp_path) == ["m-3", "m-4", "m-5", "m-6", "m-7"]
    save(tmp_path, "m-8", 8, keep=2)
    assert names(tmp_path) == ["m-7", "m-8"]
    for step in range(9, 14):
        save(tmp_path, f"m-{step}", step, keep=None)
    assert len(names(tmp_path)) == 7


def test_the_text_file_is_what_tensorflow_programs_read(tmp_path: Path) -> None:
    save(tmp_path, "m-1", 1)
    save(tmp_path, "m-2", 2)
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "m-2"\nall_model_checkpoint_paths: "m-1"\nall_model_checkpoint_paths: "m-2"\n'
    )


def test_another_family_in_the_folder_stays(tmp_path: Path) -> None:
    save(tmp_path, "best", 1)
    save(tmp_path, "m", 1)
    for step in range(5):
        save(tmp_path, f"m-{step}", step, keep=2)
    assert names(tmp_path) == ["best", "m-3", "m-4"]


def test_the_newest_is_the_last_saved_whatever_step_and_clock_say(tmp_path: Path) -> None:
    save(tmp_path, "m-100", 100)
    prefix = save(tmp_path, "m-7", 7)
    os.utime(prefix + INDEX, (0, 0))
    assert checkpoint.latest(tmp_path) == str(tmp_path / "m-7")
    save(tmp_path, "m-100", 100)
    assert checkpoint.latest(tmp_path) == str(tmp_path / "m-100")


def test_nothing_is_the_newest_of_nothing(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path) is None
    assert checkpoint.latest(tmp_path / "missing") is None
    assert checkpoint.state(tmp_path) == []


@pytest.mark.parametrize("suffix", [DATA, INDEX])
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_the_newest_valid_one_is_used_with_a_warning(tmp_path: Path, suffix: str, how: str) -> None:
    for step in (1, 2, 3):
        save(tmp_path, f"m-{step}", step)
    path = tmp_path / ("m-3" + suffix)
    if how == "gone":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[-3] ^= 4
        path.write_bytes(content)
    with pytest.warns(CheckpointWarning, match=r"uses .*m-2\. .*m-3"):
        assert checkpoint.latest(tmp_path) == str(tmp_path / "m-2")
    save(tmp_path, "m-4", 4)
    assert checkpoint.load(tmp_path / "m-4").step == 4


def test_when_all_are_damaged_there_is_none(tmp_path: Path) -> None:
    for step in (1, 2):
        Path(save(tmp_path, f"m-{step}", step) + DATA).write_bytes(b"")
    with pytest.warns(CheckpointWarning, match="finds no valid one"):
        assert checkpoint.latest(tmp_path) is None


@pytest.mark.parametrize(
    "line", ['"../outside"', '"/etc/passwd"', '""', '".."', "x/y", "\0", "no line", ": : :", "é" * 10]
)
def test_the_text_file_decides_nothing(tmp_path: Path, line: str) -> None:
    outside = save(tmp_path, "outside", 1)
    folder = tmp_path / "inside"
    for step in (1, 2, 3):
        save(folder, f"m-{step}", step)
    (folder / "checkpoint").write_text(
        "".join(f"{key}: {line}\n" for key in ("model_checkpoint_path", "all_model_checkpoint_paths"))
    )
    assert all("/" not in name for name in checkpoint.state(folder))
    save(folder, "m-4", 4, keep=1)
    assert checkpoint.load(outside).step == 1
    assert checkpoint.latest(folder) == str(folder / "m-4")


def test_what_killed_saves_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    leftovers = ["m-9" + DATA, "m-9" + META, "m-8" + DATA + PREVIOUS, "m" + DATA]
    foreign = ["m.txt", "other-1" + DATA, "m-x" + DATA, "m-9" + DATA + ".bak", "mm-9" + META]
    for name in leftovers + foreign:
        (tmp_path / name).write_text("x")
    save(tmp_path, "m-10", 10)
    left = {p.name for p in tmp_path.iterdir()}
    assert left.isdisjoint(leftovers)
    assert left >= set(foreign)


def test_a_graph_no_longer_saved_goes(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "m", {}, 1, graph=checkpoint.MetaGraphDef())
    checkpoint.save(tmp_path / "m", {}, 2)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m" + DATA, "m" + INDEX]
    assert checkpoint.load(tmp_path / "m").graph is None


def test_a_checkpoint_can_be_removed(tmp_path: Path) -> None:
    prefix = checkpoint.save(tmp_path / "m-1", {}, 1, graph=checkpoint.MetaGraphDef())
    checkpoint.remove(prefix)
    assert os.listdir(tmp_path) == ["checkpoint"]
