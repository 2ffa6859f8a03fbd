"""Rows of CSV files: types, missing values, going on, and files that are none."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import labkit as lk
from labkit.data import CsvDataset, TensorSpec
from labkit.data.steps import csv_pieces
from labkit.errors import DataError, InvalidArgumentError, IteratorStateError


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(text: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return written


HOUSES = """rooms,price,town,new
3,120.5,"Aachen, Nord",true
2,,Bonn,false

4,99,"the ""old"" one",TRUE
"""


def test_columns_have_types(write: Callable[..., Path]) -> None:
    dataset = CsvDataset(write(HOUSES), label="price")
    x, y = TensorSpec((), "int64"), TensorSpec((), "float32")
    assert dataset.element_spec == ({"rooms": x, "town": TensorSpec((), "string"), "new": TensorSpec((), "bool")}, y)
    table, price = next(iter(dataset.batch(8)))
    assert table["rooms"].tolist() == [3, 2, 4]
    assert table["town"].tolist() == [b"Aachen, Nord", b"Bonn", b'the "old" one']
    assert table["new"].tolist() == [True, False, True]
    assert (price.dtype, np.isnan(price).tolist(), price[0]) == (np.float32, [False, True, False], 120.5)
    columns = [lk.feature_column.numeric_column("rooms")]
    assert lk.feature_column.input_layer(table, columns).tolist() == [[3], [2], [4]]


def test_types_defaults_and_columns_can_be_told(write: Callable[..., Path]) -> None:
    path = write("\ufeff1;a;NA\r\n2;;7\r\n", "data.txt")
    dataset = CsvDataset(
        [path, path],
        dtypes={"n": "float64", "m": "int32", "s": "string"},
        defaults={"m": -1, "s": "none"},
        column_names=["n", "s", "m"],
        select_columns=["m", "s"],
        delimiter=";",
    )
    assert dataset.node.declared == {"m": TensorSpec((), "int32"), "s": TensorSpec((), "string")}
    assert [(int(row["m"]), row["s"]) for row in dataset] == [(-1, b"a"), (7, b"none")] * 2
    assert (
        CsvDataset(path, column_names=["n", "s", "m"], defaults={"m": 0}, delimiter=";").element_spec["m"].dtype
        is lk.int64
    )


def test_a_table_equals_pandas(write: Callable[..., Path]) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"a": rng.integers(-9, 9, 500), "b": rng.normal(size=500), "c": rng.choice(["x", "y z", ""], 500)}
    )
    path = write(frame.to_csv(index=False))
    table = CsvDataset(path, dtypes={"b": "float64"}).arrays()
    read = pd.read_csv(path, keep_default_na=False)
    assert (table["a"] == read["a"]).all()
    assert np.allclose(table["b"], read["b"], rtol=1e-15)
    assert [text.decode() for text in table["c"]] == read["c"].tolist()


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FIELD, FIELD), max_size=12), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_pieces_do_not_show(tmp_path: Path, rows: list[tuple[str, str]], piece: int, end: str) -> None:
    path = tmp_path / "fuzzed.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_pieces, "_PIECE", piece)
        dataset = CsvDataset([path, path], dtypes={"a": "string", "b": "string"})
        iterator = iter(dataset)
        states, found = [iterator.state()], []
        for row in iterator:
            found.append((row["a"].decode(), row["b"].decode()))
            states.append(iterator.state())
        assert found == rows * 2
        for place, state in enumerate(states):
            went_on = CsvDataset([path, path], dtypes={"a": "string", "b": "string"})
            left = list(went_on.iterate(state=json.loads(json.dumps(state))))
            assert [row["a"].decode() for row in left] == [a for a, _ in found[place:]]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from('a,"\r\n\u00fc'), max_size=30), st.integers(1, 12), st.sampled_from(",;\u2192"))
def test_what_is_read_is_what_pythons_csv_reads(tmp_path: Path, text: str, piece: int, delimiter: str) -> None:
    path, text = tmp_path / "fuzzed.csv", text.replace(",", delimiter)
    path.write_bytes(text.encode())
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error:
        rows = []
    good = rows and all(len(row) == len(rows[0]) for row in rows)
    names = ["a", "b", "c", "d"][: len(rows[0])] if good else ["a"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_pieces, "_PIECE", piece)
        dataset = CsvDataset(path, column_names=names, dtypes=dict.fromkeys(names, "string"), delimiter=delimiter)
        if not good or len(names) < len(rows[0]):
            with contextlib.suppress(DataError):
                list(dataset)
        else:
            assert [[value.decode() for value in row.values()] for row in dataset] == rows


def test_files_of_old_macintoshes(write: Callable[..., Path]) -> None:
    assert [int(row["b"]) for row in CsvDataset(write("a,b\r1,2\r3,4"))] == [2, 4]


FILES: list[tuple[str | bytes, dict[str, Any], str]] = [
    ("", {}, "is empty"),
    ("a,b\n1,2\n3\n", {}, "line 3: a row has another number of fields.*Received: 1 fields, none for column 'b'"),
    ("a,b\n1,2\n\n3,4,5\n", {}, "line 4: a row has another number"),
    ("a,a\n1,2\n", {}, "line 1: two columns are called 'a'"),
    ('a,b\n1,"2\n', {}, "no CSV"),
    ("\n\n\n", {}, "is empty"),
    ('a,b\n1,2\n3,"4\n5,6\n7,8\n', {}, "line 3: no CSV: unexpected end of data"),
    ("a,b\r1,2\r3\r", {}, "line 3: a row has another number"),
    ("a,b\n1," + "x" * 200_000 + "\n", {}, "line 2: no CSV: field larger"),
    ('a,b\n1,"2"x\n', {}, "line 2: no CSV"),
    (b'a,b\n1,"\n\n2"\n3,x\xff\n', {}, "line 5: no UTF-8. Received: bytes ff"),
    ("a,b\n1,2\nx,3\n", {"dtypes": {"a": "int64"}}, "line 3, column 'a': 'x' is no int64"),
    ("a,b\n1,2\n1_0,3\n", {"dtypes": {"a": "float32"}}, "'1_0' is no float32"),
    ("a,b\n1,2\n300,3\n", {"dtypes": {"a": "uint8"}}, "'300' is no uint8"),
    ("a,b\n1,2\n99999999999999999999,3\n", {"dtypes": {"a": "int64"}}, "is no int64"),
    ("a,b\n1,2\nmaybe,3\n", {"dtypes": {"a": "bool"}}, "'maybe' is no bool"),
    ("a,b\n1,2\n,3\n", {"dtypes": {"a": "int64"}}, "line 3, column 'a': has no value.*defaults"),
    ("price,b\n1,2\n", {"label": "prize"}, "no column 'prize'; did you mean 'price'"),
    ("a,b\n1,2\n", {"select_columns": ["c"]}, "no column 'c'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments", "message"), FILES, ids=[message for *_, message in FILES])
def test_files_that_are_wrong(write: Callable[..., Path], text: str | bytes, arguments: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(CsvDataset(write(text), **arguments))


@pytest.mark.parametrize("wrong", ["x,3", "7", '7,"', '7,"8"9', "7,8,9"])
def test_rows_before_a_wrong_one_are_given(write: Callable[..., Path], wrong: str) -> None:
    path = write(f"a,b\n1,2\n3,4\n\n{wrong}\n5,6\n")
    iterator = iter(CsvDataset(path, dtypes={"a": "int64", "b": "int64"}))
    assert [int(next(iterator)["a"]) for _ in range(2)] == [1, 3]
    for _ in range(2):  # it stands before the wrong one
        with pytest.raises(DataError, match=r"table.csv, line 5"):
            next(iterator)
    state = iterator.state()
    write("a,b\n1,2\n3,4\n\n7,8\n5,6\n")
    again = CsvDataset(path, dtypes={"a": "int64", "b": "int64"}).iterate(state=state)
    assert [int(row["a"]) for row in again] == [7, 5]


def test_other_refusals(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("a,b\n1,2\n3,4\n")
    with pytest.raises(InvalidArgumentError, match="delimiter"):
        CsvDataset(path, delimiter=",,")
    with pytest.raises(InvalidArgumentError, match="different names"):
        CsvDataset(path, column_names=["a", "a"])
    with pytest.raises(DataError, match="cannot be read"):
        next(iter(CsvDataset(tmp_path / "none.csv")))
    with pytest.raises(DataError, match="no column 'b', which"):
        list(CsvDataset([path, write("a,c\n1,2\n", "other.csv")]))
    iterator = iter(CsvDataset(path))
    next(iterator)
    path.write_text("a,b")
    with pytest.raises(IteratorStateError, match="shorter"):
        next(CsvDataset(path).iterate(state=iterator.state()))


def test_an_open_quotation_mark_does_not_fill_the_memory(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_pieces, "_PIECE", 1 << 10)
    monkeypatch.setattr(csv_pieces, "_LARGEST", 1 << 14)
    with pytest.raises(DataError, match="a record of 16384 bytes or more"):
        list(CsvDataset(write('a,b\n1,"' + "2,3\n" * 20000)))
