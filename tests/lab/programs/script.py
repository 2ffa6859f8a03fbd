"""A program that runs a sweep by itself: `python script.py LOGS`."""

import dataclasses
import sys
import time

import numpy as np

import labkit as lk
from labkit.lab.progress import PlainProgress


@dataclasses.dataclass
class Config:
    rate: float = 0.1
    steps: int = 20


@lk.experiment(metric="loss")
def script(config: Config, trial: lk.Trial):
    """Does w reach 3?"""
    state = trial.restore() or {"w": np.zeros(2), "step": 0}
    w, step = state["w"], state["step"]
    while step < config.steps:
        w = w - config.rate * (2 * (w - 3) + 0.1 * np.random.randn(2))
        step += 1
        time.sleep(0.01)
        trial.report(step, loss=float(((w - 3) ** 2).sum()))
        if step % 5 == 0:
            trial.save({"w": w, "step": step})


if __name__ == "__main__":
    said = PlainProgress(lambda line: print(line, file=sys.stderr, flush=True))
    lk.run(script, sweep={"rate": [0.01, 0.05, 0.1, 0.2]}, seeds=3, jobs=2, logs=sys.argv[1], progress=said)
