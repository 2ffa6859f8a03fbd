"""A trial that starts a process, and keeps the interpreter for itself."""

import dataclasses
import subprocess
import sys

import labkit as lk


@dataclasses.dataclass
class Config:
    seconds: int = 100  # that the process would take


@lk.experiment(metric="loss")
def busy(config: Config, trial: lk.Trial):
    """What is left of it when its runner dies?"""
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({config.seconds})"])
    print("begins")
    while True:
        sum(range(1000))
