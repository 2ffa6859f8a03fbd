"""From Python and NumPy values to arrays of a tensor's dtype, and to constants of the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.graph import get_default_graph
from labkit.core.operands import operand
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, InvalidArgumentError

_FEW = 64  # elements, which Python has looked at sooner than NumPy
_LARGEST = {np.dtype(t): float(np.finfo(t).max) for t in (np.float32, np.float64)}


def as_array(value: Any, dtype: dt.DType | None = None) -> np.ndarray:
    """A C-contiguous array of `dtype`, converted only where every value survives.

    Whole floats become ints, floats and whole numbers become floats by rounding (16777217 becomes the float32 16777216.0),
    bools become numbers; fractions do not become ints, and nothing may overflow. Without `dtype`: Python floats
    are float32, Python ints int32, NumPy values keep their dtype. Text becomes an array of bytes objects, str as UTF-8.

    Raises:
        InvalidArgumentError: the value is None.
        DTypeError: a value does not survive (1.5 to an int, an int that does not fit, text to a number), labkit has no such
            dtype, or elements are masked (numpy.ma).
    """
    refuse_masked(value)
    if dtype is dt.string or (dtype is None and _is_text(value)):
        return _text_array(value)
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if value is None:
        raise InvalidArgumentError(
            "None values not supported",
            rule="A value is a number, a NumPy array, or a list of equal-length lists of numbers",
            fix="A function that returns nothing gives None; the value may come from there.",
        )
    if array.dtype.kind not in "biuf":
        raise DTypeError(
            "The value is no array of numbers",
            rule="A value is a number, a NumPy array, or a list of equal-length lists of numbers",
            received=f"{type(value).__name__} {_short(value)}",
        )
    if dtype is None:
        if isinstance(value, np.ndarray | np.generic):
            dtype = dt.as_dtype(array.dtype)
        else:
            dtype = {"f": dt.float32, "b": dt.bool_}.get(array.dtype.kind, dt.int32)
    if array.dtype == dtype.numpy:
        return np.require(array, requirements=["C", "ALIGNED"])
    if dtype.is_floating and array.dtype.kind != "f":  # every whole number has a float beside it
        return np.array(array, dtype.numpy, order="C")
    if dtype.is_floating and 0 < array.size <= _FEW and max(map(abs, array.ravel().tolist())) <= _LARGEST[dtype.numpy]:
        return np.array(array, dtype.numpy, order="C")  # nothing overflows; a short list that is fed costs little
    with np.errstate(invalid="ignore", over="ignore"):
        converted = np.array(array, dtype.numpy, order="C")
    if not _survives(array, converted):
        raise DTypeError(
            f"A value cannot become {dtype.name} without loss",
            rule="Conversion to the tensor's dtype may round to floats, but not overflow or cut fractions off",
            received=f"{array.dtype} {_short(value)}",
            fix=f"Convert it yourself, e.g. np.asarray(value).astype('{dtype.name}'), or choose another dtype.",
        )
    return converted


def refuse_masked(value: Any) -> None:
    """Raises DTypeError for an array of numpy.ma with masked elements: NumPy would hand out what lies under the mask."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DTypeError(
            "Masked elements have no value",
            rule="An array of numpy.ma stands for its values only where none is masked",
            received=f"{np.ma.count_masked(value)} masked elements of {value.size}",
            fix="Fill them, e.g. value.filled(0.0).",
        )


