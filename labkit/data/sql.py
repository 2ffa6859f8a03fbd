"""Data sets of databases."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from labkit.core.dtypes import as_dtype
from labkit.data.dataset import Dataset
from labkit.data.steps.column_arguments import by_column, require_label
from labkit.data.steps.sql import Query, SqlRows
from labkit.errors import DataError, InvalidArgumentError


class SqlDataset(Dataset):
    """The rows of a query's result, each a dict of scalars by column.

        lk.data.SqlDataset("SELECT rooms, price FROM houses ORDER BY id", "houses.sqlite", label="price")

    Every epoch asks again. Where an iterator is in the result only the database knows: going on from a state asks again and
    drops what was given already, so the query should say ORDER BY.

    Args:
        query: a SELECT whose columns have names of their own.
        connection: the path of an SQLite file, which is only read; a connection of Python's database API (PEP 249); or a
            function that returns one, which is called for each time the data are read, and whose connection is closed then.
            SQLite's own connections serve the thread that made them: with prefetch, and for fit, give a path or a function.
        parameters: of the query, as the connection's `execute` takes them.
        label: a column; an element then is (dict of the others, its value).
        dtypes: by column. Of one that is not named the first 1000 rows decide: text (str, bytes), bool, int64, or float32.
        defaults: by column, what stands for a missing value (NULL). Without one it is NaN in a column of floats and an error
            elsewhere.

    Raises:
        InvalidArgumentError: an argument is none of these.
        DTypeError: there is no such dtype.
        DataError: there is no such file, or the function fails.
        PipelineError: (while iterating) the database refuses the query, columns are missing or have one name, a value is
            none of its column: it names row and column.
    """

    def __init__(
        self,
        query: str,
        connection: Any,
        parameters: Any = (),
        label: str | None = None,
        dtypes: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(query, str) or not query.strip():
            raise InvalidArgumentError(
                "A query is text", received=repr(query)[:60], fix='SqlDataset("SELECT ...", connection) takes it first.'
            )
        require_label(label)
        asked = Query(
            text=query,
            parameters=parameters,
            dtypes={name: as_dtype(dtype) for name, dtype in by_column("dtypes", dtypes).items()},
            defaults=by_column("defaults", defaults),
            label=label,
        )
        super().__init__(SqlRows(asked, *_connecting(connection)))


def _connecting(connection: Any) -> tuple[Callable[[], AbstractContextManager[Any]], str]:
    """What gives a connection for the time of a block, and the name of the database.

    Raises:
        InvalidArgumentError: it is neither path, connection nor function.
    """
    if isinstance(connection, str | os.PathLike):
        path = Path(connection)
        return lambda: _closing(lambda: _sqlite(path)), str(path)
    if hasattr(connection, "cursor"):
        return lambda: _kept(connection), f"a {type(connection).__module__} connection"
    if callable(connection):
        return lambda: _closing(connection), getattr(connection, "__name__", type(connection).__name__)
    raise InvalidArgumentError(
        "This is no database",
        rule="connection is the path of an SQLite file, a connection of Python's database API, or a function that returns one",
        received=type(connection).__name__,
    )


@contextmanager
def _closing(connect: Callable[[], Any]) -> Iterator[Any]:
    try:
        connection = connect()
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"There is no connection: {type(error).__name__}: {error}") from error
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _kept(connection: Any) -> Iterator[Any]:
    yield connection


def _sqlite(path: Path) -> Any:
    import sqlite3

    try:
        # An iterator is used by one thread at a time, though not always the same one.
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    except (sqlite3.Error, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            fix='Is it the path of an SQLite file? It stands second: SqlDataset("SELECT ...", path).',
        ) from error
