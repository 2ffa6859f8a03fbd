"""Writing checkpoints: the new one is complete and checked before anything of an older one goes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from labkit.checkpoint import manifest as manifests, state_file, tensorfile
from labkit.checkpoint.load import scan, verify
from labkit.checkpoint.manifest import DATA, INDEX, META, PREVIOUS, FileEntry, Manifest, Suffix
from labkit.checkpoint.meta_graph import MetaGraphDef
from labkit.checkpoint.reading import check_file
from labkit.errors import CheckpointError, CheckpointPathError
from labkit.io import atomic_write, collect_temporaries, files, make_folder, sync_folder, write_bytes

_CHUNK = 8 << 20


def save(
    prefix: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    step: int,
    graph: MetaGraphDef | None = None,
    extra: dict[str, Any] | None = None,
    keep: int | None = 5,
) -> str:
    """Saves a checkpoint; one that has the same prefix is replaced.

    Args:
        prefix: folder and name; makes the files `prefix.data-00000-of-00001`, `prefix.meta`, `prefix.index`. The folder
            is made when it alone is missing. One process at a time saves into a folder.
        tensors: name -> array; bool, int8-64, uint8-64 or float16-64.
        step: the training step.
        graph: the graph, as `export_meta_graph` gives it.
        extra: further JSON: whatever else is needed to go on.
        keep: how many checkpoints of this family to keep (names that differ in a final "-number" only); None keeps all.

    Returns:
        The prefix.

    Raises:
        CheckpointPathError: no checkpoint can be at that path.
        CheckpointError: it could not be saved; those saved before are as they were.
        GraphError: an operation of the graph holds a Python function and cannot be written; it is named.
    """
    if keep is not None and keep < 1:
        raise CheckpointError(
            "At least the checkpoint just saved is kept", received=f"keep={keep}", fix="None keeps all."
        )
    prefix = write(prefix, tensors, step, graph, extra)
    with telling_of(prefix):
        prune(Path(prefix).parent, family(os.path.basename(prefix)), keep)
    return prefix


def write(
    prefix: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    step: int,
    graph: MetaGraphDef | None = None,
    extra: dict[str, Any] | None = None,
) -> str:
    """As `save`, but no other checkpoint is removed and the file `checkpoint` stays as it is."""
    prefix = os.fspath(prefix)
    folder, name = Path(prefix).parent, os.path.basename(prefix)
    if not 0 < len(name) <= 200 or not name.isprintable() or name.startswith(".") or '"' in name:
        raise CheckpointPathError(
            "A checkpoint's prefix ends in a name",
            rule="It has 1 to 200 printable characters, no quotation mark, and no dot in front",
            received=repr(prefix),
        )
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 0:
        raise CheckpointError("A checkpoint's step is a number from 0", received=repr(step))
    arrays = {key: tensorfile.prepare(key, value) for key, value in tensors.items()}
    extra = _plain_json(extra or {}, "extra")
    meta = None if graph is None else graph.to_json()
    with telling_of(prefix):
        _make_parent(folder)
        collect_temporaries(folder)
        serial = 1 + max((manifests.read(known).serial for known in scan(folder)[0]), default=0)
        before = _manifest_of(prefix)
        try:
            _put_aside(prefix, before)
            entries = [_write_data(prefix + DATA, arrays)]
            if meta is not None:
                entries.append(_write_file(prefix + META, META, [meta]))
            for entry in entries:
                check_file(prefix + entry.suffix, entry)
            manifest = Manifest(manifests.FORMAT, 1, serial, int(step), tuple(entries), extra)
            write_bytes(prefix + INDEX, _encode(manifest))
        except BaseException:
            _put_back(prefix, before)
            raise
        verify(prefix)
        for suffix in (DATA, META):
            files.remove(prefix + suffix + PREVIOUS)
    return prefix


@contextlib.contextmanager
def telling_of(prefix: str) -> Iterator[None]:
    """Makes the system's errors one that names the checkpoint."""
    try:
        yield
    except CheckpointError:  # one kind of which is an OSError, too
        raise
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {prefix} could not be saved",
            rule="A save is complete on the disk or fails; the checkpoints saved before stay",
            received=str(error),
            fix="Free space on the disk, or choose a folder that can be written.",
        ) from error


def family(name: str) -> str:
    """The name without the final "-number" that counts its steps."""
    return re.sub(r"-\d+\Z", "", name)


def prune(folder: str | os.PathLike[str], base: str, keep: int | None) -> None:
    """Removes the oldest checkpoints of a family and what killed saves left of it, and writes the file `checkpoint`.

    Damaged manifests are left as they are.

    Args:
        folder: where they are.
        base: the family's name.
        keep: how many stay; None keeps all.

    Raises:
        OSError: something cannot be removed.
    """
    folder = Path(folder)
    known = scan(folder)[0]
    mine = [prefix for prefix in known if family(Path(prefix).name) == base]
    old = mine[: -keep if keep else 0]
    stay = [prefix for prefix in known if prefix not in old]
    state_file.write(folder, stay[-1], stay)  # first: it never names one that is gone
    for prefix in old:
        remove(prefix)
    collect_remains(folder, base)


