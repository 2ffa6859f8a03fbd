"""check_regularizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import check_gradient, evaluate, require, title

SHAPES = ((3,), (4, 2), (2, 2, 3, 2), (0, 3))


def check_regularizer(regularizer: Callable[[Any], lk.Tensor], shapes: Sequence[tuple[int, ...]] = SHAPES) -> None:
    """Checks that a regularizer keeps its contract.

    It gives one finite number of the weights' dtype, not below 0, for weights of any rank, for variables, and for
    weights without numbers; its gradient agrees with central differences (weights are 0.1 or more away from 0).

    Args:
        shapes: those of the weights to try, where it does not take weights of every shape.

    Raises:
        AssertionError: it does not.
    """
    name, random = title(regularizer), np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for shape in shapes:
            penalty = evaluate(regularizer, random.normal(size=shape).astype(dtype))
            require(penalty.shape == (), f"{name} gives shape {penalty.shape}; a penalty is one number")
            require(penalty.dtype == dtype, f"{name} gives {penalty.dtype} for {np.dtype(dtype)} weights")
            require(np.isfinite(penalty) and penalty >= 0, f"{name} gives {penalty}; it is finite and at least 0")
    weights = random.normal(size=(4, 3))
    weights += 0.1 * np.sign(weights)
    with lk.Graph().as_default(), lk.Session() as session:
        variable = lk.Variable(weights, name="weights")
        session.run(variable.initializer)
        same = np.array_equal(session.run(regularizer(variable)), evaluate(regularizer, weights))
    require(same, f"{name} gives another number for a variable than for its value")
    check_gradient(regularizer, weights)
