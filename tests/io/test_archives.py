"""Archives: whatever Python's own libraries write is read right, whatever a stranger may have written does no harm."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import subprocess
import sys
import tarfile
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.errors import ArchiveError, DataError, NotFoundError
from labkit.io.archives import Archive, Limits
from tests.io.archive_attacks import END, GOOD, GOOD_TAR, HARMLESS, REFUSED, file, tar_of, zipped

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}


@pytest.fixture(autouse=True)
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder is an empty one, above which there is nothing but the archive; afterwards that is still so."""
    root = tmp_path / "above" / "root"
    root.mkdir(parents=True)
    monkeypatch.chdir(root)
    yield tmp_path
    assert list((tmp_path / "above").rglob("*")) == [root]


def contents(path: Path, limits: Limits | None = None) -> dict[str, bytes]:
    """All files, read in one pass and one by one."""
    with Archive(path, limits) as archive:
        found = {member.name: data for member, data in archive.each()}
        assert [member.name for member in archive.members] == list(found)
        assert all(member.size == len(found[member.name]) for member in archive.members)
        if archive.seekable:
            assert {member.name: archive.read(member) for member in reversed(archive.members)} == found
        return found


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("kind", PACKERS)
def test_tars_of_every_kind_are_read(watched: Path, kind: str, form: int) -> None:
    rng = random.Random(form)
    files = [*GOOD, *((f"many/{i:03}", rng.randbytes(rng.choice([0, 1, 511, 512, 513, 70_000]))) for i in range(60))]
    files += [] if form == tarfile.USTAR_FORMAT else [("long/" * 30 + "Käse" * 20, b"cheese")]
    path = watched / "archive"
    path.write_bytes(PACKERS[kind](tar_of(*files, kind=form)))
    assert contents(path) == dict(files)
    with Archive(path) as archive:
        assert (archive.kind, archive.seekable) == (kind, kind == "tar")
        assert repr(archive) == f"<Archive {path}, {kind}>"
        assert [m.name for m, _ in archive.each(lambda member: member.size == 512)] == [
            name for name, data in files if len(data) == 512
        ]
        assert archive.read("train/cat/1.jpg") == b"first"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_of_every_method_are_read(watched: Path, method: int) -> None:
    rng = random.Random(method)
    files = dict(GOOD) | {f"many/Käse{i}": rng.randbytes(i) * i for i in range(90)}
    path = watched / "archive"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.comment = b"a comment"
        for name, data in files.items():
            archive.writestr(name, data)
        archive.mkdir("folder")
        with archive.open("wide", "w", force_zip64=True) as target:
            target.write(b"wide" * 1000)
    assert contents(path) == files | {"wide": b"wide" * 1000}


def test_a_zip_that_was_written_as_a_stream_is_read(watched: Path) -> None:
    class Stream:
        """Knows no position: sizes and check sums follow each file."""

        def __init__(self, path: Path) -> None:
            self.file = path.open("wb")

        def write(self, data: bytes) -> int:
            return self.file.write(data)

        def flush(self) -> None:
            self.file.flush()

    target = Stream(watched / "archive")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, data in GOOD:
            archive.writestr(name, data)
    target.file.close()
    assert contents(watched / "archive") == dict(GOOD)


@pytest.mark.parametrize("name", REFUSED)
def test_attacks_are_refused(watched: Path, name: str) -> None:
    write, message = REFUSED[name]
    path = watched / "archive"
    write(path)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match=message) as caught:
            for _ in Archive(path).each():
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(caught.value, DataError)
    assert str(caught.value).startswith(str(path))
    assert caught.value.archive == str(path)
    assert str(caught.value).isprintable()
    assert peak < 16 << 20


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_strange_but_harmless_is_read_right(watched: Path, name: str) -> None:
    write, expected = HARMLESS[name]
    write(watched / "archive")
    assert contents(watched / "archive") == expected


def test_errors_tell_member_and_position(watched: Path) -> None:
    path = watched / "archive"
    path.write_bytes(file(b"a") + file(b"b/../../c") + END)
    with pytest.raises(ArchiveError, match=r"member 'b/../../c' \(byte 1,024\)") as caught:
        contents(path)
    assert (caught.value.member, caught.value.position) == ("b/../../c", 1024)


