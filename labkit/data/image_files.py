"""Which images a folder or an archive holds, of which classes, and their contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from labkit.errors import DataError
from labkit.io.archives import Archive, Limits
from labkit.near import quoted_near_names

Keep = Callable[[str], bool]
"""Whether a file is wanted, by its path below the root with / between the parts."""


class ImageFiles:
    """Labelled images, sorted by class and path, so that neither a system's nor an archive's order matters.

    Args:
        root: a folder or an archive.
        split: the folder in it that holds the classes' folders; "" for the root.
        class_names: the classes to take, in the order of their labels; None: all there are, sorted.
        extensions: how names of images end, in lower case.
        limits: of an archive and of a file.
        memory: the most bytes to hold of an archive whose members cannot be read in any order.

    Attributes:
        class_names: the classes.
        names: of the files, below the root.
        labels: int64 [n], read-only.

    Raises:
        DataError: there are no images, or they do not stand in folders of classes, or something cannot be read.
    """

    def __init__(
        self,
        root: Path,
        split: str,
        class_names: Sequence[str] | None,
        extensions: Sequence[str],
        limits: Limits,
        memory: int,
    ) -> None:
        self.root = root
        self._where = f"{root}/{split}" if split else str(root)
        self._prefix, self._extensions = f"{split}/" if split else "", tuple(extensions)
        taken = None if class_names is None else {*class_names}
        self._seen = set[str]()
        find = _in_folder if root.is_dir() else _in_archive
        found, self._read = find(root, partial(self._is_image, taken=taken), limits, memory)
        self._group(sorted(found), class_names)

    def read(self, place: int) -> bytes:
        """The content of a file.

        Raises:
            DataError: it cannot be read.
        """
        return self._read(self.names[place])

    def path(self, place: int) -> str:
        """What errors call a file."""
        return f"{self.root}/{self.names[place]}"

    def _is_image(self, name: str, taken: set[str] | None) -> bool:
        if not name.startswith(self._prefix) or not name.lower().endswith(self._extensions):
            return False
        parts = name[len(self._prefix) :].split("/")
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):  # what desktops leave behind
            return False
        if len(parts) > 1:
            self._seen.add(parts[0])
        return taken is None or len(parts) == 1 or parts[0] in taken

    def _group(self, names: list[str], class_names: Sequence[str] | None) -> None:
        start = len(self._prefix)
        parts = [name[start:].split("/", 1) for name in names]
        classes = {part[0] for part in parts if len(part) == 2}
        if not classes:
            raise self._no_classes(len(names))
        if class_names is None and all("/" in part[1] for part in parts if len(part) == 2):
            folders = sorted(classes)
            raise DataError(
                f"{self._where} has the images one folder deeper than classes have them",
                rule="Images stand in <class>/<file>; a class may have more of them in folders of its own",
                received=f"for example {names[0]!a}",
                fix="Say which folder holds those of the classes: "
                + " or ".join(f"split={self._prefix + name!r}" for name in folders[:3]),
            )
        missing = [name for name in class_names or () if name not in classes]
        if missing:
            raise DataError(
                f"{self._where} has no images of the class {missing[0]!r}",
                rule="Every class of class_names is a folder that holds images",
                fix=_did_you_mean(missing[0], self._seen),
            )
        self.class_names = tuple(sorted(classes) if class_names is None else class_names)
        numbers = {name: i for i, name in enumerate(self.class_names)}
        kept = sorted((numbers[part[0]], name) for part, name in zip(parts, names, strict=True) if len(part) == 2)
        self.names = [name for _, name in kept]
        self.labels = np.array([label for label, _ in kept], np.int64)
        self.labels.flags.writeable = False

    def _no_classes(self, stray: int) -> DataError:
        what = "has images, but none in a folder of a class" if stray else "holds no images"
        return DataError(
            f"{self._where} {what}",
            rule=f"Images stand in <class>/<file>, and their names end with {', '.join(self._extensions)}",
            received=f"{stray:,} images beside such folders" if stray else "",
            fix="Without classes: lk.data.Dataset.list_files(pattern).map(...) with lk.data.decode_image"
            if stray
            else "Check the path, split, class_names and extensions",
        )


def _did_you_mean(name: str, known: set[str]) -> str:
    near = quoted_near_names(name, known)
    return f"Did you mean {near}?" if near else "There are " + ", ".join(sorted(known)[:10])


_Found = tuple[Iterable[str], Callable[[str], bytes]]


def _in_folder(root: Path, keep: Keep, limits: Limits, memory: int) -> _Found:
    found = []

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read", received=error.strerror or str(error)) from error

    for folder, folders, files in os.walk(root, onerror=refuse, followlinks=True):
        below = os.path.relpath(folder, root).replace(os.sep, "/")
        start = "" if below == "." else f"{below}/"
        if start.count("/") > _DEEPEST:
            raise DataError(
                f"{folder} is too deep", rule=f"Folders are at most {_DEEPEST} deep", fix="Does a link lead to itself?"
            )
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [name for file in files if keep(name := start + file)]
    return found, partial(_file, root, limits.member_bytes)


_DEEPEST = 16


def _file(root: Path, most: int, name: str) -> bytes:
    path = f"{root}/{name}"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO must not hold it up
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise DataError(f"{path} is no file")
            if status.st_size > most:
                raise DataError(f"{path} is too large", rule=f"At most {most:,} bytes", received=f"{status.st_size:,}")
            data = os.read(fd, status.st_size)
            while len(data) < status.st_size and (more := os.read(fd, status.st_size - len(data))):
                data += more
            return data
        finally:
            os.close(fd)
    except FileNotFoundError as error:
        raise DataError(f"{path} is gone", rule="It was there when the folder was listed") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read", received=error.strerror or str(error)) from error


def _in_archive(root: Path, keep: Keep, limits: Limits, memory: int) -> _Found:
    archive = Archive(root, limits)
    if archive.seekable:
        members = {member.name: member for member in archive.members if keep(member.name)}
        return members.keys(), lambda name: archive.read(members[name])
    held, total = dict[str, bytes](), 0
    with archive:
        for member, data in archive.each(lambda member: keep(member.name)):
            held[member.name] = data
            total += len(data)
            if total > memory:
                raise DataError(
                    f"{root} holds more images than may stand in memory",
                    rule=f"The images of a packed tar are held, packed as they are, in at most {memory:,} bytes",
                    received=f"{len(held):,} images up to {member.name!a}",
                    fix="Unpack it, make it a plain tar or a zip, whose images are read when they are needed, or give a "
                    "larger memory_limit",
                )
    return held.keys(), held.__getitem__
