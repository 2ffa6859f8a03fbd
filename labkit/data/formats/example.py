"""tf.train.Example, what TensorFlow's data files are made of: named lists of bytes, floats or whole numbers.

    message Example   { Features features = 1; }
    message Features  { map<string, Feature> feature = 1; }
    message Feature   { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }
    message BytesList { repeated bytes value = 1; }   FloatList: float, Int64List: int64, both packed

Source: tensorflow/core/example/{example,feature}.proto. Messages are read as protocol buffers have it: a field that comes again
adds to the first one, a feature that comes again takes its place, fields that are not known are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from labkit.core.convert import as_array
from labkit.core.dtypes import float32, int64, string
from labkit.errors import DataError, InvalidArgumentError
from labkit.io.wire import (
    BYTES,
    FIXED32,
    VARINT,
    WireError,
    bytes_field,
    packed_floats,
    packed_varints,
    read_fields,
    varint,
)

Values: TypeAlias = "list[bytes] | np.ndarray"
"""Of a feature: bytes, float32 [n] or int64 [n]."""

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3


def serialize_example(features: Mapping[str, Any]) -> bytes:
    """The bytes of a tf.train.Example.

    Args:
        features: by name bytes, text, a number or an array of one of these. Shapes are not kept. Whole numbers and bools become
            int64, floats are rounded to float32.

    Raises:
        InvalidArgumentError: a name is no text.
        DTypeError: a value is none of these, or does not fit.
    """
    found = b""
    for name, value in features.items():
        if not isinstance(name, str):
            raise InvalidArgumentError("The name of a feature is text", received=repr(name)[:60])
        found += bytes_field(1, bytes_field(1, name.encode()) + bytes_field(2, _feature(value)))
    return bytes_field(1, found)


def _feature(value: Any) -> bytes:
    try:
        kind = np.asarray(value).dtype.kind
    except ValueError:  # lists of different lengths, which as_array refuses
        kind = "f"
    dtype = string if kind in "SUO" else int64 if kind in "iub" else float32
    flat = as_array(value, dtype).ravel()
    if dtype is string:
        return bytes_field(_BYTES_LIST, b"".join(bytes_field(1, x) for x in flat))
    if dtype is float32:
        return bytes_field(_FLOAT_LIST, bytes_field(1, flat.astype("<f4").tobytes()))
    return bytes_field(_INT64_LIST, bytes_field(1, b"".join(map(varint, flat.tolist()))))


def read_example(serialized: bytes) -> dict[str, Values]:
    """The features of a serialized Example that have values, or at least a kind.

    Raises:
        DataError: it is none.
    """
    data = bytes(serialized)
    try:
        found: dict[str, Values] = {}
        for number, kind, begin, end in read_fields(data, 0, len(data)):
            if (number, kind) == (1, BYTES):
                for inner, inner_kind, first, last in read_fields(data, begin, end):
                    if (inner, inner_kind) == (1, BYTES):
                        _read_entry(data, first, last, found)
        return found
    except WireError as error:
        raise DataError(
            f"The bytes are no tf.train.Example: {error}",
            received=f"{len(data):,} bytes",
            fix="Is it a file of Examples, or of other records?",
        ) from None


def _read_entry(data: bytes, place: int, end: int, found: dict[str, Values]) -> None:
    """An entry of the map: a name and a Feature."""
    name, where, parts = "", place, []
    for number, kind, begin, stop in read_fields(data, place, end):
        if (number, kind) == (1, BYTES):
            name, where = "", begin
            try:
                name = data[begin:stop].decode()
            except UnicodeDecodeError as error:
                raise WireError("a name that is not UTF-8", where + error.start) from None
        elif (number, kind) == (2, BYTES):
            parts.append((begin, stop))
    values = _read_feature(data, parts)
    if values is None:
        found.pop(name, None)
    else:
        found[name] = values


def _read_feature(data: bytes, parts: list[tuple[int, int]]) -> Values | None:
    """The values of a Feature that is given in parts; None where it has no kind. Of several kinds the last one counts."""
    chosen = 0
    lists: list[Any] = []
    for place, end in parts:
        for number, kind, begin, stop in read_fields(data, place, end):
            if kind == BYTES and number in (_BYTES_LIST, _FLOAT_LIST, _INT64_LIST):
                values = _read_list(data, begin, stop, number)
                if number != chosen:
                    chosen, lists = number, []
                lists.extend(values)
    if not chosen:
        return None
    if chosen == _BYTES_LIST:
        return lists
    if not lists:
        return np.empty(0, np.float32 if chosen == _FLOAT_LIST else np.int64)
    return lists[0] if len(lists) == 1 else np.concatenate(lists)


def _read_list(data: bytes, place: int, end: int, what: int) -> list[Any]:
    """Bytes, or arrays of numbers."""
    found: list[Any] = []
    for number, kind, begin, stop in read_fields(data, place, end):
        if number != 1:
            continue
        if what == _BYTES_LIST and kind == BYTES:
            found.append(data[begin:stop])
        elif what == _FLOAT_LIST and kind in (BYTES, FIXED32):
            found.append(packed_floats(data, begin, stop))
        elif what == _INT64_LIST and kind == BYTES:
            found.append(packed_varints(data, begin, stop))
        elif what == _INT64_LIST and kind == VARINT:
            found.append(np.array([begin], np.uint64).view(np.int64))
    return found
