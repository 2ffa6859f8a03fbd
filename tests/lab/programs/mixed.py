"""Trials of every kind in one sweep: hand-written loops, networks on arrays and on a pipeline, and some that go wrong."""

import ctypes
import dataclasses
import os
import subprocess
import sys
import time
from typing import Literal

import numpy as np

import labkit as lk


@dataclasses.dataclass
class Config:
    kind: Literal["loop", "arrays", "pipeline", "child", "raise", "segfault", "nan", "exit"] = "loop"
    rate: float = 0.05
    steps: int = 40
    pause: float = 0.01  # seconds a step of a loop


@lk.experiment(metric="loss")
def mixed(config: Config, trial: lk.Trial):
    """Does a sweep of all kinds survive?"""
    if config.kind in ("arrays", "pipeline"):
        return network(config, trial)
    if config.kind == "child":  # a process that only its group's end ends
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    state = trial.restore() or {"w": np.zeros(2), "step": 0}
    w, step = state["w"], state["step"]
    while step < config.steps:
        w = w - config.rate * (2 * (w - 3) + 0.1 * np.random.randn(2))
        step += 1
        time.sleep(config.pause)
        if step == 10 and config.kind == "raise":
            raise ValueError("no such luck")
        if step == 10 and config.kind == "segfault":
            ctypes.string_at(0)
        if step == 10 and config.kind == "exit":
            os._exit(3)
        trial.report(step, loss=np.nan if config.kind == "nan" and step == 10 else float(((w - 3) ** 2).sum()))
        if step % 5 == 0:
            trial.save({"w": w, "step": step})


def network(config: Config, trial: lk.Trial):
    data = trial.data("synthetic_digits", train=300, validation=100, test=100)
    train = data
    if config.kind == "pipeline":
        train = lk.data.Dataset.from_tensor_slices((data.train.images, data.train.labels))
        train = train.shuffle(300, seed=trial.seed).map(moved, num_parallel=2, seed=trial.seed).batch(30)
    model = lk.Sequential([lk.Input((28, 28, 1)), lk.layers.Flatten(), lk.layers.Dropout(0.2), lk.layers.Dense(10)])
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lk.optimizers.Adam(config.rate), loss, metrics=["accuracy"])
    trial.fit(
        model, train, steps=10 * config.steps, batch_size=None if config.kind == "pipeline" else 30,
        validation=data.validation, checkpoint_every=40, restore_best_weights=True,
    )  # fmt: skip
    trial.evaluate(model, data)


def moved(image, label, rng):
    return np.roll(image, rng.integers(-2, 3, 2), (0, 1)), label
