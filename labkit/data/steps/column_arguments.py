"""What CsvDataset and SqlDataset are told of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.errors import InvalidArgumentError


def by_column(what: str, values: Any) -> dict[str, Any]:
    """A dict by column; None is an empty one.

    Raises:
        InvalidArgumentError: it is something else.
    """
    if values is not None and not isinstance(values, Mapping):
        raise InvalidArgumentError(
            f"{what} is a dict by column",
            rule="Columns that it does not name are as they are found",
            received=repr(values)[:60],
            fix=f'For example {what}={{"price": {0.0 if what == "defaults" else "lk.float32"}}}.',
        )
    return dict(values or {})


def require_label(label: Any) -> None:
    """Raises InvalidArgumentError unless it is a column's name, or None."""
    if label is not None and not isinstance(label, str):
        raise InvalidArgumentError(
            "label is the name of a column",
            rule="An element then is (dict of the others, its value)",
            received=repr(label)[:60],
            fix="Arguments after the first are named: label=, dtypes=, defaults=.",
        )
