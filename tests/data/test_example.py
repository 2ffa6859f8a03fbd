"""tf.train.Example: what protobuf writes is read, what is written protobuf reads, and what is wrong is named."""

from __future__ import annotations

import struct
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from labkit.data import TensorSpec, parse_example, serialize_example
from labkit.data.formats.example import read_example
from labkit.errors import DataError, DTypeError, InvalidArgumentError
from labkit.io.wire import bytes_field, number_field, packed_varints, varint
from tests.data import protos

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.lists(st.binary(max_size=20), min_size=1, max_size=4),
    st.lists(st.floats(width=32), max_size=6).map(lambda x: np.array(x, np.float32)),
    st.lists(st.one_of(INT64, st.integers(0, 300)), max_size=12).map(lambda x: np.array(x, np.int64)),
)
FEATURES = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), VALUES, max_size=5)


@given(FEATURES)
def test_both_ways_with_protobuf(features: dict[str, Any]) -> None:
    example = protos.Example()
    for name, values in features.items():
        value = example.features.feature.add(key=name).value
        if isinstance(values, list):
            value.byteslist.value.extend(values)
        else:
            kind = value.floatlist if values.dtype == np.float32 else value.int64list
            kind.value.extend(values.tolist())
            kind.SetInParent()
    assert protos.same(read_example(example.SerializeToString()), features)
    theirs = protos.read(serialize_example(features))
    assert theirs is not None
    assert protos.same(theirs, features)


def feature(kind: int, content: bytes) -> bytes:
    return bytes_field(kind, content)


def example(*entries: bytes) -> bytes:
    return bytes_field(1, b"".join(bytes_field(1, entry) for entry in entries))


def entry(name: bytes, *parts: bytes) -> bytes:
    return bytes_field(1, name) + b"".join(bytes_field(2, part) for part in parts)


ONE = number_field(1, 1)
STRANGE = {
    "not packed": example(entry(b"a", feature(3, ONE + number_field(1, -7)))),
    "packed and not": example(entry(b"a", feature(3, ONE + bytes_field(1, varint(300) + varint(-1)) + ONE))),
    "floats not packed": example(entry(b"a", feature(2, b"\x0d" + struct.pack("<f", 0.5)))),
    "a feature twice": example(entry(b"a", feature(3, ONE)), entry(b"a", feature(1, bytes_field(1, b"x")))),
    "a list twice": example(entry(b"a", feature(3, ONE) + feature(3, ONE))),
    "two kinds": example(entry(b"a", feature(3, ONE) + feature(1, bytes_field(1, b"x")) + feature(3, b""))),
    "two values in an entry": example(entry(b"a", feature(3, ONE), feature(3, ONE))),
    "two names in an entry": example(entry(b"a", feature(3, ONE)) + bytes_field(1, b"b")),
    "a value before its name": example(bytes_field(2, feature(3, ONE)) + bytes_field(1, b"b")),
    "no name": example(bytes_field(2, feature(3, ONE))),
    "no value": example(bytes_field(1, b"a")),
    "features twice": example(entry(b"a", feature(3, ONE))) + example(entry(b"b", feature(3, ONE))),
    "unknown fields": number_field(9, 5) + example(entry(b"a", feature(3, ONE), bytes_field(7, b"?"))) + b"\x1d1234",
    "an unknown group": b"\x13\x08\x01\x13\x14\x14" + example(entry(b"a", feature(3, ONE))),
    "a known field of another kind": number_field(1, 5) + example(entry(b"a", feature(3, b"\x0d1234" + ONE))),
    "long numbers": example(entry(b"a", feature(3, b"\x08\x81\x80\x80\x00" + b"\x0a\x02\x80\x00"))),
    "nothing": b"",
    "a name that is not UTF-8": example(entry(b"\xff", feature(3, ONE))),
    "a number of eleven bytes": example(entry(b"a", feature(3, b"\x08" + b"\x80" * 10 + b"\x01"))),
    "packed numbers of eleven bytes": example(entry(b"a", feature(3, bytes_field(1, b"\x80" * 10 + b"\x01")))),
    "a packed number without an end": example(entry(b"a", feature(3, bytes_field(1, b"\x01\x80")))),
    "floats of which the last is cut off": example(entry(b"a", feature(2, bytes_field(1, b"12345")))),
    "a length that is larger": example(entry(b"a", feature(3, ONE)))[:-1],
    "a length of 4 GB": b"\x0a\xff\xff\xff\xff\x0f",
    "a field without a number": b"\x00\x01",
    "an end without a group": b"\x14",
    "a group without an end": b"\x13\x08\x01",
    "the end of another group": b"\x13\x1c",
    "deep groups": b"\x13" * 5000 + b"\x14" * 5000,
    "an inner length beyond its message": b"\x0a\x03\x0a\x05\x0a" + example(entry(b"a", feature(3, ONE))),
    "kinds 6 and 7": b"\x0e",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_messages_are_read_as_protobuf_reads_them(name: str) -> None:
    theirs = protos.read(STRANGE[name])
    if theirs is None:
        with pytest.raises(DataError, match=r"no tf.train.Example: .* at byte \d+"):
            read_example(STRANGE[name])
    else:
        assert protos.same(read_example(STRANGE[name]), theirs)


def test_packed_numbers_name_the_place_of_the_wrong_one() -> None:
    assert packed_varints(varint(5) + varint(-1) + varint(2**40), 0, 17).tolist() == [5, -1, 2**40]
    with pytest.raises(ValueError, match="without an end at byte 3"):
        packed_varints(b"\xff\xff\x01" + b"\x80" * 12 + b"\x01\x01", 0, 17)
    with pytest.raises(ValueError, match="without an end at byte 2"):
        packed_varints(b"\x80\x01\x80", 0, 3)


ROW = serialize_example(
    {
        "image": bytes(range(6)),
        "label": 3,
        "weights": [0.5, 1.5],
        "name": "Köln",
        "many": [1, 2, 3, 4],
        "flag": True,
        "none": np.array([], np.int64),
    }
)


def test_tensors_of_given_shapes_and_dtypes() -> None:
    found = parse_example(
        ROW,
        {
            "image": TensorSpec((2, 3), "uint8"),
            "label": TensorSpec((), "int64"),
            "weights": TensorSpec((2,), "float64"),
            "name": TensorSpec((), "string"),
            "many": TensorSpec((None, 2), "int32"),
            "flag": TensorSpec((1,), "bool"),
            "none": TensorSpec((None,), "float32"),
            "missing": TensorSpec((None,), "string"),
            "default": TensorSpec((2,), "float32"),
            "texts": TensorSpec((), "string"),
        },
        defaults={"default": -1, "texts": "?"},
    )
    assert found["image"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (found["image"].dtype, found["image"].flags.writeable) == (np.uint8, True)
    assert (found["label"], found["label"].dtype) == (3, np.int64)
    assert (found["weights"].tolist(), found["weights"].dtype) == ([0.5, 1.5], np.float64)
    assert found["name"] == "Köln".encode()
    assert (found["many"].tolist(), found["many"].dtype) == ([[1, 2], [3, 4]], np.int32)
    assert (found["flag"].tolist(), found["flag"].dtype) == ([True], np.bool_)
    assert (found["none"].shape, found["none"].dtype) == ((0,), np.float32)
    assert found["missing"].shape == (0,)
    assert (found["default"].tolist(), found["texts"]) == ([-1, -1], b"?")


def test_raw_numbers_are_little_endian() -> None:
    row = serialize_example({"x": struct.pack("<2f", 0.5, -3), "y": b"\0\2"})
    assert parse_example(row, {"x": TensorSpec((2,), "float32")})["x"].tolist() == [0.5, -3]
    assert parse_example(row, {"y": TensorSpec((None,), "bool")})["y"].tolist() == [False, True]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"lable": TensorSpec((), "int64")}, "no feature 'lable'; did you mean 'label'"),
    ({"label": TensorSpec((2,), "int64")}, "'label' has another number of values.*1 values"),
    ({"none": TensorSpec((), "int64")}, "'none' has another number of values.*0 values"),
    ({"many": TensorSpec((None, 3), "int64")}, "another number of values.*4 values"),
    ({"many": TensorSpec((None, 0), "int64")}, "another number of values"),
    ({"weights": TensorSpec((2,), "int64")}, "'weights' is no int64.*without loss"),
    ({"label": TensorSpec((), "string")}, "'label' is no string"),
    ({"image": TensorSpec((2,), "int32")}, "'image' is no int32.*of 6 bytes the first"),
    ({"image": TensorSpec((5,), "uint8")}, "another number of values.*6 values"),
]