def collect_remains(folder: Path, base: str) -> None:
    """Removes the files of a family that no manifest lists: killed saves leave them, the data at least. A meta graph alone
    is none of these: a program has exported it."""
    pattern = re.compile(rf"({re.escape(base)}(-\d+)?){re.escape(DATA)}({re.escape(PREVIOUS)})?")
    for path in sorted(folder.iterdir()):
        if (match := pattern.fullmatch(path.name)) and not (folder / (match[1] + INDEX)).exists():
            for suffix in (META, META + PREVIOUS):
                files.remove(folder / (match[1] + suffix))
            files.remove(path)


def remove(prefix: str | os.PathLike[str]) -> None:
    """Removes a checkpoint, its manifest first: from then on it does not exist.

    Raises:
        OSError: it cannot be removed.
    """
    prefix = os.fspath(prefix)
    files.remove(prefix + INDEX)
    sync_folder(Path(prefix).parent)
    for suffix in (META, DATA):  # the data last: where they are without a manifest, collect_remains finds the others
        files.remove(prefix + suffix + PREVIOUS)
        files.remove(prefix + suffix)


def _plain_json(value: dict[str, Any], what: str) -> dict[str, Any]:
    """The value, when reading it back gives the same."""
    try:
        if not isinstance(value, dict) or msgspec.json.decode(msgspec.json.encode(value)) != value:
            raise ValueError("a value changes when it is written and read (a tuple, or a float that is not finite)")
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, OverflowError) as error:
        raise CheckpointError(
            f"The {what} of a checkpoint is not plain JSON",
            rule="It is a dictionary of finite numbers, text, booleans, None, lists and dictionaries with text as keys",
            received=str(error),
            fix="Put arrays and floats that may be NaN among the tensors.",
        ) from None
    return value


def _make_parent(folder: Path) -> None:
    try:
        make_folder(folder, parents=False)
    except FileNotFoundError:
        raise CheckpointPathError(
            f"Parent directory of {folder} doesn't exist, can't save.",
            rule="A save makes one missing folder, not two",
            fix="Make the folder first, if the path is right.",
        ) from None


def _manifest_of(prefix: str) -> Manifest | None:
    """The manifest of the checkpoint that a save replaces; None when there is none, or one that is lost already."""
    try:
        return manifests.read(prefix)
    except CheckpointError:
        return None


def _put_aside(prefix: str, before: Manifest | None) -> None:
    """Renames the files of the older checkpoint; its manifest finds them all the same."""
    for entry in before.files if before is not None else ():
        path = prefix + entry.suffix
        try:
            # Put aside already, by a save that was killed: then what stands in its place is worthless.
            check_file(path + PREVIOUS, entry)
        except CheckpointError:
            if os.path.exists(path):
                files.replace(path, path + PREVIOUS)


def _put_back(prefix: str, before: Manifest | None) -> None:
    """Undoes `_put_aside` while its manifest is in force. Where that fails too, loading finds the files put aside."""
    with contextlib.suppress(OSError, CheckpointError):
        if before is not None and manifests.read(prefix) == before:
            for entry in before.files:
                path = prefix + entry.suffix
                if os.path.exists(path + PREVIOUS):
                    files.replace(path + PREVIOUS, path)


def _write_data(path: str, arrays: dict[str, np.ndarray]) -> FileEntry:
    start, ordered = tensorfile.header(arrays)
    return _write_file(path, DATA, [start, *(array.reshape(-1).view(np.uint8) for array in ordered)])


def _write_file(path: str, suffix: Suffix, parts: Iterable[Any]) -> FileEntry:
    """Writes the parts one after the other and hashes them on the way."""
    digest = hashlib.sha256()
    size = 0
    with atomic_write(path) as file:
        for part in parts:
            view = memoryview(part)
            for begin in range(0, len(view), _CHUNK):  # a chunk is hashed while it is in the cache
                chunk = view[begin : begin + _CHUNK]
                digest.update(chunk)
                file.write(chunk)
                size += len(chunk)
    return FileEntry(suffix, size, digest.hexdigest())


def _encode(manifest: Manifest) -> bytes:
    data = manifests.encode(manifest)
    if len(data) > manifests.MAX_INDEX:
        raise CheckpointError(
            "The extra of a checkpoint is too large",
            rule=f"The manifest has at most {manifests.MAX_INDEX} bytes",
            received=f"{len(data)} bytes",
            fix="Put arrays among the tensors.",
        )
    return data
