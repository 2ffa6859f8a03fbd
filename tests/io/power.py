"""Loss of power, replayed: what a disk may hold after it, for every moment of a recorded run.

A kill leaves the page cache whole, so it says nothing about fsync. Here the operations on files are recorded, and replayed
onto a model of a disk that keeps what was synced and may have lost the rest: data written since the file's last fsync are
there, not there, or torn at 512 bytes; names made, replaced and removed since the folder's last fsync are as they were, or
as after any number of these changes.
"""

from __future__ import annotations

import dataclasses
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECTOR = 512


@dataclasses.dataclass
class Node:
    """A file or (`names` is a dictionary) a folder: what is surely on the disk, and the changes since."""

    data: bytes = b""
    names: dict[str, Node] | None = None
    pending: list[tuple[Any, ...]] = dataclasses.field(default_factory=list)


class Disk:
    """The model. Operations are (name, arguments...), as `record` and `record_program` make them.

    Args:
        root: the folder whose files are looked at; operations elsewhere do not count.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.tree = Node(names={})
        self.files: dict[int, Node] = {}  # by descriptor
        self.now: dict[str, Node] = {"": self.tree}  # by path, as the running program sees it
        for path in sorted(root.rglob("*")):  # what is there at the beginning is on the disk
            node = Node(names={}) if path.is_dir() else Node(path.read_bytes())
            place = self._place(str(path))
            assert place is not None
            self._enter(place, node)
        for node in self.now.values():
            self._sync(node)

    def apply(self, operation: tuple[Any, ...]) -> None:
        name, *arguments = operation
        getattr(self, f"_{name}")(*arguments)

    def crash(self, target: Path, random_: random.Random, names: str, data: str) -> None:
        """Writes into `target` what the disk may hold. `names`, `data`: "none" of what is not synced, "all" or "some"."""
        self._write(self.tree, target, random_, names, data)

    # Operations

    def _open(self, path: str, descriptor: int, flags: int) -> None:
        place = self._place(path)
        self.files.pop(descriptor, None)
        if place is None:
            return
        node = self.now.get(place)
        if node is None:
            node = Node()
            self._enter(place, node)
        if flags & os.O_TRUNC:
            node.pending.append(("truncate", 0))
        self.files[descriptor] = node

    def _write_at(self, descriptor: int, offset: int, data: bytes) -> None:
        if descriptor in self.files:
            self.files[descriptor].pending.append(("write", offset, data))

    def _truncate(self, descriptor: int, size: int) -> None:
        if descriptor in self.files:
            self.files[descriptor].pending.append(("truncate", size))

    def _fsync(self, descriptor: int) -> None:
        if descriptor in self.files:
            self._sync(self.files[descriptor])

    def _replace(self, source: str, target: str) -> None:
        one, other = self._place(source), self._place(target)
        assert one is not None
        assert other is not None
        assert os.path.dirname(one) == os.path.dirname(other), "only inside a folder"
        node = self.now.pop(one)
        self.now[other] = node
        self._parent(one).pending.append(("replace", os.path.basename(one), os.path.basename(other), node))

    def _remove(self, path: str) -> None:
        place = self._place(path)
        if place is not None and place in self.now:
            self.now.pop(place)
            self._parent(place).pending.append(("remove", os.path.basename(place)))

    def _mkdir(self, path: str) -> None:
        place = self._place(path)
        if place is not None:
            self._enter(place, Node(names={}))

    def _mark(self, _: str) -> None:
        """A moment that a test looks for."""

    # Machinery

    def _sync(self, node: Node) -> None:
        for change in node.pending:
            if node.names is not None:
                _rename(node.names, change)
            else:
                node.data = _changed(node.data, change)
        node.pending.clear()

    def _place(self, path: str) -> str | None:
        path = os.path.normpath(path)
        if path == self.root:
            return ""
        return path[len(self.root) + 1 :] if path.startswith(self.root + "/") else None

    def _parent(self, place: str) -> Node:
        return self.now[os.path.dirname(place)]

    def _enter(self, place: str, node: Node) -> None:
        self.now[place] = node
        self._parent(place).pending.append(("enter", os.path.basename(place), node))

    def _write(self, node: Node, target: Path, random_: random.Random, names: str, data: str) -> None:
        assert node.names is not None
        target.mkdir(exist_ok=True)
        entries = dict(node.names)
        count = {"none": 0, "all": len(node.pending), "some": random_.randint(0, len(node.pending))}[names]
        for change in node.pending[:count]:
            _rename(entries, change)
        for name, entry in entries.items():
            if entry.names is not None:
                self._write(entry, target / name, random_, names, data)
                continue
            content = entry.data
            for change in entry.pending:
                if data == "all" or (data == "some" and random_.random() < 0.7):
                    torn = data == "some" and change[0] == "write" and random_.random() < 0.5
                    for part in _sectors(change) if torn else [change]:
                        if not torn or random_.random() < 0.5:
                            content = _changed(content, part)
            (target / name).write_bytes(content)


def _rename(names: dict[str, Node], change: tuple[Any, ...]) -> None:
    if change[0] == "enter":
        names[change[1]] = change[2]
    elif change[0] == "replace":
        names.pop(change[1], None)
        names[change[2]] = change[3]
    else:
        names.pop(change[1], None)


def _changed(content: bytes, change: tuple[Any, ...]) -> bytes:
    if change[0] == "truncate":
        return content[: change[1]].ljust(change[1], b"\0")
    _, offset, data = change
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]


def _sectors(change: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    _, offset, data = change
    place = 0
    while place < len(data):
        step = SECTOR - (offset + place) % SECTOR
        yield "write", offset + place, data[place : place + step]
        place += step


@contextmanager
def record(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """Records what Python code in this process does to files, through `os`, inside the block."""
    operations: list[tuple[Any, ...]] = []

    def wrapped(name: str, note: Callable[..., None]) -> None:
        original = getattr(os, name)

        def call(*arguments: Any, **more: Any) -> Any:
            result = original(*arguments, **more)
            note(result, *arguments)
            return result

        monkeypatch.setattr(os, name, call)

    def opened(descriptor: int, path: Any, flags: int, *_: Any) -> None:
        operations.append(("open", os.fspath(path), descriptor, flags))

    def written(count: int, descriptor: int, data: Any) -> None:
        end = os.lseek(descriptor, 0, os.SEEK_CUR)  # also with O_APPEND the offset is behind what was written
        operations.append(("write_at", descriptor, end - count, bytes(memoryview(data).cast("B")[:count])))

    wrapped("open", opened)
    wrapped("write", written)
    wrapped("ftruncate", lambda _, descriptor, size: operations.append(("truncate", descriptor, size)))
    wrapped("fsync", lambda _, descriptor: operations.append(("fsync", descriptor)))
    wrapped("replace", lambda _, one, other: operations.append(("replace", os.fspath(one), os.fspath(other))))
    wrapped("unlink", lambda _, path: operations.append(("remove", os.fspath(path))))
    wrapped("rmdir", lambda _, path: operations.append(("remove", os.fspath(path))))
    wrapped("mkdir", lambda _, path, *__: operations.append(("mkdir", os.fspath(path))))
    try:
        yield operations
    finally:
        monkeypatch.undo()


def record_program(command: list[str], log: Path, **environment: str) -> list[tuple[Any, ...]]:
    """Records what a program does to files, by strace. What it writes to descriptor 2 becomes ("mark", text)."""
    calls = "openat,write,pwrite64,ftruncate,fdatasync,fsync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir"
    subprocess.run(
        ["strace", "-f", "-xx", "-s", "10000000", "-e", f"trace={calls}", "-o", str(log), *command],
        check=True, stderr=subprocess.DEVNULL, env={**os.environ, **environment}, timeout=250,
    )  # fmt: skip
    operations: list[tuple[Any, ...]] = []
    offsets: dict[int, int] = {}
    for line in log.read_text().splitlines():
        found = re.fullmatch(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+).*", line)
        if not found or int(found[3]) < 0:
            continue
        call, arguments, result = found[1], found[2], int(found[3])
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)]
        rest = re.sub(r'"[^"]*"(\.\.\.)?', "", arguments)
        numbers = [int(number) for number in re.findall(r"(?<![\w.])\d+(?!\w)", rest)]
        if call == "openat":
            flags = (os.O_TRUNC if "O_TRUNC" in rest else 0) | (os.O_CREAT if "O_CREAT" in rest else 0)
            operations.append(("open", os.fsdecode(texts[0]), result, flags))
            offsets[result] = 0
        elif call == "write" and numbers[0] == 2:
            operations.append(("mark", texts[0].decode()))
        elif call == "write":
            operations.append(("write_at", numbers[0], offsets.get(numbers[0], 0), texts[0]))
            offsets[numbers[0]] = offsets.get(numbers[0], 0) + result
        elif call == "pwrite64":
            operations.append(("write_at", numbers[0], numbers[-1], texts[0]))
        elif call == "ftruncate":
            operations.append(("truncate", numbers[0], numbers[1]))
        elif call in ("fdatasync", "fsync"):
            operations.append(("fsync", numbers[0]))
        elif call in ("unlink", "unlinkat", "rmdir"):
            operations.append(("remove", os.fsdecode(texts[0])))
        elif call == "mkdir":
            operations.append(("mkdir", os.fsdecode(texts[0])))
        elif call.startswith("rename"):
            operations.append(("replace", os.fsdecode(texts[0]), os.fsdecode(texts[1])))
    return operations


VARIANTS = [(names, data) for names in ("none", "all", "some") for data in ("none", "all", "some")]


def crashes(
    disk: Disk,
    operations: list[tuple[Any, ...]],
    target: Path,
    repeats: int = 1,
    variants: Sequence[tuple[str, str]] = VARIANTS,
) -> Iterator[tuple[int, Path]]:
    """For every number of operations done: folders that the disk may hold then. Each is to be looked at before the next."""
    random_ = random.Random(0)
    for done in range(len(operations) + 1):
        if done:
            disk.apply(operations[done - 1])
        if done and operations[done - 1][0] == "mark":
            continue
        for _ in range(repeats):
            for names, data in variants:
                if target.exists():
                    shutil.rmtree(target)
                disk.crash(target, random_, names, data)
                yield done, target
