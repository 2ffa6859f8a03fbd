"""Duplicates: examples that stand in two splits, so that a test asks what was learned by heart."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.data.rows import count_of, is_frame, is_split
from labkit.errors import InvalidArgumentError

SHOWN = 5
_SPLITS = ("train", "validation", "test")


class LeakageWarning(UserWarning):
    """Examples stand in two splits."""


@dataclass(frozen=True)
class Duplicates:
    """What two splits have in common.

    Attributes:
        splits: their names.
        counts: how many examples of each stand in the other, too.
        indices: the first few of the second that do, each with the place of one alike: (place in the first, in the second).
    """

    splits: tuple[str, str]
    counts: tuple[int, int]
    indices: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        (first, second), (here, there) = self.splits, self.counts
        places = ", ".join(f"{first}[{i}] = {second}[{j}]" for i, j in self.indices)
        return (
            f"{there} examples of {second!r} stand in {first!r}, too ({here} there): {places}{' ...' * (there > SHOWN)}"
        )


def duplicates(splits: Any, warn: bool = True) -> list[Duplicates]:
    """Finds examples of which every byte is the same in two splits, and warns of them.

        lk.data.duplicates(lk.datasets.load("mnist"))
        lk.data.duplicates({"train": x_train, "test": x_test})

    Answers do not count: the same picture with two labels is found, too. Memory: 8 bytes an example, and one split's examples
    that have to be looked at twice. An example is not found where it was changed ever so little.

    Args:
        splits: a data set with train, validation and test; or a dict of splits by name: each an array [n, ...], a tuple or dict
            of arrays such as a table, a pandas frame, or a data set's split, whose x is taken.
        warn: whether to warn; the result says the same.

    Returns:
        What each two splits have in common, in their order; of those that have nothing, nothing.

    Raises:
        InvalidArgumentError: there are not two splits at least; or they are not alike in structure, shapes and dtypes.
    """
    if not isinstance(splits, Mapping) and all(hasattr(splits, name) for name in _SPLITS):
        splits = {name: getattr(splits, name) for name in _SPLITS}
    if not isinstance(splits, Mapping) or len(splits) < 2:
        raise InvalidArgumentError(
            "There are no splits to compare",
            rule="Give a data set, or a dict of two splits or more by name",
            received=type(splits).__name__ if not isinstance(splits, Mapping) else f"{len(splits)} splits",
        )
    columns = {str(name): _columns(split.x if is_split(split) else split) for name, split in splits.items()}
    _require_alike(columns)
    digests = {name: np.fromiter(map(_digest, _rows(c)), np.uint64, len(c[0])) for name, c in columns.items()}
    found = []
    for first, second in itertools.combinations(columns, 2):
        common = _common(columns[first], columns[second], digests[first], digests[second])
        if common is not None:
            found.append(Duplicates((first, second), *common))
    if found and warn:
        warnings.warn("; ".join(map(str, found)), LeakageWarning, stacklevel=2)
    return found


def _common(
    first: list[np.ndarray], second: list[np.ndarray], a: np.ndarray, b: np.ndarray
) -> tuple[tuple[int, int], tuple[tuple[int, int], ...]] | None:
    """Counts and first places; digests find candidates, and the bytes decide."""
    order = np.argsort(a, kind="stable")
    candidates = np.flatnonzero(np.isin(b, a))
    starts = np.searchsorted(a[order], b[candidates], side="left")
    ends = np.searchsorted(a[order], b[candidates], side="right")
    here: set[int] = set()
    pairs: list[tuple[int, int]] = []
    seen: dict[bytes, int | None] = {}  # an example that comes often is compared once
    for j, start, end in zip(candidates.tolist(), starts.tolist(), ends.tolist(), strict=True):
        row = _row(second, j)
        if row not in seen:
            alike = [i for i in order[start:end].tolist() if _row(first, i) == row]
            here.update(alike)
            seen[row] = min(alike, default=None)
        if (i := seen[row]) is not None:
            pairs.append((i, j))
    return ((len(here), len(pairs)), tuple(pairs[:SHOWN])) if pairs else None


def _columns(data: Any) -> list[np.ndarray]:
    """The arrays of the examples, [n, ...], in order."""
    count_of(data)
    if is_frame(data):
        parts = [data[key] for key in data] if hasattr(data, "columns") else [data]
        return [np.asarray(part) for part in parts]
    if isinstance(data, Mapping):
        return [array for key in sorted(data, key=repr) for array in _columns(data[key])]
    if isinstance(data, tuple):
        return [array for each in data for array in _columns(each)]
    return [np.ascontiguousarray(data)]


def _require_alike(columns: Mapping[str, list[np.ndarray]]) -> None:
    kinds = {
        name: [("text" if _is_text(array) else array.dtype.name, array.shape[1:]) for array in arrays]
        for name, arrays in columns.items()
    }
    (first, kind), *others = kinds.items()
    for name, other in others:
        if other != kind:
            raise InvalidArgumentError(
                "Splits can be compared that are alike",
                rule="Examples of both have one structure, shapes and dtypes",
                received=f"{first!r}: {_shown(kind)}; {name!r}: {_shown(other)}",
                fix="Convert one of them.",
            )


def _shown(kind: list[Any]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for dtype, shape in kind[:4])


def _is_text(array: np.ndarray) -> bool:
    return array.dtype.kind in "OUS"


def _rows(columns: list[np.ndarray]) -> Iterator[Any]:
    """Each example's bytes."""
    array = columns[0]
    if len(columns) == 1 and not _is_text(array) and array.nbytes:
        size, view = array.nbytes // len(array), array.reshape(-1).view(np.uint8).data
        return (view[start : start + size] for start in range(0, array.nbytes, size))
    return (_row(columns, i) for i in range(len(columns[0])))


def _row(columns: list[np.ndarray], i: int) -> bytes:
    return b"".join(repr(c[i : i + 1].tolist()).encode() if _is_text(c) else c[i].tobytes() for c in columns)


def _digest(row: Any) -> int:
    return int.from_bytes(hashlib.blake2b(row, digest_size=8).digest(), "little")
