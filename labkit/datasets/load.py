"""Data sets by name."""

from __future__ import annotations

from typing import Any

from labkit.datasets.base import DataSet, DataSetInfo
from labkit.errors import DataError
from labkit.plugins import current_lab, resolve


def load(name: str, **options: Any) -> DataSet:
    """Returns the data set that a plugin registered under a name.

    Args:
        name: such as "mnist" or "synthetic_digits"; `labkit datasets list` shows all.
        options: passed on to the data set, such as `load("synthetic_digits", train=60_000, seed=1)`.

    Raises:
        UnknownComponentError: no plugin provides that name; the message lists near ones.
        MissingDataError: the data set's files were not found and cannot be downloaded.
        DataError: a file is damaged.
        InvalidArgumentError: an option has a value that is not allowed.
    """
    return resolve("datasets", {"name": name, **options} if options else name)


def info(name: str) -> DataSetInfo:
    """Returns the record of a registered data set: splits, shapes, sizes, licence. Nothing is read, fetched or made.

    Raises:
        UnknownComponentError: no plugin provides that name; the message lists near ones.
        DataError: the plugin gives no record for it.
    """
    maker = current_lab().registry("datasets").get(name)
    found = getattr(maker, "info", None)
    if not isinstance(found, DataSetInfo):
        raise DataError(
            f"The data set {name!r} has no record",
            rule="The function that makes it is decorated with described_by(DataSetInfo(...)) of labkit.datasets.base",
            received=repr(maker),
        )
    return found
