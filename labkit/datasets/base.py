"""What a data set is: three splits, and enough about their origin to trust a result that used them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.datasets.record import SPLITS, DataSetInfo, described_by
from labkit.datasets.split import Split
from labkit.errors import DataError
from labkit.plugins import resolve

__all__ = ["SPLITS", "DataSet", "DataSetInfo", "Split", "described_by", "identity"]


@dataclass(frozen=True, eq=False, repr=False)
class DataSet:
    """Examples in three splits: train to learn from, validation to choose by, test to report once.

    A split is made when it is first asked for and then kept, so that a run pays only for what it uses.

    Args:
        info: the record, as it is with these options.
        splits: for each of "train", "validation" and "test" a function that makes the `Split`, called at most once.
        checksum: SHA-256, as hex text, of what identifies the content: equal checksums mean equal examples. It does
            not depend on where the files were found. `identity` makes one.
        source: where the examples came from this time, for people.

    Attributes:
        train, validation, test: the splits.
        name, class_names, licence, citation: those of the record.
        options: what the data set was called with.
        spec: what makes it again: `lk.datasets.load` takes the name and the options in it. Pickling writes nothing else.
    """

    info: DataSetInfo
    splits: Mapping[str, Callable[[], Split]]
    checksum: str
    source: str
    options: dict[str, Any] = field(default_factory=dict)
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
    def name(self) -> str:
        return self.info.name

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.info.class_names

    @property
    def licence(self) -> str:
        return self.info.licence

    @property
    def citation(self) -> str:
        return self.info.citation

    @property
    def spec(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}

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
                del self.splits[name]  # type: ignore[attr-defined]  # frees what it was made from
            return self._made[name]

    def __reduce__(self) -> Any:
        return resolve, ("datasets", self.spec)

    def __repr__(self) -> str:
        many = ", ".join(f"{name} {self.info.examples[name]:,}" for name in SPLITS)
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return f"DataSet({self.name!r}: {many}{classes}; {self.source})"


def identity(*facts: object) -> str:
    """A data set's checksum: the SHA-256 of what its content follows from, such as its files' checksums and its options."""
    return hashlib.sha256(" ".join(map(str, facts)).encode()).hexdigest()
