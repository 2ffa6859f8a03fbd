"""What a data set is: three splits, and enough about their origin to trust a result that used them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from labkit.errors import DataError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Examples that are used for one purpose.

    Args:
        images: float32 [n, height, width, channels], values in [0, 1], 0 is the background. Made read-only: every
            user of a data set sees the same examples.
        labels: int64 [n], positions in the data set's `class_names`. Made read-only.

    Raises:
        DataError: dtype, rank or the numbers of examples are others.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        dtypes_fit = images.dtype == np.float32 and labels.dtype == np.int64
        if not dtypes_fit or images.ndim != 4 or labels.shape != images.shape[:1]:
            raise DataError(
                "Images and labels do not make a split",
                rule="Images are float32 [n, height, width, channels], labels int64 [n]",
                received=f"images {images.dtype} {list(images.shape)}, labels {labels.dtype} {list(labels.shape)}",
                fix="Convert them before making the Split",
            )
        images.flags.writeable = False
        labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Split(images float32 {list(self.images.shape)}, labels int64 [{len(self)}])"


@dataclass(frozen=True, eq=False, repr=False)
class DataSet:
    """Labelled images in three splits: train to learn from, validation to choose by, test to report once.

    A split is made when it is first asked for and then kept, so that a run pays only for what it uses.

    Args:
        name: the registered name, such as "mnist".
        splits: for each of "train", "validation" and "test" a function that makes the `Split`, called at most once.
        class_names: the classes, in the order of their labels.
        checksum: SHA-256, as hex text, of what identifies the content: equal checksums mean equal examples. It does
            not depend on where the files were found.
        licence: under which terms the examples may be used.
        citation: what to cite.
        source: where the examples came from this time, for people.

    Attributes:
        train, validation, test: the splits.
    """

    name: str
    splits: dict[str, Callable[[], Split]]
    class_names: tuple[str, ...]
    checksum: str
    licence: str
    citation: str
    source: str
    _made: dict[str, Split] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if set(self.splits) != set(SPLITS):
            raise DataError(
                f"The data set {self.name!r} has other splits than it must",
                rule=f"There are exactly {', '.join(SPLITS)}",
                received=", ".join(self.splits) or "none",
                fix="Give a function for each of them",
            )
        object.__setattr__(self, "splits", dict(self.splits))

    @property
    def train(self) -> Split:
        return self.split("train")

    @property
    def validation(self) -> Split:
        return self.split("validation")

    @property
    def test(self) -> Split:
        return self.split("test")

    def split(self, name: str) -> Split:
        """Returns the split "train", "validation" or "test".

        Raises:
            DataError: there is no split of that name, or its examples cannot be made.
        """
        if name not in SPLITS:
            rule = f"The splits are {', '.join(SPLITS)}"
            raise DataError(f"The data set {self.name!r} has no split {name!r}", rule=rule, fix="Ask for one of these")
        with self._lock:
            if name not in self._made:
                self._made[name] = self.splits[name]()
                del self.splits[name]  # frees what it was made from
            return self._made[name]

    def __repr__(self) -> str:
        return f"DataSet({self.name!r}, {len(self.class_names)} classes, {self.source})"
