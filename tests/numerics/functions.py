"""Functions of tensors that random graphs are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import labkit as lk

UNARY: Sequence[Callable[[Any], Any]] = (
    lk.abs, lk.negative, lk.square, lk.exp, lk.tanh, lk.sigmoid, lk.nn.relu, lk.reciprocal, lk.sign, lk.floor, lk.round,
    lk.sin, lk.erf, lk.expm1, lk.identity, lk.stop_gradient, lk.nn.softplus, lk.nn.elu, lk.nn.gelu, lk.nn.relu6,
    lk.nn.leaky_relu, lk.nn.silu, lk.nn.selu, lk.ceil, lk.trunc, lk.cos, lk.atan,
    lambda x: lk.sqrt(lk.abs(x)), lambda x: lk.rsqrt(lk.abs(x) + 0.5), lambda x: lk.log(lk.abs(x) + 0.1),
    lambda x: lk.log1p(lk.abs(x)), lambda x: x * 2.0, lambda x: 1.0 - x, lambda x: x / 3.0, lambda x: 0.5 / (x + 4.0),
    lambda x: x + x, lambda x: x * x, lambda x: x - lk.tanh(x), lambda x: lk.clip_by_value(x, -0.5, 1.5),
    lambda x: x**2, lambda x: lk.maximum(x, 0.0), lambda x: lk.where(x > 0.0, x, lk.exp(x) - 1.0),
)  # fmt: skip
BINARY: Sequence[Callable[[Any, Any], Any]] = (
    lk.add, lk.subtract, lk.multiply, lk.divide, lk.maximum, lk.minimum, lk.squared_difference, lk.atan2,
    lambda a, b: lk.subtract(b, a), lambda a, b: lk.divide(b, a + 0.25), lambda a, b: a * b + a,
    lambda a, b: lk.where(a > b, a, b), lambda a, b: lk.where(lk.is_nan(a), b, a), lk.divide_no_nan, lk.floormod,
    lambda a, b: lk.pow(lk.abs(a), b),
)  # fmt: skip
WHOLE: Sequence[Callable[[Any, Any], Any]] = (
    lk.add, lk.subtract, lk.multiply, lk.maximum, lk.minimum, lk.squared_difference,
    lambda a, b: lk.floordiv(a, lk.maximum(b, lk.ones_like(b))), lambda a, b: lk.where(a > b, a, b),
)  # fmt: skip
COMPARISONS: Sequence[Callable[[Any, Any], Any]] = (lk.less, lk.less_equal, lk.greater, lk.equal, lk.not_equal)
LOGIC: Sequence[Callable[[Any, Any], Any]] = (lk.logical_and, lk.logical_or, lk.logical_xor)
REDUCTIONS: Sequence[Callable[..., Any]] = (lk.reduce_sum, lk.reduce_mean, lk.reduce_max, lk.reduce_min, lk.reduce_prod)
