"""pandas frames as elements: what each kind of column becomes, and what is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from labkit.data import Dataset, TensorSpec
from labkit.errors import DTypeError, InvalidArgumentError

GOOD: dict[str, tuple[Any, str, list[Any]]] = {
    "int64": (pd.Series([1, 2]), "int64", [1, 2]),
    "float32": (pd.Series([1, 0.5], dtype="float32"), "float32", [1, 0.5]),
    "bool": (pd.Series([True, False]), "bool", [True, False]),
    "text": (pd.Series(["a", "ö"]), "string", [b"a", "ö".encode()]),
    "objects that are text": (pd.Series(["a", "b"], dtype=object), "string", [b"a", b"b"]),
    "Int64": (pd.Series([1, 2], dtype="Int64"), "int64", [1, 2]),
    "Float64": (pd.Series([1, 0.5], dtype="Float64"), "float64", [1, 0.5]),
    "boolean": (pd.Series([True, False], dtype="boolean"), "bool", [True, False]),
    "string": (pd.Series(["a", "b"], dtype="string"), "string", [b"a", b"b"]),
    "categories of text": (pd.Series(["b", "a"], dtype="category"), "string", [b"b", b"a"]),
    "categories of numbers": (pd.Series([3, 1], dtype="category"), "int64", [3, 1]),
    "sparse": (pd.Series(pd.arrays.SparseArray([0, 1])), "int64", [0, 1]),
}


@pytest.mark.parametrize("name", GOOD)
def test_columns(name: str) -> None:
    column, dtype, values = GOOD[name]
    frame = pd.DataFrame({"x": column.set_axis([7, 3])})  # the index is left out
    dataset = Dataset.from_tensor_slices(frame)
    assert dataset.element_spec == {"x": TensorSpec((), dtype)}
    assert dataset.arrays()["x"].tolist() == values
    assert Dataset.from_tensor_slices(column).arrays().tolist() == values


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32"])
def test_missing_numbers_are_nan(dtype: str) -> None:
    values = Dataset.from_tensor_slices(pd.DataFrame({"x": pd.Series([1, None], dtype=dtype)})).arrays()["x"]
    assert (values[0], np.isnan(values[1]), values.dtype.kind) == (1, True, "f")


def test_frames_within_nests() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    x, y = next(iter(Dataset.from_tensor_slices((frame, pd.Series([0.5, 1.5]))).skip(1)))
    assert (x["a"], x["b"], y) == (2, b"y", 1.5)
    assert Dataset.from_tensors(frame).element_spec == {"a": TensorSpec((2,), "int64"), "b": TensorSpec((2,), "string")}


BAD: dict[str, tuple[Any, str]] = {
    "text, some missing": (pd.Series(["a", None]), r"with no value in row 1.*fillna"),
    "string, some missing": (pd.Series([None, "a"], dtype="string"), r"dtype string, with no value in row 0.*fillna"),
    "categories, some missing": (pd.Series(["a", None], dtype="category"), "dtype category, with no value in row 1"),
    "boolean, some missing": (pd.Series([True, None], dtype="boolean"), "dtype boolean, with no value in row 1"),
    "dates": (pd.Series(pd.to_datetime(["2020-01-01"])), "datetime64.*column.dt.year"),
    "dates with zones": (pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")), "UTC.*column.dt.year"),
    "spans of time": (pd.Series(pd.to_timedelta(["1D"])), "timedelta64.*total_seconds"),
    "periods": (pd.Series(pd.period_range("2020-01", periods=1, freq="M")), "period.*column.dt.year"),
    "mixed": (pd.Series([1, "a"], dtype=object), "dtype object.*astype"),
    "intervals": (pd.Series(pd.interval_range(0, 1)), "interval.*astype"),
    "int16": (pd.Series([1], dtype="int16"), "dtype int16.*astype"),
    "complex": (pd.Series([1j]), "complex128"),
}


@pytest.mark.parametrize("name", BAD)
def test_columns_that_are_refused_by_name(name: str) -> None:
    column, message = BAD[name]
    with pytest.raises(DTypeError, match=r"Column 'when' of the frame is no array.*" + message):
        Dataset.from_tensor_slices(pd.DataFrame({"good": range(len(column)), "when": column}))
    with pytest.raises(DTypeError, match="The column 'when' is no array.*" + message):
        Dataset.from_tensor_slices(column.rename("when"))


def test_columns_of_one_name() -> None:
    with pytest.raises(InvalidArgumentError, match="two columns 'a'"):
        Dataset.from_tensor_slices(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InvalidArgumentError, match="no array"):
        Dataset.from_tensor_slices(pd.DataFrame())
