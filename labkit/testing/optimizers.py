"""check_optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import GraphError
from labkit.testing.numeric import require


def check_optimizer(make: Callable[[], Any], steps: int = 20, falls_to: float = 1.0) -> None:
    """Checks that an optimizer keeps its contract, on a small linear regression in float32 and float64, whose loss is a
    quadratic with the minimum 0.

    The loss falls. The operation gives None, steps natively to the same bits as one by one, and repeats to the same
    bits. State is made of variables that are not trainable, and all of it is in `session.state()`: a new program that
    restores it goes on with the same bits. A variable without gradient stays as it is; a loss without variables is
    refused. The loss of rows that were looked up in a table falls, too, natively stepped to the same bits.

    Args:
        make: gives a new optimizer at each call.
        steps: how many steps to take before the loss is compared.
        falls_to: what must be left of the loss then, as a part of the first one: with many steps and a small part it is
            convergence that is checked, which wants settings that suit the problem.

    Raises:
        AssertionError: it does not.
    """
    for dtype in (lk.float32, lk.float64):
        first = _Program(make(), dtype)
        name = repr(first.optimizer)
        begin = first.loss()
        require(first.session.run(first.step) is None, f"{name}: running the operation gives something else than None")
        for _ in range(steps - 1):
            first.session.run(first.step)
        require(
            first.loss() < falls_to * begin, f"{name}: the loss went from {begin} to {first.loss()} in {steps} steps"
        )
        again = _Program(make(), dtype)
        again.session.run(again.step, steps=steps)
        _require_equal(first, again, f"{name}: {steps} native steps differ from {steps} single ones")
        half = _Program(make(), dtype)
        half.session.run(half.step, steps=steps // 2)
        rest = _Program(make(), dtype)
        rest.session.restore_state(half.session.state())
        rest.session.run(rest.step, steps=steps - steps // 2)
        _require_equal(first, rest, f"{name}: a restored program does not go on with the same bits")
        _check_rows(make, dtype, steps)
    _check_refusals(make())


class _Program:
    """A linear regression, its variables initialized."""

    def __init__(self, optimizer: Any, dtype: Any) -> None:
        self.optimizer, self.graph = optimizer, lk.Graph()
        random = np.random.default_rng(0)
        x = random.normal(size=(12, 3))
        y = x @ [[1.0], [-2.0], [0.5]] + 0.3
        with self.graph.as_default():
            with lk.name_scope("layer"):
                weights = lk.Variable(random.normal(size=(3, 1)), name="weights", dtype=dtype)
                bias = lk.Variable(np.zeros(1), name="bias", dtype=dtype)
            self.idle = lk.Variable(np.ones(2), name="idle", dtype=dtype)
            trainable = lk.trainable_variables()
            predicted = lk.matmul(lk.constant(x, dtype), weights) + bias
            self._loss = lk.reduce_mean(lk.square(predicted - lk.constant(y, dtype)))
            before = self.graph.get_operations()
            self.step = optimizer.minimize(self._loss)
            require(isinstance(self.step, lk.Operation), f"{optimizer!r}: minimize gives {self.step!r}, no Operation")
            made = [op.name for op in self.graph.get_operations()[len(before) :] if op.type == "VariableV2"]
            state = {variable.op.name for variable in lk.global_variables()}
            require(set(made) <= state, f"{optimizer!r}: its state is not among the global variables")
            require(lk.trainable_variables() == trainable, f"{optimizer!r}: its state is trainable")
            self.session = lk.Session(self.graph)
            self.session.run(lk.global_variables_initializer())

    def loss(self) -> float:
        return float(self.session.run(self._loss))


def _check_rows(make: Callable[[], Any], dtype: Any, steps: int) -> None:
    tables, losses = [], []
    for together in (False, True):
        with lk.Graph().as_default(), lk.Session() as session:
            table = lk.Variable(np.random.default_rng(1).normal(size=(6, 3)), name="table", dtype=dtype)
            loss = lk.reduce_mean(lk.square(lk.gather(table, [4, 0, 4]) - 3.0))
            step = make().minimize(loss)
            session.run(lk.global_variables_initializer())
            losses.append(float(session.run(loss)))
            for _ in range(1 if together else steps):
                session.run(step, steps=steps if together else 1)
            losses.append(float(session.run(loss)))
            tables.append(session.read(table))
    require(
        losses[1] < losses[0], f"{make()!r}: with rows the loss went from {losses[0]} to {losses[1]} in {steps} steps"
    )
    require(
        np.array_equal(tables[0], tables[1]),
        f"{make()!r}: {steps} native steps with rows differ from {steps} single ones",
    )


def _require_equal(one: _Program, other: _Program, message: str) -> None:
    a, b = one.session.state(), other.session.state()
    require(a.keys() == b.keys(), message)
    for name in a:
        require(np.array_equal(a[name], b[name]), f"{message} ({name}: {a[name]!r} and {b[name]!r})")
    idle = one.session.read(one.idle)
    require((idle == 1).all(), f"{one.optimizer!r}: a variable without gradient was changed")


def _check_refusals(optimizer: Any) -> None:
    with lk.Graph().as_default():
        lk.Variable(1.0, name="apart")
        try:
            optimizer.minimize(lk.square(lk.constant(2.0)))
        except GraphError:
            return
    raise AssertionError(f"{optimizer!r}: a loss that depends on no variable is not refused with GraphError")
