"""check_constraint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import evaluate, require, title

SHAPES = ((3,), (4, 2), (2, 2, 3, 2), (0, 3))


def check_constraint(
    constraint: Callable[[Any], lk.Tensor], shapes: Sequence[tuple[int, ...]] = SHAPES, *, projects: bool = True
) -> None:
    """Checks that a constraint keeps its contract.

    For each shape, in float32 and float64: the result has the weights' shape and dtype, is finite, for weights of zeros
    too, and holds no state and no random number. Weights that were taken into the set stay there: a second time changes
    nothing but the last digits. An optimizer's step ends with it, natively, and a stretch of steps gives the bits of
    single ones.

    Args:
        shapes: those of the weights to try, where it does not take weights of every shape.
        projects: False for one that goes only part of the way at each step.

    Raises:
        AssertionError: it does not.
    """
    name, random = title(constraint), np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for shape in shapes:
            for weights in (2 * random.normal(size=shape), np.zeros(shape)):
                weights = weights.astype(dtype)
                once = evaluate(constraint, weights)
                require(once.shape == shape, f"{name} gives shape {once.shape} for {shape}")
                require(once.dtype == dtype, f"{name} gives {once.dtype} for {np.dtype(dtype)}")
                require(np.isfinite(once).all(), f"{name} gives {once} for {weights}")
                same = not projects or np.allclose(evaluate(constraint, once), once, 1e-6, 1e-7)
                require(same, f"{name} changes weights of shape {shape} that it has just put right")
    _check_in_optimizer(constraint, name, max(shapes, key=np.prod))


def _check_in_optimizer(constraint: Any, name: str, shape: tuple[int, ...]) -> None:
    """Gradient descent along a fixed gradient: one step against the constraint of the moved weights, three against one."""
    random = np.random.default_rng(1)
    start, gradient = random.normal(size=shape), random.normal(size=shape)
    with lk.Graph().as_default() as graph, lk.Session() as session:
        variable = lk.Variable(start, name="weights", constraint=constraint)
        before = len(graph.operations)
        constraint(variable)
        made = [op.name for op in graph.operations[before:] if op.counters or op.type == "VariableV2"]
        require(not made, f"{name} keeps state or draws numbers: {', '.join(made)}")
        step = lk.optimizers.SGD(0.5).minimize(lk.reduce_sum(variable * lk.constant(gradient)))
        session.run(variable.initializer)
        session.run(step)
        found, wanted = session.read(variable), evaluate(constraint, start - 0.5 * gradient)
        require(np.allclose(found, wanted, 1e-9, 1e-12), f"{name}: a step of descent gives {found}, not {wanted}")
        session.run(step, steps=2)
        stretch = session.read(variable)
        session.run(variable.initializer)
        for _ in range(3):
            session.run(step)
        require(np.array_equal(session.read(variable), stretch), f"{name}: native steps differ from single ones")
