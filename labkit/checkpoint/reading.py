"""The files of a checkpoint: each is compared with the manifest before a byte of it is used."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np

from labkit.checkpoint import manifest as manifests
from labkit.checkpoint.manifest import PREVIOUS, FileEntry, Manifest, Suffix
from labkit.errors import CheckpointError


def read_files(prefix: str, wanted: Collection[Suffix] | None = None) -> tuple[Manifest, dict[Suffix, np.ndarray]]:
    """The manifest, and suffix -> content of the files that it lists, uint8 [size].

    Args:
        prefix: the checkpoint.
        wanted: the files to read; default: all.

    Raises:
        CheckpointError: there is no such checkpoint, or a byte is damaged.
    """
    while True:
        manifest = manifests.read(prefix)
        entries = [entry for entry in manifest.files if wanted is None or entry.suffix in wanted]
        try:
            return manifest, {entry.suffix: _read(locate(prefix, entry), entry) for entry in entries}
        except CheckpointError:
            if manifests.read(prefix) == manifest:  # else it was just replaced by a newer one: read that
                raise


def check_file(path: str, entry: FileEntry) -> None:
    """Checks that the file at `path` is the one that the entry means, in little memory.

    Raises:
        CheckpointError: it is another one.
    """
    with _open(path, entry) as file:
        _compare(path, entry, hashlib.file_digest(file, "sha256").hexdigest())


def locate(prefix: str, entry: FileEntry) -> str:
    """The path of the entry's file by size and place. A killed save leaves it under its put-aside name."""
    path = prefix + entry.suffix
    return path + PREVIOUS if os.path.exists(path + PREVIOUS) and not _fits(path, entry) else path


def _fits(path: str, entry: FileEntry) -> bool:
    try:
        check_file(path, entry)
    except CheckpointError:
        return False
    return True


def _read(path: str, entry: FileEntry) -> np.ndarray:
    """The content of a file, uint8 [size]. What is hashed is what is returned; the file is not looked at again."""
    with _open(path, entry) as file:
        data = np.empty(entry.size, np.uint8)
        view = data.data
        while view and (count := file.readinto(view)):
            view = view[count:]
    _compare(path, entry, "" if view else hashlib.sha256(data.data).hexdigest())
    return data


@contextmanager
def _open(path: str, entry: FileEntry) -> Iterator[io.FileIO]:
    """The file, when it is a file of the entry's size: nothing is allocated for a size that is only declared."""
    try:
        # Non-blocking, or a pipe put in the file's place would keep the opening waiting.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
                raise _damaged(path, "its size differs", f"{status.st_size} bytes instead of {entry.size}")
            yield file
    except OSError as error:
        raise _damaged(path, "it cannot be read", str(error)) from None


def _compare(path: str, entry: FileEntry, sha256: str) -> None:
    if sha256 != entry.sha256:
        raise _damaged(path, "its SHA-256 differs", "other bytes than were saved")


def _damaged(path: str, what: str, received: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged: {what}",
        rule="Every file of a checkpoint has the size and SHA-256 that its manifest gives",
        received=received,
        fix="Use another checkpoint; labkit.checkpoint.latest finds the newest valid one.",
    )
