"""Data sets by name."""

from __future__ import annotations

from typing import Any

from labkit.datasets.base import DataSet
from labkit.plugins import resolve


def load(name: str, **options: Any) -> DataSet:
    """Returns the data set that a plugin registered under a name.

    Args:
        name: such as "mnist" or "synthetic_digits"; `labkit plugins list` shows all.
        options: passed on to the data set, such as `load("synthetic_digits", train=60_000, seed=1)`.

    Raises:
        UnknownComponentError: no plugin provides that name; the message lists near ones.
        MissingDataError: the data set's files were not found and cannot be downloaded.
        DataError: a file is damaged.
        InvalidArgumentError: an option has a value that is not allowed.
    """
    return resolve("datasets", {"name": name, **options} if options else name)
