"""check_activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import check_each_example_alone, check_gradient, evaluate, require, title


def check_activation(activation: Callable[[Any], lk.Tensor], largest: float = 1e4) -> None:
    """Checks that an activation keeps its contract.

    It gives the shape and dtype of its input, works on batches of unknown size and on each example alone with the same
    bits, is finite for inputs up to `largest` in size, and its gradient agrees with central differences (inputs are 0.1 or
    more away from 0, where a kink may be).

    Args:
        largest: above 1; 50, say, for one that grows as e^x.

    Raises:
        AssertionError: it does not.
    """
    name, random = title(activation), np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for shape in ((4, 7), (3, 5, 2, 3)):
            x = random.normal(size=shape).astype(dtype)
            y = check_each_example_alone(activation, name, x)
            require(y.shape == shape, f"{name} gives shape {y.shape} for {shape}")
            require(y.dtype == dtype, f"{name} gives {y.dtype} for {np.dtype(dtype)}")
        extreme = evaluate(activation, np.array([[-largest, -50, -1, 0, 1, 50, largest]], dtype))
        require(np.isfinite(extreme).all(), f"{name} gives {extreme} for inputs from {-largest:,g} to {largest:,g}")
    x = random.normal(size=(2, 5))
    check_gradient(activation, x + 0.1 * np.sign(x))
