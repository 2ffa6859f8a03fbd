"""All the ways a trial can end."""

import ctypes
import dataclasses
import os
import subprocess
import sys
import threading
import time
from typing import Literal

import labkit as lk


@dataclasses.dataclass
class Config:
    how: Literal[
        "well", "raise", "segfault", "kill", "nan", "leave", "wait", "exit", "loop", "memory", "child", "flood", "close",
        "junk", "report", "thread",
    ] = "well"  # fmt: skip
    rate: float = 1.0


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
    if config.how == "exit":
        os._exit(3)
    while config.how == "loop":
        pass
    kept = []
    while config.how == "memory":
        kept.append(b"x" * 20_000_000)
        time.sleep(0.01)
    if config.how == "child":
        code = "import time; kept = [b'x' * 20_000_000 for _ in range(100)]; time.sleep(100)"
        subprocess.run([sys.executable, "-c", code], check=True)
    if config.how == "flood":
        for _ in range(200):
            sys.stderr.write("x" * 999_999 + "\n")
    if config.how == "close":
        os.closerange(3, 100)
    if config.how == "report":
        trial.report(1, loss="low")
    if config.how == "thread":
        threading.Thread(target=time.sleep, args=(1000,)).start()
    for step in range(1, 4 if config.how != "wait" else 10_000):
        if config.how == "wait":
            time.sleep(0.01)
        trial.report(step, loss=float("nan") if config.how == "nan" and step == 2 else config.rate / step)
    return object() if config.how == "junk" else None
