"""The text file `checkpoint` of a folder: it lists what was saved there, for people and for programs in TensorFlow-1 style.

It decides nothing that must be right: which checkpoints exist, and in which order they came, their manifests say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import InvalidArgumentError
from labkit.io import write_text

NAME = "checkpoint"


@dataclass(frozen=True)
class CheckpointState:
    """What the file says, as prefixes in the file's folder.

    Attributes:
        model_checkpoint_path: the latest.
        all_model_checkpoint_paths: all, the latest last.
    """

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str]

    def __str__(self) -> str:
        return _text(self.model_checkpoint_path, self.all_model_checkpoint_paths)


def read(folder: str | os.PathLike[str], latest_filename: str | None = None) -> CheckpointState | None:
    """What the file lists; None when there is no such file, or when it lists nothing.

    Names that would leave the folder are left out.

    Args:
        folder: where the file is.
        latest_filename: its name; default: "checkpoint".

    Raises:
        InvalidArgumentError: latest_filename is no plain name.
    """
    folder = os.fspath(folder)
    try:
        text = (Path(folder) / checked_filename(latest_filename)).read_text("utf-8", errors="replace")
    except OSError:
        return None
    latest: str | None = None
    names: list[str] = []
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        name = value.strip().strip('"')
        if not _is_name(name):
            continue
        if key == "model_checkpoint_path":
            latest = name
        elif key == "all_model_checkpoint_paths":
            names.append(name)
    if latest is None and not names:
        return None
    names = list(dict.fromkeys([*names, *([latest] if latest else [])]))
    paths = [os.path.join(folder, name) for name in names]
    return CheckpointState(os.path.join(folder, latest) if latest else paths[-1], paths)


def write(
    folder: str | os.PathLike[str],
    model_checkpoint_path: str | os.PathLike[str],
    all_model_checkpoint_paths: Sequence[str | os.PathLike[str]] | None = None,
    latest_filename: str | None = None,
) -> None:
    """Writes the file, as a whole or not at all.

    Args:
        folder: where.
        model_checkpoint_path: the prefix of the latest.
        all_model_checkpoint_paths: all prefixes, the oldest first; the latest is added where it is not the last. Default:
            the latest only.
        latest_filename: the file's name; default: "checkpoint".

    Raises:
        InvalidArgumentError: a prefix lies outside the folder, or latest_filename is no plain name.
        OSError: the file cannot be written.
    """
    names = [_name(folder, path) for path in all_model_checkpoint_paths or ()]
    latest = _name(folder, model_checkpoint_path)
    if not names or names[-1] != latest:
        names.append(latest)
    write_text(Path(folder) / checked_filename(latest_filename), _text(latest, names))


def within(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> bool:
    """Whether the prefix lies in the folder itself."""
    return os.path.abspath(os.path.dirname(os.fspath(path))) == os.path.abspath(folder)


def checked_filename(latest_filename: str | None) -> str:
    """The file's name.

    Raises:
        InvalidArgumentError: it has more than one component.
    """
    name = NAME if latest_filename is None else os.fspath(latest_filename)
    if not _is_name(name):
        raise InvalidArgumentError(
            "'latest_filename' must not contain path components",
            rule="It is the name of a file in the checkpoint's folder",
            received=repr(latest_filename),
        )
    return name


def _is_name(text: str) -> bool:
    return text == Path(text).name and text not in ("", "..")


def _name(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> str:
    if not within(folder, path):
        raise InvalidArgumentError(
            "The file 'checkpoint' lists the checkpoints of its own folder",
            received=f"{path} for {os.fspath(folder)!r}",
        )
    return os.path.basename(os.fspath(path))


def _text(latest: str, names: Sequence[str]) -> str:
    lines = [f'model_checkpoint_path: "{latest}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names)]
    return "\n".join(lines) + "\n"
