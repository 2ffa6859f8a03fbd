"""check_schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import require, title

STEPS = (0, 1, 7, 10, 11, 99, 100, 101, 1000, 123456)


def check_schedule(schedule: Callable[[Any], lk.Tensor], steps: Sequence[int] = STEPS) -> np.ndarray:
    """Checks that a schedule keeps its contract.

    For steps of float32 and float64, as a placeholder and as a variable: the rate is a scalar of a floating dtype, known
    while the graph is built; it is finite, and in both dtypes the same up to rounding. It makes no variable and draws no
    random number, so that it follows from the step alone. An optimizer can use it.

    Returns:
        The rates at `steps`, in the precision of a float64 step.

    Raises:
        AssertionError: it does not.
    """
    name, found = title(schedule), []
    for dtype in (lk.float32, lk.float64):
        with lk.Graph().as_default() as graph, lk.Session() as session:
            step = lk.placeholder(dtype, [])
            rate = lk.convert_to_tensor(schedule(step))
            made = [op.name for op in graph.operations if op.counters or op.type == "VariableV2"]
            require(not made, f"{name} keeps state or draws numbers: {', '.join(made)}")
            require(rate.dtype.is_floating, f"{name} gives {rate.dtype.name}")
            require(rate.shape.rank == 0, f"{name} gives a tensor of shape {rate.shape}, no scalar")
            found.append(np.asarray([session.run(rate, {step: number}) for number in steps], np.float64))
    require(np.isfinite(found[1]).all(), f"{name} gives rates that are not finite: {found[1]} at {steps}")
    require(
        np.allclose(found[0], found[1], rtol=1e-4, atol=1e-6),
        f"{name} gives other rates in float32: {found[0]} and {found[1]}",
    )
    _check_in_optimizer(schedule, name)
    return found[1]


def _check_in_optimizer(schedule: Any, name: str) -> None:
    """Three steps of gradient descent on -w move w by the first three rates."""
    with lk.Graph().as_default(), lk.Session() as session:
        w = lk.Variable(0.0, dtype=lk.float64)
        optimizer = lk.optimizers.SGD(schedule)
        step = optimizer.minimize(lk.negative(w))
        session.run(lk.global_variables_initializer())
        session.run(step, steps=3)
        rates = [schedule(lk.constant(float(number), lk.float64)) for number in range(3)]
        moved, wanted = session.read(w), float(sum(session.run(rates)))
        require(abs(moved - wanted) <= 1e-6 * abs(wanted), f"{name}: three steps moved by {moved}, not by {wanted}")
