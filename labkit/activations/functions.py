"""The built-in activations: functions of a float tensor of any shape, to one of the same shape and dtype."""

from __future__ import annotations

from typing import Any

import labkit as lk


def linear(x: Any) -> lk.Tensor:
    """y = x: no activation."""
    return lk.convert_to_tensor(x)


def relu(x: Any) -> lk.Tensor:
    """y = max(x, 0). Its gradient at 0 is 0."""
    return lk.nn.relu(x)


def sigmoid(x: Any) -> lk.Tensor:
    """y = 1 / (1 + e^-x): from 0 to 1."""
    return lk.sigmoid(x)


def tanh(x: Any) -> lk.Tensor:
    """y = (e^x - e^-x) / (e^x + e^-x): from -1 to 1."""
    return lk.tanh(x)


def softmax(x: Any) -> lk.Tensor:
    """y = e^x / sum of e^x along the last dimension: probabilities."""
    return lk.nn.softmax(x)
