"""Saver: failed saves, damage, random counters, and checkpoints that are shared with the library's own functions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit import checkpoint
from labkit.checkpoint import Saver
from labkit.checkpoint.manifest import DATA, INDEX, META
from labkit.errors import CheckpointError, CheckpointPathError, GraphError, InvalidArgumentError, NotFoundError
from labkit.io import files


@pytest.fixture
def session() -> Any:
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable([1.0, 2.0], name="w")
        noise = lk.random.normal([2], seed=3, name="noise")
        w.assign_add(noise, name="walk")
        session.run(w.initializer)
        session.run("walk:0")
        yield session


def draw(session: lk.Session) -> bytes:
    return session.run("noise:0").tobytes()


def test_it_goes_on_drawing_where_it_was(session: lk.Session, tmp_path: Path) -> None:
    saver = Saver()
    prefix = saver.save(session, tmp_path / "m", 1)
    expected = draw(session)
    assert draw(session) != expected
    saver.restore(session, prefix)
    assert draw(session) == expected
    for scope in (None, "in"):
        with lk.Graph().as_default(), lk.Session() as other:
            back = Saver.of(checkpoint.import_meta_graph(prefix + META, import_scope=scope))
            assert back is not None
            back.restore(other, prefix)
            assert other.run("in/noise:0" if scope else "noise:0").tobytes() == expected
            again = back.save(other, tmp_path / "again", 1)
        assert checkpoint.load(again).tensors.keys() == checkpoint.load(prefix).tensors.keys()


def test_a_counter_that_never_counted_is_saved_as_zero(session: lk.Session, tmp_path: Path) -> None:
    with lk.Session() as fresh:
        saver = Saver()
        fresh.run("w/Assign")
        prefix = saver.save(fresh, tmp_path / "m")
        expected = draw(fresh)
    saver.restore(session, prefix)
    assert draw(session) == expected


def test_a_graph_without_the_random_operation_is_restored(session: lk.Session, tmp_path: Path) -> None:
    prefix = Saver().save(session, tmp_path / "m")
    expected = session.run("w:0")
    with lk.Graph().as_default(), lk.Session() as other:
        lk.Variable([0.0, 0.0], name="w")
        Saver().restore(other, prefix)
        np.testing.assert_array_equal(other.run("w:0"), expected)


def test_chosen_variables_leave_counters_alone(session: lk.Session, tmp_path: Path) -> None:
    saver = Saver(lk.global_variables())
    prefix = saver.save(session, tmp_path / "m")
    assert list(checkpoint.load(prefix).tensors) == ["w"]
    first = draw(session)
    saver.restore(session, prefix)
    assert draw(session) != first


def test_the_librarys_checkpoints_are_the_savers(session: lk.Session, tmp_path: Path) -> None:
    saver = Saver()
    library = checkpoint.save(tmp_path / "a", session.state(), 1)
    own = saver.save(session, tmp_path / "b", 2)
    expected = draw(session)
    saver.restore(session, library)
    assert draw(session) == expected
    session.restore_state(checkpoint.load(own).tensors)
    assert draw(session) == expected
    assert checkpoint.load(own).step == 2
    assert checkpoint.latest(tmp_path) == own


@pytest.mark.parametrize("part", ["write", "sync"])
def test_a_failed_save_leaves_the_one_before(
    session: lk.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    saver = Saver(max_to_keep=1)
    prefix = saver.save(session, tmp_path / "m")
    expected = session.run("w:0")
    session.run("walk:0")
    with monkeypatch.context() as broken:

        def fail(*args: Any) -> None:
            raise OSError(28, "No space left on device")

        broken.setattr(files.File, part, fail)
        for target in ("m", "other"):
            with pytest.raises(CheckpointError, match="No space left"):
                saver.save(session, tmp_path / target)
    assert saver.last_checkpoints == [prefix]
    saver.restore(session, prefix)
    np.testing.assert_array_equal(session.run("w:0"), expected)
    saver.save(session, tmp_path / "m")


def import_and_restore(prefix: str) -> None:
    back = Saver.of(checkpoint.import_meta_graph(prefix + META))
    assert back is not None
    back.restore(lk.Session(), prefix)


@pytest.mark.parametrize("suffix", [DATA, META, INDEX])
def test_damage_is_found_before_use(session: lk.Session, tmp_path: Path, suffix: str) -> None:
    saver = Saver()
    prefix = saver.save(session, tmp_path / "m")
    content = Path(prefix + suffix).read_bytes()
    expected = session.run("w:0")
    for place in range(0, len(content), 1 + len(content) // 40):
        damaged = bytearray(content)
        damaged[place] ^= 1
        Path(prefix + suffix).write_bytes(damaged)
        with lk.Graph().as_default() as graph, pytest.raises(CheckpointError):
            import_and_restore(prefix)
        assert suffix == DATA or not graph.operations
    if suffix != META:
        with pytest.raises(CheckpointError):
            saver.restore(session, prefix)
    np.testing.assert_array_equal(session.run("w:0"), expected)


def test_a_meta_graph_of_a_checkpoint_is_not_overwritten(session: lk.Session, tmp_path: Path) -> None:
    prefix = Saver().save(session, tmp_path / "m")
    with pytest.raises(CheckpointError, match="is part of the checkpoint"):
        checkpoint.export_meta_graph(prefix + META)
    checkpoint.load(prefix)


def test_a_meta_graph_that_was_exported_stays(session: lk.Session, tmp_path: Path) -> None:
    saver = Saver(max_to_keep=1)
    saver.export_meta_graph(tmp_path / "m.meta")
    for step in (1, 2):
        saver.save(session, tmp_path / "m", step, write_meta_graph=False)
    assert {p.name for p in tmp_path.iterdir()} == {"checkpoint", "m.meta", "m-2" + DATA, "m-2" + INDEX}


def test_what_a_killed_save_left_is_collected(session: lk.Session, tmp_path: Path) -> None:
    for name in ("m-7" + DATA, "m-7" + META):
        (tmp_path / name).write_bytes(b"half")
    Saver().save(session, tmp_path / "m", 8)
    assert not list(tmp_path.glob("m-7*"))


def test_a_graph_with_a_python_function_is_saved_without_it(session: lk.Session, tmp_path: Path) -> None:
    lk.py_func(np.sort, [lk.constant([1.0])], lk.float32)
    with pytest.warns(RuntimeWarning, match="gets no graph"):
        prefix = Saver().save(session, tmp_path / "m")
    assert not os.path.exists(prefix + META)
    checkpoint.verify(prefix)


def test_the_text_file_names_nothing_outside_its_folder(session: lk.Session, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines = ["../out", "/etc/passwd", "..", "."]
    (folder / "checkpoint").write_text("\n".join(f'model_checkpoint_path: "{line}"' for line in lines))
    assert checkpoint.get_checkpoint_state(folder) is None
    with pytest.raises(InvalidArgumentError, match="its own folder"):
        checkpoint.update_checkpoint_state(folder, tmp_path / "out")
    saver = Saver()
    saver.save(session, tmp_path / "m")
    saver.save(session, folder / "m")
    state = checkpoint.get_checkpoint_state(folder)
    assert state is not None
    assert state.all_model_checkpoint_paths == [str(folder / "m")]


def test_what_a_saver_refuses(session: lk.Session, tmp_path: Path) -> None:
    (w,) = lk.global_variables()
    for wrong in ({"random:w": w}, {1: w}):
        with pytest.raises(InvalidArgumentError):
            Saver(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        Saver(max_to_keep=-1)
    saver = Saver()
    for path in ("", "sub/", tmp_path / ".hidden"):
        with pytest.raises(CheckpointPathError):
            saver.save(session, path)
    with lk.Graph().as_default(), lk.Session() as other:
        lk.Variable(1.0, name="elsewhere")
        with pytest.raises(GraphError, match="another graph"):
            saver.save(other, tmp_path / "m")
        lost = checkpoint.save(tmp_path / "w", {"w": np.zeros(2, np.float32)}, 0)
        with pytest.raises(NotFoundError, match="Key elsewhere not found"):
            Saver().restore(other, lost)
