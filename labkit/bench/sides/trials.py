"""How a side of the sweep benchmark is asked and answers.

Run as a program, `python NAME_sweep.py TASK`, with the interpreter of the environment that has the library. TASK is JSON:

    {"network": the network, "steps": of a trial, "trials": their number, "jobs": at a time, "folder": for what stays}

Learning rates are drawn from RATES. When the results of all trials are durable it says so with an empty line; then comes
a line of JSON: {"version": text, "ends": wall time at which each trial was over, "costs": the figure of each}.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

RATES = (1e-4, 1e-1)

Task = dict[str, Any]


def answer(sweep: Callable[[Task], Callable[[], dict[str, Any]]]) -> None:
    """Does what the command line asks for. `sweep` runs the trials; what it gives back then looks up what to tell.

    What the libraries print goes to standard error: standard output is for answers alone.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    told = sweep(json.loads(sys.argv[1]))
    answers.write("\n")
    answers.flush()
    answers.write(json.dumps(told()) + "\n")
    answers.flush()
