"""Rows of the result of a query."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from labkit.core.dtypes import DType
from labkit.data.cursor import Cursor, State, whole
from labkit.data.elements import Elements
from labkit.data.node import Length, Node
from labkit.data.spec import Element, Spec, TensorSpec
from labkit.data.steps.csv_types import BadValue
from labkit.data.steps.sql_types import converted, guessed
from labkit.data.steps.typed_rows import TypedRows
from labkit.data.workers import Workers
from labkit.errors import DataError, IteratorStateError
from labkit.near import quoted_near_names

_ROWS = 256
_LOOKED_AT = 1000
"""Rows that decide what a column is."""


@dataclass(frozen=True, kw_only=True)
class Query(TypedRows):
    """What is asked, and how the rows are to be read.

    Args:
        text: the query.
        parameters: of it.
    """

    text: str
    parameters: Any = ()

    def identity(self) -> list[Any]:
        return [self.text, repr(self.parameters), *super().identity()]


class SqlRows(Node):
    """The rows of a query's result. The state is how many were given: going on asks again and drops so many.

    Args:
        connect: gives a connection for the time of a `with` block.
        name: of the database, for errors.
    """

    kind = "sql"
    indexed = False
    replays = True

    def __init__(self, query: Query, connect: Callable[[], AbstractContextManager[Any]], name: str) -> None:
        super().__init__()
        self.query, self.connect, self.name = query, connect, name
        self._thread = threading.get_ident()

    @cached_property
    def length(self) -> Length:
        return None

    def settings(self) -> dict[str, Any]:
        text = " ".join(self.query.text.split())
        return {"query": text if len(text) < 60 else text[:57] + "...", "database": self.name}

    def identity(self) -> Any:
        return self.query.identity()

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        return None

    def _first_spec(self) -> Spec:
        return self.query.row({name: TensorSpec((), dtype) for name, dtype in self.types.items()})

    @cached_property
    def types(self) -> dict[str, DType]:
        """The columns and their dtypes.

        Raises:
            PipelineError: the database refuses the query, or its result has no such columns.
        """
        with self.connect() as connection:
            result = self.result(connection)
            try:
                names, rows = self.names(result), result.fetchmany(_LOOKED_AT)
            except Exception as error:
                self.fail(0, error)
            finally:
                result.close()
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        given, defaults = self.query.dtypes, self.query.defaults
        return {
            name: given.get(name) or guessed(values, has_default=name in defaults)
            for name, values in zip(names, columns, strict=True)
        }

    def result(self, connection: Any) -> Any:
        """The database's cursor that has executed the query.

        Raises:
            PipelineError: the database refuses it.
        """
        try:
            cursor = connection.cursor()
            cursor.execute(self.query.text, self.query.parameters)
        except Exception as error:
            self.fail(0, error if self._thread == threading.get_ident() else _elsewhere(error))
        return cursor

    def names(self, result: Any) -> list[str]:
        """The names of the columns.

        Raises:
            DataError: there are none, two have one name, or one that is asked for is missing.
        """
        names = [column[0] for column in result.description or ()]
        if not names or len(set(names)) < len(names):
            raise DataError(
                "The query gives no rows that are dicts by column" if names else "The query gives no rows",
                rule="It is a SELECT whose columns have names of their own",
                received=", ".join(names)[:100],
                fix="Name columns with AS.",
            )
        for name in self.query.mentioned():
            if name not in names:
                near = quoted_near_names(name, names)
                raise DataError(
                    f"The query gives no column {name!r}" + (f"; did you mean {near}?" if near else ""),
                    received=f"columns {', '.join(map(repr, names[:20]))}",
                )
        return names

    def elements(self, rows: Sequence[Any], first: int) -> Elements:
        """Rows, of which the first is the so-many-th of all, up to one that has a wrong value.

        Raises:
            PipelineError: that is the first.
        """
        values: dict[str, np.ndarray] = {}
        for (name, dtype), column in zip(self.types.items(), zip(*rows, strict=True), strict=True):
            try:
                values[name] = converted(column, dtype, self.query.defaults.get(name))
            except BadValue as bad:
                if bad.row:
                    return self.elements(rows[: bad.row], first)
                self.fail(first, DataError(f"column {name!r}: {bad.what}", fix=bad.fix))
        return Elements.from_nest(self.query.row(values), len(rows))

    def cursor(self, epoch: int, workers: Workers, state: State) -> Cursor:
        return _SqlCursor(self, 0 if state is None else whole(state))


class _SqlCursor(Cursor):
    """A database may serve only the thread that asked: going on in another one, as prefetch and fit do, is asking again."""

    def __init__(self, node: SqlRows, given: int) -> None:
        super().__init__()
        self._node, self._given = node, given
        self._open: AbstractContextManager[Any] | None = None
        self._result: Any = None
        self._rows, self._row = Elements(None, [[]], 0), 0
        self._left: Sequence[Any] = ()  # rows from one on that has a wrong value

    def next(self) -> Element:
        if self._row == self._rows.count:
            if self._result is None:
                self._begin()
            rows = self._left or self._fetched(_ROWS)
            if not rows:
                raise StopIteration
            self._rows, self._row = self._node.elements(rows, self._given), 0
            self._left = rows[self._rows.count :]
        self._row += 1
        self._given += 1
        return self._rows.element(self._row - 1)

    def _begin(self) -> None:
        _ = self._node.types  # before: a database may allow one result at a time
        self._thread = threading.get_ident()
        self._open = self._node.connect()
        self._result = self._node.result(self._open.__enter__())
        left = self._given
        while left:
            rows = self._fetched(min(left, _ROWS))
            if not rows:
                raise IteratorStateError(
                    f"{self._node.label} ended before the place of the state",
                    rule="A query gives the same rows each time; ORDER BY makes it so",
                    received=f"{self._given - left} rows, of {self._given} that were given",
                )
            left -= len(rows)

    def _fetched(self, count: int) -> Sequence[Any]:
        try:
            return self._result.fetchmany(count)
        except Exception as error:
            if self._thread == threading.get_ident():
                self._node.fail(self._given, error)
        self.close()
        self._begin()
        return self._fetched(count)

    def state(self) -> State:
        return self._given

    def close(self) -> None:
        result, opened, self._result, self._open = self._result, self._open, None, None
        with suppress(Exception):  # that of another thread, which closes when nobody has it any more
            if result is not None:
                result.close()
        with suppress(Exception):
            if opened is not None:
                opened.__exit__(None, None, None)


def _elsewhere(error: Exception) -> DataError:
    """An error in another thread than that in which the data set was made."""
    return DataError(
        f"{type(error).__name__}: {error}",
        fix="If the connection serves one thread only: give SqlDataset the path of the file, or a function that connects.",
    )
