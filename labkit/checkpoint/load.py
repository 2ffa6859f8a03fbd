"""Reading checkpoints: everything is checked before anything is used."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labkit.checkpoint import manifest as manifests, tensorfile
from labkit.checkpoint.manifest import DATA, INDEX, META, PREVIOUS, FileEntry
from labkit.checkpoint.meta_graph import MetaGraphDef
from labkit.errors import CheckpointError, GraphError


class CheckpointWarning(UserWarning):
    """A checkpoint is damaged, and another one is used."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        prefix: where it was read from.
        tensors: name -> array, each writable.
        step: the training step.
        extra: the JSON given to save.
        graph: the graph with its collections, or None; `import_meta_graph` builds it.
    """

    prefix: str
    tensors: dict[str, np.ndarray] = field(repr=False)
    step: int
    extra: dict[str, Any] = field(repr=False)
    graph: MetaGraphDef | None = field(repr=False)


def load(prefix: str | os.PathLike[str]) -> Checkpoint:
    """Reads the checkpoint with that prefix.

    Raises:
        CheckpointError: there is none, or a byte of it is damaged.
    """
    prefix = os.fspath(prefix)
    while True:
        manifest = manifests.read(prefix)
        try:
            content: dict[str, np.ndarray] = {
                entry.suffix: _read(_locate(prefix, entry), entry) for entry in manifest.files
            }
            break
        except CheckpointError:
            if manifests.read(prefix) == manifest:  # else it was just replaced by a newer one: read that
                raise
    tensors = tensorfile.parse(content[DATA], prefix + DATA)
    graph = None
    if META in content:
        try:
            graph = MetaGraphDef.from_json(content[META].tobytes())
        except GraphError as error:
            raise CheckpointError(f"{prefix + META} holds no meta graph", received=error.received) from None
    return Checkpoint(prefix, tensors, manifest.step, manifest.extra, graph)


def verify(prefix: str | os.PathLike[str]) -> None:
    """Checks that every byte of the checkpoint with that prefix is what was saved.

    Raises:
        CheckpointError: there is none, or a byte of it is damaged.
    """
    prefix = os.fspath(prefix)
    for entry in manifests.read(prefix).files:
        check_file(_locate(prefix, entry), entry)


def latest(folder: str | os.PathLike[str]) -> str | None:
    """The prefix of the newest valid checkpoint in the folder; None when there is none.

    A damaged one that is newer (or whose age can no longer be told) is passed over with a CheckpointWarning.
    """
    known, damaged = scan(folder)
    named = state(folder)
    if named and named[-1] not in [Path(p).name for p in known] and not damaged:
        damaged.append(f"{Path(folder) / named[-1]}: the newest by the file 'checkpoint', is not there")
    found = None
    for prefix in reversed(known):
        try:
            verify(prefix)
        except CheckpointError as error:
            damaged.append(f"{prefix}: {error}")
        else:
            found = prefix
            break
    if damaged:
        use = f"uses {found}" if found else "finds no valid one"
        warnings.warn(f"Damaged checkpoints; labkit {use}. " + " ".join(damaged), CheckpointWarning, stacklevel=2)
    return found


def scan(folder: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """The prefixes in the folder in the order in which they were saved, and a description of each damaged manifest."""
    known, damaged = [], []
    for path in sorted(Path(folder).glob("*" + INDEX)):
        prefix = str(path).removesuffix(INDEX)
        try:
            known.append((manifests.read(prefix).serial, prefix))
        except CheckpointError as error:
            damaged.append(f"{prefix}: {error}")
    return [prefix for _, prefix in sorted(known)], damaged


def state(folder: str | os.PathLike[str]) -> list[str]:
    """The names that the text file `checkpoint` lists, the newest last; empty when there is no such file.

    Names that would leave the folder are left out: the file is for people and for other programs, and decides nothing.
    """
    try:
        text = (Path(folder) / "checkpoint").read_text("utf-8", errors="replace")
    except OSError:
        return []
    names: list[str] = []
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        name = value.strip().strip('"')
        if key in ("model_checkpoint_path", "all_model_checkpoint_paths") and name == Path(name).name != "":
            names.append(name)
    return list(dict.fromkeys([*names[1:], *names[:1]])) if names else []


def check_file(path: str, entry: FileEntry) -> None:
    """Checks that the file at `path` is the one that the entry means, in little memory.

    Raises:
        CheckpointError: it is another one.
    """
    with _open(path, entry) as file:
        _compare(path, entry, hashlib.file_digest(file, "sha256").hexdigest())


def _locate(prefix: str, entry: FileEntry) -> str:
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