def _is_text(value: Any) -> bool:
    """Whether the first of the values is text."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "SU" or (value.dtype.kind == "O" and value.size > 0 and _is_text(value.flat[0]))
    return isinstance(value, str | bytes)


def _text_array(value: Any) -> np.ndarray:
    """An array of bytes objects; a copy.

    Raises:
        DTypeError: it holds something else than text.
    """
    try:
        array = np.array(value, dtype=object)
    except ValueError:
        array = np.array(None, dtype=object)
    items = array.reshape(-1)
    for i, item in enumerate(items):
        try:
            items[i] = item.encode(errors="surrogateescape") if isinstance(item, str) else bytes(memoryview(item))
        except (TypeError, UnicodeEncodeError):
            raise DTypeError(
                "The value is no text",
                rule="Text is a str, bytes, or an array or list of equal-length lists of them",
                received=f"{type(value).__name__} {_short(value)}",
                fix="Numbers become text with lk.as_string.",
            ) from None
    return array


def _survives(before: np.ndarray, after: np.ndarray) -> bool:
    kind = after.dtype.kind
    if kind == "f":  # rounding is allowed; a finite number must not become infinite
        return bool(np.isfinite(after).all()) or bool(np.array_equal(np.isfinite(before), np.isfinite(after)))
    if kind == "b":
        return bool(np.isin(before, (0, 1)).all())
    if before.dtype.kind == "f" and not (np.isfinite(before).all() and (np.abs(before) < 2.0**63).all()):
        return False
    return bool((after == before).all()) and bool(((after < 0) == (before < 0)).all())


def _short(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "..."


def to_tensor(value: Any, dtype: dt.DType | None = None, name: str | None = None) -> Tensor:
    """A tensor of the default graph for a tensor, variable, number, array or list.

    Raises:
        DTypeError: the value has another dtype, or does not survive conversion to `dtype`.
    """
    if not isinstance(value, Tensor) and hasattr(value, "as_tensor"):
        value = value.as_tensor()
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype is not dtype:
            raise DTypeError(
                f"{value!r} has another dtype",
                rule=f"{dtype.name} is needed",
                received=value.dtype.name,
                fix=f"Use lk.cast({value.op.name}, lk.{dtype.name}).",
            )
        return value
    if isinstance(value, list | tuple) and holds_tensors(value):
        return _packed(value, dtype)
    array = np.array(as_array(value, dtype))  # a copy: the graph does not follow later changes of the user's array
    graph = get_default_graph()
    return operand(graph, array) if name is None else graph.apply("Const", [], {"value": array}, name).outputs[0]


def holds_tensors(values: Any) -> bool:
    """Whether a list holds a tensor or variable, at any depth of lists."""
    return any(
        holds_tensors(x) if isinstance(x, list | tuple) else isinstance(x, Tensor) or hasattr(x, "as_tensor")
        for x in values
    )


def _packed(values: Any, dtype: dt.DType | None) -> Tensor:
    """A list that holds tensors, as one tensor; its numbers take the tensors' dtype."""
    dtype = dtype or next(x.dtype for x in _leaves(values) if isinstance(x, Tensor) or hasattr(x, "as_tensor"))
    return OPERATORS["stack"]([to_tensor(x, dtype) for x in values])


def _leaves(values: Any) -> Iterator[Any]:
    for x in values:
        if isinstance(x, list | tuple):
            yield from _leaves(x)
        else:
            yield x


def to_tensors(*values: Any, dtype: dt.DType | None = None) -> tuple[Tensor, ...]:
    """Tensors for operands that meet: what is no tensor takes the dtype of the first tensor among them."""
    for value in values:
        if isinstance(value, Tensor) or hasattr(value, "as_tensor"):
            dtype = dtype or value.dtype
            return tuple(_meeting(x, value, dtype) for x in values)
    first = to_tensor(values[0], dtype)
    return (first, *(to_tensor(x, first.dtype) for x in values[1:]))


def _meeting(x: Any, tensor: Any, dtype: dt.DType) -> Tensor:
    """An operand beside `tensor`; what is no tensor takes the dtype."""
    if isinstance(x, Tensor) or hasattr(x, "as_tensor"):
        return to_tensor(x)
    try:
        return to_tensor(x, dtype)
    except DTypeError as error:
        if dtype.is_floating or dtype is dt.string or _is_text(x):
            raise
        fix = f"Cast the tensor that it meets: lk.cast({tensor.op.name}, lk.float32)."
        what = f"A value beside {tensor.name} cannot become {dtype.name} without loss"
        raise DTypeError(what, rule=error.rule, received=error.received, fix=fix) from None


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor of the default graph for a tensor, variable, number, array or list.

    Raises:
        DTypeError: a tensor of another dtype than the given one, or a value that does not survive conversion.
    """
    return to_tensor(value, None if dtype is None else dt.as_dtype(dtype), name or "Const")
