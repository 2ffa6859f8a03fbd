"""The zygote's rehearsal leaves nothing behind that a trial could see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.runs import ENVIRONMENT

PROGRAM = """
import json, os, sys, tempfile
import numpy as np
import labkit as lk
from labkit.lab import rehearsal
if sys.argv[1] == "rehearsed":
    rehearsal.rehearse()
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
left = os.listdir(tempfile.gettempdir())
loaded = "labkit.summary.events" in sys.modules
lk.set_random_seed(3)
count, operations = lk.get_num_threads(), len(lk.get_default_graph().operations)
model = lk.Sequential([lk.Input((2,)), lk.layers.Dense(3, activation="relu"), lk.layers.Dense(1)])
model.compile("adam", "mse")
x = np.linspace(-1, 1, 80, dtype=np.float32).reshape(40, 2)
model.fit(x, x[:, :1], epochs=2, batch_size=10, verbose=0)
weights = [w.tolist() for w in model.get_weights()]
print(json.dumps([[threads, left, count, operations, model.name, [w.name for w in model.weights], weights], loaded]))
"""


@pytest.mark.parametrize("fail", ["", "write:100000:EIO"])
def test_a_rehearsal_leaves_no_thread_no_file_no_operation_and_changes_no_bit(tmp_path: Path, fail: str) -> None:
    found = {}
    for how in ("rehearsed", "fresh"):
        folder = tmp_path / how
        folder.mkdir()
        environment = {
            **ENVIRONMENT, "TMPDIR": str(folder), "OPENBLAS_NUM_THREADS": "1", "LABKIT_NUM_THREADS": "2", "LABKIT_FAIL": fail,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM, how], env=environment, capture_output=True, text=True, check=True
        )
        found[how] = json.loads(done.stdout)
    assert found["rehearsed"][0] == found["fresh"][0]
    assert found["fresh"][0][:4] == [1, [], 2, 0]
    assert [found["rehearsed"][1], found["fresh"][1]] == [not fail, False]  # fail points count what trials do
