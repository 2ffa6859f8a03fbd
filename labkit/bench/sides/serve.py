"""The loop of a side: a process that does one library's share of the work when it is asked to.

Run as a program, `python serve.py NAME THREADS`, with the interpreter of the environment that has the library; NAME is
that of a module beside this file, which is imported at the first question: torch_side, say, for whole works and
torch_kernels for single kernels. Where the system can, the process gets as many cores as threads, whatever the library
thinks it may use. Lines of JSON come in and go out:

    {"variants": work}                                ->  {"variants": names of the library's ways to do it}
    {"prepare": work, "variant": name, "threads": n}  ->  {"ready": seconds}
    {"run": units}                                    ->  {"times": seconds of a unit, one figure for each call}
    {"about": true}                                   ->  {"version": text, "peak": bytes of memory at the peak}

What was prepared is called, and a call may do several units, such as the steps of an epoch: its figure is then their mean,
and there are as many calls as fit into the units asked for, one at least. Single kernels are prepared without a question
for variants. An error is answered as {"error": text}. This file and its neighbours import nothing of labkit but in
labkit_side.py and labkit_kernels.py: a peer's environment need not have it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
import traceback
from functools import partial
from typing import Any


def main(name: str, threads: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    # What a library prints goes to standard error: standard output is for answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    side: Any = None
    unit: Any = None
    per_call = 1
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            side = side or importlib.import_module(name)
            if "variants" in asked:
                importing = asked["variants"].get("mode") == "import"
                answer = {"variants": ["import"] if importing else side.variants(asked["variants"])}
            elif "prepare" in asked:
                began = time.perf_counter()
                if asked["variant"] == "import":
                    command = [sys.executable, "-c", "import " + name.removesuffix("_side")]
                    unit, per_call = partial(subprocess.run, command, check=True, stderr=subprocess.DEVNULL), 1
                else:
                    unit, per_call = side.prepare(asked["prepare"], asked["variant"], asked["threads"])
                answer = {"ready": time.perf_counter() - began}
            elif "run" in asked:
                answer = {"times": _times(unit, per_call, asked["run"])}
            else:
                answer = {"version": side.version(), "peak": _peak()}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _peak() -> int:
    """Bytes of memory at this process's peak."""
    try:  # where the kernel tells: getrusage remembers the memory of the process that started this one, too
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _times(unit: Any, per_call: int, count: int) -> list[float]:
    """Seconds of a unit in each call of `unit`, which does `per_call` of the `count` units; of several, the mean."""
    times = []
    for _ in range(max(1, count // per_call)):
        began = time.perf_counter()
        unit()
        times.append((time.perf_counter() - began) / per_call)
    return times


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