@pytest.mark.parametrize(("features", "message"), WRONG, ids=[message for _, message in WRONG])
def test_features_that_are_not_as_the_spec_says(features: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_example(ROW, features)


@pytest.mark.parametrize("features", [{}, {"a": "int64"}, {"a": TensorSpec((None, None))}, {"a": TensorSpec(None)}, 5])
def test_specs_that_are_none(features: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="features says what"):
        parse_example(ROW, features)


def test_defaults_that_are_none() -> None:
    with pytest.raises(InvalidArgumentError, match="no such feature"):
        parse_example(ROW, {"label": TensorSpec((), "int64")}, defaults={"lable": 1})
    with pytest.raises(InvalidArgumentError, match="another shape"):
        parse_example(ROW, {"a": TensorSpec((3,), "int64")}, defaults={"a": [1, 2]})
    with pytest.raises(DTypeError):
        parse_example(ROW, {"a": TensorSpec((3,), "int64")}, defaults={"a": 0.5})


def test_what_an_example_does_not_hold() -> None:
    with pytest.raises(InvalidArgumentError, match="name of a feature"):
        serialize_example({b"a": 1})  # type: ignore[dict-item]
    with pytest.raises(DTypeError):
        serialize_example({"a": np.zeros(2, complex)})


def test_values_of_every_kind() -> None:
    values = {
        "large": 2**40,
        "zeros": b"ab\0\0",
        "none": np.empty(0, object),
        "bool": [True, False],
        "half": np.float16(0.5),
    }
    found = read_example(serialize_example(values))
    assert found["large"].tolist() == [2**40]  # type: ignore[union-attr]
    assert (found["zeros"], found["none"]) == ([b"ab\0\0"], [])
    assert found["bool"].tolist() == [1, 0]  # type: ignore[union-attr]
    assert found["half"].tolist() == [0.5]  # type: ignore[union-attr]
    for wrong in (2**63, 1e39, [[1], [1, 2]], None, [b"a", 1]):
        with pytest.raises((DTypeError, InvalidArgumentError)):
            serialize_example({"x": wrong})


def test_many_small_parts_take_no_longer_than_their_number() -> None:
    many = bytes_field(1, b"")  # an empty value: two bytes
    hostile = example(entry(b"a", feature(1, many * 50_000) + feature(1, b"") * 50_000))
    begin = time.perf_counter()
    assert len(read_example(hostile)["a"]) == 50_000
    assert time.perf_counter() - begin < 5
