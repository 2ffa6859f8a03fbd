"""atomic_write: the old content or the new one, whatever fails and whenever the process dies."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from labkit.errors import ConfigError
from labkit.io import atomic, atomic_write, collect_temporaries, failpoints, make_folder, write_text
from labkit.io.failpoints import failing
from tests.io.forks import attempt, killed_in_child, run_in_new_process

OLD, NEW = b"old " * 10, b"new " * 100_000  # the new content needs several writes


def save_new(path: Path) -> None:
    with atomic_write(path) as file:
        for start in range(0, len(NEW), 150_000):
            file.write(NEW[start : start + 150_000])


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic_write(path) as file:
        file.write(b"one")
        assert not path.exists()
        (temporary,) = tmp_path.iterdir()
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_finished_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_text(tmp_path / "ours", "text")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_error_in_the_block_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLD)

    def fail_inside() -> None:
        with atomic_write(path) as file:
            file.write(NEW)
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert path.read_bytes() == OLD
    assert len(list(tmp_path.iterdir())) == 1


def test_content_and_name_are_on_the_disk_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    replace, fsync = os.replace, os.fsync

    def recorded_fsync(fd: int) -> None:
        done.append("fsync folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else f"fsync {os.fstat(fd).st_size} bytes")
        fsync(fd)

    def recorded_replace(source: Path, target: Path) -> None:
        done.append(f"replace {target.name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    write_text(tmp_path / "a", "12345")
    assert done == ["fsync 5 bytes", "replace a", "fsync folder"]


def test_names_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_text(path, "x")
    assert path.read_text() == "x"


def test_the_file_object_seeks_as_archives_need(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as file:
        file.write(b"0123456789")
        file.seek(2)
        file.write(b"ab")
        assert file.tell() == 4
    assert (tmp_path / "a").read_bytes() == b"01ab456789"


@pytest.mark.parametrize("name", ["ENOSPC", "EIO", "EDQUOT"])
@pytest.mark.parametrize("exists", [True, False])
def test_every_failing_call_raises_and_leaves_the_old_content(tmp_path: Path, name: str, exists: bool) -> None:
    path = tmp_path / "a"
    calls = calls_of_a_save(tmp_path / "count")
    assert calls > 6
    for n in range(1, calls + 2):
        path.unlink(missing_ok=True)
        if exists:
            path.write_bytes(OLD)
        with failing(f"any:{n}:{name}"):
            error = attempt(lambda: save_new(path))
        if n <= calls:
            assert isinstance(error, OSError)
            assert error.errno == getattr(errno, name)
        else:
            assert error is None
        # The very last call syncs the folder, after the renaming.
        expected = NEW if n >= calls else OLD if exists else None
        assert (path.read_bytes() if path.exists() else None) == expected
        assert not list(tmp_path.glob(atomic.PREFIX + "*"))


def calls_of_a_save(path: Path) -> int:
    """How many fail points a save passes."""
    with failing(f"any:{10**9}:EIO"):
        save_new(path)
        return 10**9 - failpoints.armed[0].left


def test_a_kill_at_every_call_leaves_the_old_or_the_new_content(tmp_path: Path) -> None:
    printed = run_in_new_process(kill_loop, str(tmp_path))
    kills, temporaries = map(int, printed.split())
    assert kills == calls_of_a_save(tmp_path / "count")
    assert temporaries >= 4  # so the collector was really needed


def kill_loop(folder: str) -> None:
    path = Path(folder) / "a"
    kills = temporaries = 0
    while True:
        path.write_bytes(OLD)

        def save(n: int = kills + 1) -> None:
            with failing(f"any:{n}:kill"):
                save_new(path)

        if not killed_in_child(save):
            break
        kills += 1
        assert path.read_bytes() in (OLD, NEW)
        temporaries += len(collect_temporaries(folder))
        assert list(Path(folder).iterdir()) == [path]
    assert path.read_bytes() == NEW
    print(kills, temporaries)


def test_a_temporary_file_in_use_is_not_collected(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as file:
        file.write(b"x")
        assert collect_temporaries(tmp_path) == []
    assert (tmp_path / "a").read_bytes() == b"x"


def test_the_collector_leaves_other_files_and_links_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / (atomic.PREFIX + "link")).symlink_to(tmp_path / "precious")
    os.mkfifo(tmp_path / (atomic.PREFIX + "pipe"))
    leftover = tmp_path / (atomic.PREFIX + "1-1-00")
    leftover.write_text("torn")
    assert leftover in collect_temporaries(tmp_path)
    assert (tmp_path / "precious").read_text() == "x"
    assert not leftover.exists()


def test_a_temporary_file_taken_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    create = atomic.create

    def create_and_lose(path: Path) -> object:
        file = create(path)
        made.append(path)
        if len(made) == 1:
            path.unlink()  # what a collector does that comes in between
        return file

    monkeypatch.setattr(atomic, "create", create_and_lose)
    write_text(tmp_path / "a", "x")
    assert len(made) == 2
    assert (tmp_path / "a").read_text() == "x"


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(FileNotFoundError):
        make_folder(tmp_path / "c" / "d", parents=False)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize(
    "text", ["write", "write:0:EIO", "write:x:EIO", "write:1:NOPE", "write:1:errorcode", ":1:EIO", "write:1:"]
)
def test_a_malformed_fail_point_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="LABKIT_FAIL"):
        failpoints.parse(text)


def test_fail_points_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_FAIL", "fsync:2:EIO,write:1:ENOSPC")
    assert run_in_new_process(fail_by_environment, str(tmp_path)).split() == ["ENOSPC", "EIO", "fine"]


def fail_by_environment(folder: str) -> None:
    for i in range(3):
        try:
            write_text(Path(folder) / str(i), "x")
            print("fine")
        except OSError as error:
            print(errno.errorcode[error.errno or 0])


def test_fail_points_cost_next_to_nothing_when_unset() -> None:
    count = 100_000
    start = time.perf_counter()
    for _ in range(count):
        failpoints.reach("write")
    each = (time.perf_counter() - start) / count
    print(f"a fail point: {each * 1e9:.0f} ns")
    assert each < 5e-6
