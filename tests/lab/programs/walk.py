"""A hand-written loop: a noisy walk towards 3, which saves every fifth step."""

import dataclasses
import random
import time

import numpy as np

import labkit as lk


@dataclasses.dataclass
class Config:
    rate: float = 0.1  # step size
    steps: int = 20
    pause: float = 0.0  # seconds a step
    kind: str = "plain"
    sizes: list[int] = dataclasses.field(default_factory=lambda: [1, 2])


@lk.experiment(metric="loss", quick={"steps": 5})
def walk(config: Config, trial: lk.Trial):
    """Does w reach 3?"""
    state = trial.restore() or {"w": np.zeros(2), "step": 0}
    w, step = state["w"], state["step"]
    while step < config.steps:
        w = w - config.rate * (2 * (w - 3) + 0.1 * np.random.randn(2) + 0.01 * random.gauss(0, 1))
        step += 1
        time.sleep(config.pause)
        trial.report(step, loss=float(((w - 3) ** 2).sum()))
        if step % 5 == 0:
            trial.save({"w": w, "step": step})
