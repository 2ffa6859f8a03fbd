"""A rehearsal: a trial of a few steps that the zygote runs before it forks any.

What a process does for the first time is slow: modules that functions import, registries, caches, the interpreter's own
adaption of code to what it is used for, memory that is written to and so no longer shared. Workers inherit all of that.
"""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

import numpy as np

from labkit.core.threads import get_num_threads, set_num_threads
from labkit.io import failpoints
from labkit.lab.executor import Unit
from labkit.lab.worker.link import Link

EXAMPLES, BATCH, STEPS = 40, 10, 10


class _Alone(Link):
    """A link to nobody, who asks for nothing."""

    def __init__(self) -> None:
        self.stop_reason = None

    def send(self, kind: str, **values: Any) -> None:
        pass

    def progress(self, step: int, steps: int | None, metrics: dict[str, float], phase: str = "") -> bool:
        return True


def rehearse() -> None:
    """Trains a small network as a trial does, in a temporary folder. No thread is left, and nothing that a trial could see.

    Nothing is done while fail points are set: they count what the trials do.

    Raises:
        LabkitError, OSError: what a trial could meet, too.
    """
    if failpoints.armed:
        return
    import labkit as lk
    from labkit.lab.worker.trial import Trial

    threads = get_num_threads()
    set_num_threads(1)  # the pool's threads come when they are needed: in the workers
    try:
        with tempfile.TemporaryDirectory(prefix="labkit-rehearsal-") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            unit = Unit(
                file="", experiment="rehearsal", sweep="", number=0, folder=folder, config={"rate": 0.1}, seed=0,
                quick=False, attempt=1, key="",
            )  # fmt: skip
            trial = Trial(unit, _Alone())
            x = np.linspace(-1, 1, 2 * EXAMPLES, dtype=np.float32).reshape(EXAMPLES, 2)
            model = lk.Sequential([lk.Input((2,)), lk.layers.Dense(4, activation="relu"), lk.layers.Dense(1)])
            model.compile(lk.optimizers.Adam(0.1), "mse")
            trial.fit(model, (x, x[:, :1]), steps=STEPS, batch_size=BATCH)
            trial.finish()
    finally:
        set_num_threads(threads)
