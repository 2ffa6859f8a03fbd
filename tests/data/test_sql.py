"""Rows of databases: SQLite's from the standard library, and connections of other makers."""

from __future__ import annotations

import datetime
import json
import sqlite3
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import SqlDataset, TensorSpec
from labkit.errors import DataError, InvalidArgumentError, IteratorStateError, PipelineError
from tests.data.pipelines import require_no_threads

ALL = "SELECT id, rooms, price, town FROM houses ORDER BY id"


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    path = tmp_path / "houses #1?.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE houses (id INTEGER PRIMARY KEY, rooms INTEGER, price REAL, town TEXT, raw BLOB)")
    rows = [(i, i % 7, None if i % 5 == 0 else i * 1.5, f"Köln {i}", bytes([i % 256])) for i in range(600)]
    connection.executemany("INSERT INTO houses VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def test_columns_have_types(houses: Path) -> None:
    dataset = SqlDataset(ALL, houses, label="price")
    whole, text = TensorSpec((), "int64"), TensorSpec((), "string")
    assert dataset.element_spec == ({"id": whole, "rooms": whole, "town": text}, TensorSpec((), "float32"))
    x, y = dataset.arrays()
    assert x["id"].tolist() == list(range(600))
    assert x["town"][8] == "Köln 8".encode()
    assert np.isnan(y[::5]).all()
    assert y[1:5].tolist() == [1.5, 3, 4.5, 6]
    columns = [lk.feature_column.numeric_column("rooms")]
    assert lk.feature_column.input_layer(next(iter(dataset.batch(3)))[0], columns).tolist() == [[0], [1], [2]]


def test_types_defaults_and_parameters_can_be_told(houses: Path) -> None:
    dataset = SqlDataset(
        "SELECT rooms, price, raw FROM houses WHERE id < :most ORDER BY id",
        str(houses),
        parameters={"most": 6},
        dtypes={"rooms": "uint8", "price": "float64"},
        defaults={"price": -1},
    )
    table = dataset.arrays()
    assert (table["rooms"].dtype, table["price"].dtype) == (np.uint8, np.float64)
    assert table["price"].tolist() == [-1, 1.5, 3, 4.5, 6, -1]
    assert table["raw"].tolist() == [bytes([i]) for i in range(6)]
    assert [row["price"] for row in dataset.iterate()] == table["price"].tolist()


@pytest.mark.parametrize("place", [0, 1, 255, 256, 257, 599, 600])
def test_going_on_asks_again(houses: Path, place: int) -> None:
    iterator = iter(SqlDataset(ALL, houses))
    for _ in range(place):
        next(iterator)
    state = json.loads(json.dumps(iterator.state()))
    left = [int(row["id"]) for row in SqlDataset(ALL, houses).iterate(state=state)]
    assert left == list(range(place, 600))
    assert "replays when restored" in repr(SqlDataset(ALL, houses))


def test_it_is_only_read_and_leaves_nothing_open(houses: Path) -> None:
    before = houses.read_bytes()
    assert len(list(SqlDataset(ALL, houses).prefetch(2).take(3))) == 3
    with pytest.raises(PipelineError, match="readonly database"):
        list(SqlDataset("DELETE FROM houses RETURNING id", houses))
    require_no_threads()
    assert houses.read_bytes() == before
    assert [x.name for x in houses.parent.iterdir()] == [houses.name]


def test_connections_and_functions(houses: Path) -> None:
    connection = sqlite3.connect(houses)
    assert len(list(SqlDataset(ALL, connection))) == 600
    connection.execute("SELECT 1")  # it is still open
    connection.close()
    made: list[Any] = []

    def connect() -> Any:
        made.append(sqlite3.connect(houses, check_same_thread=False))
        return made[-1]

    dataset = SqlDataset(ALL, connect)
    assert len(list(dataset.prefetch(4).batch(100))) == 6
    assert "connect" in repr(dataset)
    require_no_threads()
    for used in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            used.execute("SELECT 1")
    with pytest.raises(DataError, match="There is no connection: KeyError"):
        list(SqlDataset(ALL, lambda: {}["x"]))


class Table:
    """A connection of the database API whose only result is given."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def cursor(self) -> Table:
        return Table(list(self.rows))

    def execute(self, query: str, parameters: Any) -> None:
        self.description = [(f"c{i}", None) for i in range(len(self.rows[0]))]

    def fetchmany(self, count: int) -> list[Any]:
        found, self.rows = self.rows[:count], self.rows[count:]
        return found

    def close(self) -> None:
        pass


def test_values_of_other_databases() -> None:
    rows = [(True, Decimal("1.25"), memoryview(b"ab"), 1, None), (False, None, b"c", 0.5, None)]
    table = SqlDataset("SELECT", Table(rows)).arrays()
    assert table["c0"].tolist() == [True, False]
    assert (table["c1"][0], np.isnan(table["c1"][1]), table["c1"].dtype) == (1.25, True, np.float32)
    assert table["c2"].tolist() == [b"ab", b"c"]
    assert table["c3"].tolist() == [1, 0.5]
    assert np.isnan(table["c4"]).all()


VALUES: list[tuple[list[Any], dict[str, Any], str]] = [
    ([1, "x"], {}, r"failed at element 1: DataError: column 'c0': 'x', str, is no float32"),
    ([1, 2, "x"], {"dtypes": {"c0": "int64"}}, r"element 2.*'x', str, is no int64.*CAST"),
    ([1, 2**63], {}, "is no int64"),
    ([300], {"dtypes": {"c0": "uint8"}}, "'300', int, is no uint8"),
    ([0.5], {"dtypes": {"c0": "int64"}}, "'0.5', float, is no int64"),
    ([5], {"dtypes": {"c0": "string"}}, "'5', int, is no string.*AS TEXT"),
    (["a", None], {}, "element 1.*column 'c0': has no value.*COALESCE"),
    ([1, None], {"dtypes": {"c0": "int64"}}, "has no value"),
    ([1, None], {"defaults": {"c0": "x"}}, "is no int64"),
    ([datetime.date(2020, 1, 2)], {}, "'2020-01-02', date, is no float32"),
    ([[1, 2]], {}, "list, is no float32"),
    ([True, 2], {}, None),
]  # type: ignore[list-item]


@pytest.mark.parametrize(("values", "arguments", "message"), VALUES)
def test_values_that_are_wrong(values: list[Any], arguments: Any, message: str | None) -> None:
    dataset = SqlDataset("SELECT", Table([(value,) for value in values]), **arguments)
    if message is None:
        assert dataset.arrays()["c0"].tolist() == [1, 2]
    else:
        with pytest.raises(PipelineError, match=message):
            list(dataset)


def test_rows_before_a_wrong_one_are_given() -> None:
    rows: list[tuple[Any, ...]] = [(i, 0.5) for i in range(300)]
    rows[280], rows[270] = ("x", 0.5), (5, "y")
    iterator = iter(SqlDataset("SELECT", Table(rows), dtypes={"c0": "int64", "c1": "float32"}))
    assert [int(next(iterator)["c0"]) for _ in range(270)] == list(range(270))
    for _ in range(2):  # it stands before the wrong one
        with pytest.raises(PipelineError, match="element 270: DataError: column 'c1'") as caught:
            next(iterator)
        assert caught.value.index == 270


def test_refusals(houses: Path, tmp_path: Path) -> None:
    for query, message in (
        ("SELECT doors FROM houses", "sql #1 failed at element 0: OperationalError: no such column"),
        ("SELECT id, id FROM houses", "rows that are dicts by column"),
        ("CREATE TEMP TABLE a (b)", "no rows"),
    ):
        with pytest.raises(PipelineError, match=message):
            list(SqlDataset(query, houses))
    with pytest.raises(PipelineError, match="no column 'prize'; did you mean 'price'"):
        list(SqlDataset(ALL, houses, label="prize"))
    with pytest.raises(DataError, match=r"none.sqlite cannot be read"):
        list(SqlDataset(ALL, tmp_path / "none.sqlite"))
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "text.sqlite").write_text("This is no database at all." * 100)
    with pytest.raises(PipelineError, match="not a database"):
        list(SqlDataset(ALL, tmp_path / "text.sqlite"))
    for wrong in (5, None):
        with pytest.raises(InvalidArgumentError, match="This is no database"):
            SqlDataset(ALL, wrong)
    with pytest.raises(InvalidArgumentError, match="A query is text"):
        SqlDataset(" ", houses)
    connection = sqlite3.connect(houses)
    with pytest.raises(PipelineError, match="thread"):
        list(SqlDataset(ALL, connection).prefetch(2))
    connection.close()
    iterator = iter(SqlDataset(ALL, houses))
    for _ in range(300):
        next(iterator)
    iterator.close()  # SQLite lets nobody write while a result is being read
    fewer = sqlite3.connect(houses)
    fewer.execute("DELETE FROM houses WHERE id > 99")
    fewer.commit()
    fewer.close()
    with pytest.raises(IteratorStateError, match=r"ended before the place of the state.*100 rows, of 300"):
        next(SqlDataset(ALL, houses).iterate(state=iterator.state()))


def test_a_result_is_asked_for_again_in_another_thread(houses: Path) -> None:
    """As fit does: it looks at the first batch itself."""
    dataset = SqlDataset("SELECT * FROM houses ORDER BY id", lambda: sqlite3.connect(houses))
    expected, iterator, found = list(dataset), dataset.iterate(), []
    found.append(next(iterator))
    thread = threading.Thread(target=lambda: found.extend(iterator))
    thread.start()
    thread.join()
    assert repr(found) == repr(expected)


def test_a_connection_of_another_thread_is_told_of(houses: Path) -> None:
    connection = sqlite3.connect(houses)
    dataset = SqlDataset("SELECT * FROM houses ORDER BY id", connection).prefetch(2)
    with pytest.raises(PipelineError, match="a function that connects"):
        next(iter(dataset))
    connection.close()
