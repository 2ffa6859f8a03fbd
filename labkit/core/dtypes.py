"""The element types of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.errors import DTypeError


class DType:
    """The type of a tensor's elements. There is one object of each; it also equals the NumPy dtype it stands for.

    Attributes:
        name: "float32", "float64", "int32", "int64", "uint8", "bool" or "string".
        code: the compiled core's short name: "f32", "f64", "i32", "i64", "u8", "b8"; "text", which the core never sees.
        numpy: the NumPy dtype.
    """

    __slots__ = ("code", "name", "numpy")

    def __init__(self, name: str, code: str, numpy: Any = None) -> None:
        self.name, self.code, self.numpy = name, code, np.dtype(numpy or name)

    @property
    def is_floating(self) -> bool:
        return self.numpy.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.numpy.kind in "iu"

    @property
    def is_bool(self) -> bool:
        return self.numpy.kind == "b"

    @property
    def base_dtype(self) -> DType:
        """The dtype itself, also for a variable's."""
        return self

    @property
    def min(self) -> Any:
        """The smallest number."""
        return np.finfo(self.numpy).min if self.is_floating else np.iinfo(self.numpy).min

    @property
    def max(self) -> Any:
        """The largest number."""
        return np.finfo(self.numpy).max if self.is_floating else np.iinfo(self.numpy).max

    @property
    def as_numpy_dtype(self) -> Any:
        return self.numpy.type

    @property
    def size(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize

    def __repr__(self) -> str:
        return f"labkit.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType) or other is None:  # NumPy reads None as float64
            return self is other
        try:
            return as_dtype(other) is self
        except DTypeError:
            return False

    __hash__ = object.__hash__

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


float32 = DType("float32", "f32")
float64 = DType("float64", "f64")
int32 = DType("int32", "i32")
int64 = DType("int64", "i64")
uint8 = DType("uint8", "u8")
bool_ = DType("bool", "b8")
string = DType("string", "text", object)
"""Text: arrays of bytes objects. It exists on the host only, between Python and operations that Python computes."""

ALL = (float32, float64, int32, int64, uint8, bool_)
FLOATS = (float32, float64)
INTS = (int32, int64)
NUMERIC = (float32, float64, int32, int64)
NUMBERS = (*NUMERIC, uint8)
ANY = (*ALL, string)

_BY_NAME = {dtype.name: dtype for dtype in ANY} | {"float": float32, "double": float64, "int": int32, "str": string}
_BY_NUMPY = {dtype.numpy: dtype for dtype in ALL}
_BY_TYPE = {float: float32, int: int32, bool: bool_} | dict.fromkeys(
    (str, bytes, np.str_, np.bytes_, np.object_), string
)


def as_dtype(value: Any) -> DType:
    """The DType that a DType, a name ("float32", "float", "int"), a NumPy dtype or a Python type stands for.

    Python's float is float32 and its int is int32, as everywhere in labkit.

    Raises:
        DTypeError: labkit has no such element type.
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, type) and value in _BY_TYPE:  # a NumPy dtype equals its Python type
        return _BY_TYPE[value]
    if isinstance(value, np.dtype) and value.kind in "OSU":
        return string
    try:
        found = _BY_NAME.get(value) if isinstance(value, str) else _BY_NUMPY.get(np.dtype(value))
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise DTypeError(
            "The element type is not one that labkit computes with",
            rule="It is one of " + ", ".join(dtype.name for dtype in ALL) + "; or string, for text on the host",
            received=repr(value),
            fix="Convert the values first, e.g. with array.astype('float32').",
        )
    return found
