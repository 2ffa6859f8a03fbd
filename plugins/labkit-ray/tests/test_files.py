"""Folders that are sent in pieces: whatever happens to a file, the copy is as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from labkit_ray import files
from labkit_ray.files import Piece, Receiver, Sender

from labkit.errors import DataError

pytestmark = pytest.mark.ci


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setattr(files, "SIZE", 10)
    monkeypatch.setattr(files, "TAIL", 4)
    (tmp_path / "here").mkdir()
    return tmp_path / "here", tmp_path / "there"


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_change_arrives(pair: tuple[Path, Path]) -> None:
    here, there = pair
    sender, receiver = Sender(here), Receiver(there)

    def sent() -> int:
        pieces = list(sender.changes())
        for piece in pieces:
            receiver.write(piece)
        assert content(there) == content(here)
        return sum(len(piece.data or b"") for piece in pieces)

    log, deep = here / "log", here / "a" / "b.bin"
    deep.parent.mkdir()
    log.write_bytes(b"")
    deep.write_bytes(bytes(range(33)))
    assert sent() == 33
    assert sent() == 0
    log.write_bytes(b"0123456789abcdef")
    assert sent() == 16
    with log.open("ab") as file:
        file.write(b"+" * 25)
    assert sent() == 25  # what was added, and no more
    log.write_bytes(b"short")
    assert sent() == 5
    log.write_bytes(b"other and longer than before")
    assert sent() == 28
    deep.unlink()
    (here / ".labkit-tmp-1").write_bytes(b"unfinished")
    list(map(receiver.write, sender.changes()))
    assert content(there) == {"log": log.read_bytes()}
    receiver.close()


def test_what_was_cut_off_is_not_there(pair: tuple[Path, Path]) -> None:
    here, there = pair
    (here / "weights").write_bytes(b"x" * 25)
    receiver = Receiver(there)
    receiver.write(next(Sender(here).changes()))
    receiver.close()
    assert content(there) == {}


def test_a_checkpoint_comes_after_what_it_counts_on(pair: tuple[Path, Path]) -> None:
    here, _ = pair
    (here / "checkpoints" / "state").mkdir(parents=True)
    for name in ("checkpoints/state/step-5.index", "checkpoints/state/step-5.data", "metrics.jsonl", "trial.json"):
        (here / name).write_bytes(b"1")
    names = [piece.name for piece in Sender(here).changes()]
    assert names == ["metrics.jsonl", "trial.json", "checkpoints/state/step-5.data", "checkpoints/state/step-5.index"]


@pytest.mark.parametrize("name", ["../there", "/there", "a/../../there"])
def test_nothing_is_written_outside(pair: tuple[Path, Path], name: str) -> None:
    with pytest.raises(DataError, match="outside"):
        Receiver(pair[1]).write(Piece(name, 0, b"1"))
