"""What models accept as data: checks, and the one conversion to the arrays that are fed."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk
from labkit.core.convert import as_array
from labkit.core.shapes import compatible, show
from labkit.errors import FeedError, InvalidArgumentError, ShapeError


def numeric(data: Any, what: str) -> np.ndarray:
    """`data` as an array of numbers or bools with at least one dimension.

    Raises:
        FeedError: it is something else, e.g. text, or rows of different lengths.
    """
    try:
        array = np.asarray(data)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise FeedError(
            f"{what} is no array of numbers",
            rule="Data are arrays [examples, ...], or what NumPy converts to one",
            received=type(data).__name__ if array.ndim == 0 else f"an array of {array.dtype}",
            fix="Stack the examples into one array; encode text as numbers first.",
        )
    return array


def inputs_array(x: Any, placeholder: lk.Tensor, model: str) -> np.ndarray:
    """`x` as it is fed to the model's input: contiguous, of its dtype and shape.

    A one-dimensional array fits a model whose examples are single numbers.

    Raises:
        FeedError, ShapeError: it does not fit.
    """
    array = numeric(x, "x")
    expected = placeholder.shape.as_list()
    if array.ndim == 1 and expected == [None, 1]:
        array = array[:, None]
    if not compatible(array.shape, placeholder.dims):
        missing_channel = array.ndim == len(expected) - 1 and expected[-1] == 1
        raise ShapeError(
            f"x does not fit the input of model {model!r}",
            rule=f"The model takes arrays of shape {show(placeholder.dims)}",
            received=f"shape {show(array.shape)}",
            fix="Add the channel with x[..., None]." if missing_channel else "Reshape the data, or the model's Input.",
        )
    return as_array(array, placeholder.dtype)


def targets_array(y: Any, placeholder: lk.Tensor | None, outputs: lk.Tensor) -> np.ndarray:
    """`y` as it is fed. The first targets of a model decide what that is: whole numbers and bools become int64 (class
    numbers), others the model's dtype; later ones are converted to that.

    Numbers [examples] fit a model with one output [examples, 1]: they get that second dimension, so that they are not
    broadcast against each other.

    Raises:
        FeedError: y is no array of numbers, or loses its fractions.
        ShapeError: the examples' shape differs from the first targets'.
    """
    array = numeric(y, "y")
    if array.ndim == 1 and outputs.shape.as_list() == [None, 1]:
        array = array[:, None]
    if placeholder is None:
        return as_array(array, lk.int64 if array.dtype.kind in "biu" else outputs.dtype)
    expected = placeholder.shape.as_list()[1:]
    if list(array.shape[1:]) != expected:
        raise ShapeError(
            "y has another shape than the targets that the model was first given",
            rule=f"It has shape {show(placeholder.dims)}",
            received=f"shape {show(array.shape)}",
            fix="Encode all targets alike.",
        )
    if placeholder.dtype.is_integer and array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise FeedError(
            "y has fractions, but the model was first given whole numbers as targets",
            received=f"an array of {array.dtype}",
            fix="Pass the first targets as floats too: y.astype('float32').",
        )
    return as_array(array, placeholder.dtype)


def require_pairs(x: np.ndarray, y: np.ndarray) -> None:
    """Raises FeedError unless x and y hold the same number of examples, at least one."""
    if len(x) != len(y) or not len(x):
        raise FeedError(
            "x and y do not belong together",
            rule="Both hold the same number of examples, at least one",
            received=f"{len(x)} examples in x, {len(y)} in y",
            fix="Pass the labels of exactly these examples.",
        )


def positive(value: Any, what: str) -> int:
    """`value` as an int.

    Raises:
        InvalidArgumentError: it is no whole number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidArgumentError(f"{what} must be a whole number above 0", received=repr(value))
    return int(value)
