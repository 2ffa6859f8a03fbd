"""Constraints on the lengths of vectors of weights: MaxNorm, UnitNorm, MinMaxNorm.

Each scales the vectors that lie along `axis`. The weights of a Dense layer are [inputs, units]: with axis 0 a vector is
what one unit weighs its inputs by. The filters of a Conv2D layer are [height, width, channels, filters]: axis (0, 1, 2)
takes each filter as one vector.
"""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.constraints.base import Constraint
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError


class MaxNorm(Constraint):
    """y = w · min(1, max_value / ‖w‖): vectors that are longer than max_value are cut to it, the others do not change a
    bit (Srebro, Rennie and Jaakkola 2004; with dropout: Srivastava et al. 2014, section 5.1).

    Args:
        max_value: the greatest Euclidean length, above 0.
        axis: the axis, or a list or tuple of the axes, along which a vector lies.

    Raises:
        InvalidArgumentError: a setting is not allowed.
        ShapeError: (when called) the weights have no such axis.
    """

    def __init__(self, max_value: float = 2.0, axis: Any = 0) -> None:
        self.max_value, self.axis = check_number(self, "max_value", max_value, 0.0, above=True), _axis(self, axis)

    def __call__(self, weights: Any) -> lk.Tensor:
        return weights * (self.max_value / lk.maximum(_lengths(weights, self.axis), self.max_value))


class UnitNorm(Constraint):
    """y = w / ‖w‖: every vector gets the length 1, as in weight normalisation (Salimans and Kingma 2016, section 2). One
    of zeros has no direction and stays.

    Args:
        axis: the axis, or a list or tuple of the axes, along which a vector lies.

    Raises:
        InvalidArgumentError: the setting is not allowed.
        ShapeError: (when called) the weights have no such axis.
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _axis(self, axis)

    def __call__(self, weights: Any) -> lk.Tensor:
        lengths = _lengths(weights, self.axis)
        return weights / lk.where(lk.equal(lengths, 0.0), lk.ones_like(lengths), lengths)


class MinMaxNorm(Constraint):
    """y = w · (1 + rate · (clip(‖w‖, min_value, max_value) / ‖w‖ - 1)): vectors that are too short or too long are moved
    to the limit, or, with a rate below 1, by that part of the way at each step. A vector of zeros has no direction and
    stays. (As Keras has it.)

    Args:
        min_value, max_value: the least and greatest Euclidean length, 0 <= min_value <= max_value, max_value above 0.
        rate: above 0, at most 1.
        axis: the axis, or a list or tuple of the axes, along which a vector lies.

    Raises:
        InvalidArgumentError: a setting is not allowed.
        ShapeError: (when called) the weights have no such axis.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = check_number(self, "min_value", min_value, 0.0)
        self.max_value = check_number(self, "max_value", max_value, 0.0, above=True)
        self.rate = check_number(self, "rate", rate, 0.0, 1.0, above=True)
        self.axis = _axis(self, axis)
        if self.min_value > self.max_value:
            raise InvalidArgumentError(
                "MinMaxNorm leaves no length",
                rule="min_value is at most max_value",
                received=f"min_value={min_value!r}, max_value={max_value!r}",
            )

    def __call__(self, weights: Any) -> lk.Tensor:
        lengths = _lengths(weights, self.axis)
        wanted = lk.clip_by_value(lengths, self.min_value, self.max_value)
        too_far = lk.divide_no_nan(wanted - lengths, lengths)  # exactly 0 for a length that is allowed
        return weights * (1.0 + self.rate * too_far)


def _lengths(weights: Any, axis: Any) -> lk.Tensor:
    return lk.reduce_euclidean_norm(weights, axis=axis, keepdims=True)


def _axis(owner: object, axis: Any) -> Any:
    """A whole number, or a tuple of different ones."""
    axes = axis if isinstance(axis, list | tuple) else (axis,)
    if not axes or any(isinstance(a, bool) or not isinstance(a, int) for a in axes) or len(set(axes)) < len(axes):
        raise InvalidArgumentError(
            f"{type(owner).__name__} cannot use this axis",
            rule="It is a whole number, or a list or tuple of different ones",
            received=f"axis={axis!r}",
            fix="Dense kernels take axis=0, Conv2D kernels axis=(0, 1, 2).",
        )
    return tuple(axis) if isinstance(axis, list) else axis
