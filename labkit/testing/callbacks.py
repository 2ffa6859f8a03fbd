"""check_callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.callbacks.base import Callback
from labkit.testing.numeric import require

EPOCHS, INTERRUPTED = 6, 3


def check_callback(make: Callable[[], Any], only_looks: bool = True) -> None:
    """Checks that a callback keeps its contract, in fits of a small model of six epochs, with validation.

    It can be used in one fit after the other, and each is as with a new one. Where it only looks, weights, slots, random
    counters and history are those of a fit without it, to the bit. What it remembers is in `state()`: a fit that was
    interrupted, and goes on in a new model with a new callback that restores the state, ends with the same bits, and the
    callback in the same state.

    Args:
        make: gives a new callback at each call.
        only_looks: False for one that steers training or adds to the logs.

    Raises:
        AssertionError: it does not.
    """
    name = repr(make())
    require(isinstance(make(), Callback), f"{name} is not derived from labkit.callbacks.Callback")
    first, callback = _Training(), make()
    first.fit(callback)
    again = _Training()
    again.fit(callback)
    require(again.equals(first), f"{name}: a second fit with the same callback differs from the first; see reset()")
    if only_looks:
        plain = _Training()
        plain.fit(None)
        require(plain.equals(first), f"{name}: a fit with it differs from one without")
    before, after = make(), make()
    interrupted, resumed = _Training(), _Training()
    try:
        interrupted.fit(before, lk.callbacks.LambdaCallback(on_epoch_end=_interrupt))
    except KeyboardInterrupt:
        state = before.state()
        resumed.model.session.restore_state(interrupted.model.session.state())
        after.restore(state)
        require(_equal(after.state(), state), f"{name}: state() after restore(state) is another one")
        resumed.fit(after, initial_epoch=INTERRUPTED)
    require(
        resumed.equals(first, since=INTERRUPTED) if resumed.rows else len(first.rows) <= INTERRUPTED,
        f"{name}: an interrupted fit does not go on with the same bits; see state()",
    )
    require(
        not resumed.rows or _equal(after.state(), callback.state()),
        f"{name}: after an interrupted fit its state is another one",
    )


def _interrupt(epoch: int, logs: Any) -> None:
    if epoch == INTERRUPTED - 1:
        raise KeyboardInterrupt


class _Training:
    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.x = random.normal(size=(40, 3))
        self.y = self.x @ [[1.0], [-2.0], [0.5]] + 0.1 * random.normal(size=(40, 1))
        layers = lk.layers
        self.model = lk.Sequential(
            [layers.Input((3,), dtype="float64"), layers.Dense(4, "tanh"), layers.Dropout(0.2), layers.Dense(1)]
        )
        self.model.compile(lk.optimizers.Adam(0.02), "mse")
        self.model.training_arrays(self.x, self.y)
        self.model.training_program()
        self.rows: list[dict[str, Any]] = []

    def fit(self, *callbacks: Any, initial_epoch: int = 0) -> None:
        self.rows.clear()
        keep = lk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.rows.append({"epoch": epoch, **logs}))
        given = [callback for callback in callbacks if callback is not None]
        x, y = self.x, self.y
        self.model.fit(
            x, y, batch_size=8, epochs=EPOCHS, validation_data=(x, y), verbose=0, callbacks=[*given, keep],
            initial_epoch=initial_epoch,
        )  # fmt: skip

    def equals(self, other: _Training, since: int = 0) -> bool:
        rows = [row for row in other.rows if row["epoch"] >= since]
        return self.rows == rows and _equal(self.model.session.state(), other.model.session.state())


def _equal(a: Any, b: Any) -> bool:
    """Whether two nests of arrays and plain values hold the same bits."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(_equal, a, b))
    left, right = np.asarray(a), np.asarray(b)
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    return bool(left == right) if left.dtype == object else left.tobytes() == right.tobytes()
