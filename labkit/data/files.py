"""Data sets of files: lines of text, rows of CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core.dtypes import as_dtype
from labkit.data.dataset import Dataset
from labkit.data.paths import as_paths
from labkit.data.steps.csv import CsvRows, Layout
from labkit.data.steps.text import TextLines
from labkit.errors import InvalidArgumentError


class TextLineDataset(Dataset):
    """The lines of text files, as bytes without their ends, one file after another.

    Args:
        filenames: one path or several.

    Raises:
        InvalidArgumentError: these are no paths.
        DataError: (while iterating) a file cannot be read, or is no text.
    """

    def __init__(self, filenames: Any) -> None:
        super().__init__(TextLines(as_paths(filenames)))


class CsvDataset(Dataset):
    """The rows of CSV files (RFC 4180, UTF-8), one file after another, each a dict of scalars by column.

    Batches of it are tables, as `lk.feature_column` takes them. Files are read in pieces of 256 KB: going on from a state reads
    the piece that it is in again.

    Args:
        filenames: one path or several; all have the same columns.
        label: a column; an element then is (dict of the others, its value).
        dtypes: by column. Of one that is not named the first rows of the first file decide: int64 where all values are whole
            numbers, else float32, bool (true, false) or text.
        defaults: by column, what stands for a missing value: an empty field, NA, NaN, null, None. Without one it is NaN in a
            column of floats and an error in one of whole numbers or bools; text stays as it is.
        select_columns: the columns to read; None for all.
        column_names: of all columns, where the files do not begin with a record of them.
        delimiter: between fields.

    Raises:
        InvalidArgumentError: an argument is none of these.
        DTypeError: there is no such dtype.
        DataError: (while iterating) a file cannot be read, a row has more or fewer fields, a field is no value of its column.
    """

    def __init__(
        self,
        filenames: Any,
        label: str | None = None,
        dtypes: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        select_columns: Sequence[str] | None = None,
        column_names: Sequence[str] | None = None,
        delimiter: str = ",",
    ) -> None:
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
            raise InvalidArgumentError("The delimiter of a CSV file is one character", received=repr(delimiter))
        for what, names in (("select_columns", select_columns), ("column_names", column_names)):
            strings = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
            if names is not None and (not strings or not names or len(set(names)) < len(names)):
                raise InvalidArgumentError(f"{what} are different names of columns", received=repr(names))
        if select_columns is not None and label is not None and label not in select_columns:
            select_columns = [*select_columns, label]
        layout = Layout(
            names=column_names,
            select=select_columns,
            dtypes={name: as_dtype(dtype) for name, dtype in (dtypes or {}).items()},
            defaults=dict(defaults or {}),
            label=label,
            delimiter=delimiter,
        )
        super().__init__(CsvRows(as_paths(filenames), layout))