LIMITS = {
    "members": (Limits(members=2), "too many members"),
    "member_bytes": (Limits(member_bytes=1000), "too large"),
    "total_bytes": (Limits(total_bytes=5000), "too (much|large)"),
    "name_bytes": (Limits(name_bytes=10), "too long a name"),
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("kind", [*PACKERS, "zip"])
def test_limits(watched: Path, kind: str, limit: str) -> None:
    path, (limits, message) = watched / "archive", LIMITS[limit]
    if kind == "zip":
        zipped(*GOOD)(path)
    else:
        path.write_bytes(PACKERS[kind](GOOD_TAR))
    with pytest.raises(ArchiveError, match=f"{message}.*{limit}"):
        contents(path, limits)
    exact = Limits(members=3, member_bytes=10240, total_bytes=20 << 10, name_bytes=15)
    assert contents(path, exact) == dict(GOOD)


def test_a_bomb_of_10_gb_costs_neither_memory_nor_disk(watched: Path) -> None:
    """A file that may be as large as it likes, in 1.5 MB: it is given up where it becomes suspicious."""
    path = watched / "archive"
    REFUSED["tar.xz, 10 GB"][0](path)
    assert path.stat().st_size < 1 << 20
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from labkit.io.archives import Archive, Limits
with Archive({str(path)!r}, Limits(member_bytes=1 << 60, total_bytes=1 << 60)) as archive:
    archive.members
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ArchiveError" in found.stderr
    assert "suspiciously much" in found.stderr


@pytest.mark.parametrize("kind", [*PACKERS, "zip"])
def test_every_truncation_is_refused(watched: Path, kind: str) -> None:
    path, small = watched / "archive", [("a/1", b"first"), ("b", b"x" * 30)]
    if kind == "zip":
        zipped(*small)(path)
        data = path.read_bytes()
    else:
        # A plain tar's trailing zeros are no content: it is whole as soon as one of its two closing blocks is there.
        data = PACKERS[kind](tar_of(*small)[:3072])
    step = 7 if kind == "tar" else 1
    for length in range(0, 2560 if kind == "tar" else len(data), step):
        path.write_bytes(data[:length])
        with pytest.raises(ArchiveError):
            contents(path)


def test_paths_that_are_no_archives(watched: Path) -> None:
    os.mkfifo(watched / "pipe")
    for name, message in [("missing", "cannot be read"), (".", "is no file"), ("pipe", "is no file"), ("a\0b", "read")]:
        with pytest.raises(ArchiveError, match=message):
            Archive(watched / name)


def test_a_name_that_is_not_there(watched: Path) -> None:
    (watched / "archive").write_bytes(GOOD_TAR)
    with Archive(watched / "archive") as archive, pytest.raises(NotFoundError, match=r"no file 'nothing'.*3 files"):
        archive.read("nothing")


def test_an_archive_that_shrinks_meanwhile(watched: Path) -> None:
    path = watched / "archive"
    for write in (lambda: path.write_bytes(GOOD_TAR), lambda: zipped(*GOOD)(path)):
        write()
        with Archive(path) as archive:
            members = archive.members
            os.truncate(path, 100)
            with pytest.raises(ArchiveError):
                archive.read(members[1])


def test_threads_read_one_archive(watched: Path) -> None:
    files = {f"{i}": random.Random(i).randbytes(2000) for i in range(50)}
    zipped(*files.items())(watched / "archive")
    (watched / "archive.tar").write_bytes(tar_of(*files.items()))
    wrong: list[str] = []

    def read(archive: Archive) -> None:
        for _ in range(5):
            wrong.extend(member.name for member in archive.members if archive.read(member) != files[member.name])

    for name in ("archive", "archive.tar"):
        with Archive(watched / name) as archive:
            threads = [threading.Thread(target=read, args=(archive,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert not wrong


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bits flipped, bytes cut out, put in, doubled, numbers overwritten, ends cut off."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, kind = rng.randrange(len(changed) + 1), rng.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + rng.choice([1, 7, 512])]
        elif kind == 2:
            changed[at:at] = rng.randbytes(rng.choice([1, 4, 512]))
        elif kind == 3:
            changed[at:at] = changed[max(0, at - 512) : at]
        elif kind == 4:
            changed[at : at + 4] = rng.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"7777"])
        else:
            del changed[at:]
        if not changed:
            break
    return bytes(changed)


def originals(path: Path) -> Iterator[tuple[str, bytes]]:
    for kind, pack in PACKERS.items():
        yield kind, pack(tar_of(*GOOD))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        zipped(*GOOD, method=method)(path)
        yield f"zip of method {method}", path.read_bytes()


def campaign(watched: Path, count: int, seed: int) -> dict[str, int]:
    """So many mutated archives of each kind: what is read right, and what is refused; nothing else happens."""
    path, found = watched / "archive", {"read": 0, "other": 0, "refused": 0}
    limits = Limits(member_bytes=1 << 20, total_bytes=1 << 22)
    made = list(originals(path))
    tracemalloc.start()
    for kind, data in made:
        rng = random.Random(f"{seed} {kind}")
        for _ in range(count):
            path.write_bytes(mutated(data, rng))
            try:
                files = contents(path, limits)
            except ArchiveError:
                found["refused"] += 1
            else:
                # A plain tar has no check sum of contents: other bytes in the same place are what it holds now.
                same = files == dict(GOOD)
                assert same or kind == "tar" or len(files) < len(GOOD) or kind.startswith("zip"), (kind, files)
                found["read" if same else "other"] += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    return found


def test_mutated_archives(watched: Path) -> None:
    found = campaign(watched, 60, seed=1)
    assert sum(found.values()) == 480
    assert found["refused"] > 300


@pytest.mark.campaign
def test_10000_mutated_archives(watched: Path) -> None:
    found = campaign(watched, 1250, seed=2)
    print(f"mutated archives: {found}")
    assert sum(found.values()) == 10_000
