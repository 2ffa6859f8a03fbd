"""Rows of tables whose columns have dtypes: what files and queries have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.core.dtypes import DType


@dataclass(frozen=True, kw_only=True)
class TypedRows:
    """How rows are to be read.

    Args:
        dtypes: of some of the columns; of the others the first rows tell it.
        defaults: what stands for a missing value, by column.
        label: the column that makes of a row (the others, this one); None: a row is a dict of all.
    """

    dtypes: Mapping[str, DType] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None

    def row(self, columns: dict[str, Any]) -> Any:
        """An element, or the nest of many's columns."""
        if self.label is None:
            return columns
        return {name: value for name, value in columns.items() if name != self.label}, columns[self.label]

    def mentioned(self) -> list[str]:
        """The columns that must be there."""
        return [*self.dtypes, *self.defaults, *(() if self.label is None else (self.label,))]

    def identity(self) -> list[Any]:
        """What decides the elements, as JSON has it."""
        dtypes = sorted((name, dtype.name) for name, dtype in self.dtypes.items())
        return [dtypes, sorted((name, repr(value)) for name, value in self.defaults.items()), self.label]
