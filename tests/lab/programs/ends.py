"""All the ways a trial can end."""

import ctypes
import dataclasses
import os
import sys
import time
from typing import Literal

import labkit as lk


@dataclasses.dataclass
class Config:
    how: Literal["well", "raise", "segfault", "kill", "nan", "leave", "wait"] = "well"


@lk.experiment(metric="loss")
def ends(config: Config, trial: lk.Trial):
    """How does it end?"""
    print("hello from seed", trial.seed)
    if config.how == "raise":
        raise ValueError("no such luck")
    if config.how == "segfault":
        ctypes.string_at(0)
    if config.how == "kill":
        os.kill(os.getpid(), 9)
    if config.how == "leave":
        sys.exit("leaving early")
    for step in range(1, 4 if config.how != "wait" else 10_000):
        if config.how == "wait":
            time.sleep(0.01)
        trial.report(step, loss=float("nan") if config.how == "nan" and step == 2 else 1.0 / step)
