"""Reading checkpoints: everything is checked before anything is used."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labkit.checkpoint import manifest as manifests, state_file, tensorfile
from labkit.checkpoint.manifest import DATA, INDEX, META
from labkit.checkpoint.meta_graph import MetaGraphDef
from labkit.checkpoint.reading import check_file, locate, read_files
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
    manifest, content = read_files(prefix)
    tensors = tensorfile.parse(content[DATA], prefix + DATA)
    graph = None
    if META in content:
        try:
            graph = MetaGraphDef.from_json(content[META].tobytes())
        except GraphError as error:
            raise CheckpointError(f"{prefix + META} holds no meta graph", received=error.received) from None
    return Checkpoint(prefix, tensors, manifest.step, manifest.extra, graph)


def load_tensors(prefix: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays alone of the checkpoint with that prefix; errors as those of `load`."""
    prefix = os.fspath(prefix)
    return tensorfile.parse(read_files(prefix, (DATA,))[1][DATA], prefix + DATA)


def verify(prefix: str | os.PathLike[str]) -> None:
    """Checks that every byte of the checkpoint with that prefix is what was saved.

    Raises:
        CheckpointError: there is none, or a byte of it is damaged.
    """
    prefix = os.fspath(prefix)
    for entry in manifests.read(prefix).files:
        check_file(locate(prefix, entry), entry)


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
    """The names that the text file `checkpoint` lists, the newest last; empty when there is no such file."""
    listed = state_file.read(folder)
    if listed is None:
        return []
    names = [os.path.basename(path) for path in (*listed.all_model_checkpoint_paths, listed.model_checkpoint_path)]
    return list(dict.fromkeys(names))
