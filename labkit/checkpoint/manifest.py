"""The manifest P.index: what makes a checkpoint exist, and what every byte of it is checked against."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from labkit.errors import CheckpointError, CheckpointPathError
from labkit.io import sha256_bytes

Suffix = Literal[".data-00000-of-00001", ".meta"]
DATA: Suffix = ".data-00000-of-00001"
META: Suffix = ".meta"
INDEX = ".index"
PREVIOUS = ".previous"
"""Appended to the name of a file that a save to the same prefix has put aside until its own manifest is written."""

FORMAT: Literal["labkit-checkpoint"] = "labkit-checkpoint"
MAX_INDEX = 64 << 20


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the checkpoint: its name is the prefix and `suffix`, so that no manifest can name a file elsewhere."""

    suffix: Suffix
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a checkpoint consists of.

    Attributes:
        serial: the place in the order of saves into this folder. Steps repeat when training starts again and clocks
            jump; this does neither.
        step: the training step.
        files: the data file, and the graph's when there is one.
        extra: the caller's own JSON.
    """

    format: Literal["labkit-checkpoint"]
    version: Literal[1]
    serial: Annotated[int, msgspec.Meta(ge=1)]
    step: Annotated[int, msgspec.Meta(ge=0)]
    files: Annotated[tuple[FileEntry, ...], msgspec.Meta(min_length=1, max_length=2)]
    extra: dict[str, Any]


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    manifest: Manifest
    sha256: str  # of the manifest's own canonical JSON


def encode(manifest: Manifest) -> bytes:
    """The content of P.index: canonical JSON that carries its own SHA-256."""
    sealed = _Sealed(manifest, sha256_bytes(msgspec.json.encode(manifest)))
    return msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n"


def decode(data: bytes, path: Path) -> Manifest:
    """The manifest in the content of P.index.

    Raises:
        CheckpointError: a byte of it changed, it is of another version, or it is no manifest at all.
    """
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
        manifest = sealed.manifest
        suffixes = [entry.suffix for entry in manifest.files]
        # Encoding again gives the same bytes only for the canonical form: no blank, number format or key can differ.
        if encode(manifest) != data:
            raise ValueError("its own SHA-256 does not fit")
        if DATA not in suffixes or len(set(suffixes)) != len(suffixes):
            raise ValueError(f"it lists the files {', '.join(suffixes)}")
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
        raise CheckpointError(
            f"{path} is no valid manifest of a checkpoint",
            rule="A manifest is what labkit wrote, to the byte",
            received=re.sub(r"\s+", " ", str(error))[:200],
            fix="Use another checkpoint; labkit.checkpoint.latest finds the newest valid one.",
        ) from None
    return manifest


def read(prefix: str) -> Manifest:
    """The manifest of the checkpoint with that prefix, itself checked; its files are not.

    Raises:
        CheckpointPathError: there is no such checkpoint.
        CheckpointError: its manifest is damaged.
    """
    path = Path(prefix + INDEX)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_INDEX + 1)
    except OSError as error:
        raise CheckpointPathError(
            f"There is no checkpoint at {prefix}",
            rule=f"A checkpoint exists when its manifest {path.name} does",
            received=str(error),
            fix="Give the prefix without an ending, as save returned it.",
        ) from None
    if len(data) > MAX_INDEX:
        raise CheckpointError(
            f"{path} is no manifest", rule=f"A manifest has at most {MAX_INDEX} bytes", received="more"
        )
    return decode(data, path)


def listed(prefix: str) -> list[Suffix]:
    """The files of the checkpoint with that prefix; none when there is no such checkpoint.

    Raises:
        CheckpointError: its manifest is damaged.
    """
    return [entry.suffix for entry in read(prefix).files] if Path(prefix + INDEX).exists() else []
