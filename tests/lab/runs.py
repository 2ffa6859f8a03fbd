"""Running experiments as users do, and looking at what is left."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import labkit
from labkit.lab.rows import TrialRow
from labkit.lab.store import Store

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(labkit.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "LABKIT_NUM_THREADS": "1"}


def command(program: str, logs: Path, *options: str) -> list[str]:
    file = PROGRAMS / f"{program}.py"  # an absolute path stands for itself
    return [sys.executable, "-P", "-m", "labkit.cli.main", "run", str(file), "--logs", str(logs), *options]


def start(
    program: str, logs: Path, *options: str, made: list[str] | None = None, session: bool = False, **environment: str
) -> subprocess.Popen[str]:
    """Starts `labkit run` on a program, or the command that is `made`."""
    return subprocess.Popen(
        made or command(program, logs, *options),
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=session,
    )


def run(program: str, logs: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    process = start(program, logs, *options, **environment)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def trials(logs: Path) -> list[TrialRow]:
    """The trials of the newest sweep."""
    store = Store(logs)
    try:
        sweeps = store.sweeps()  # none where the command was killed before it began one
        return store.trials(sweeps[-1].id) if sweeps else []
    finally:
        store.close()


def folders(logs: Path) -> list[Path]:
    return sorted(logs.glob("*/*/t*"))


def table(logs: Path) -> list[dict[str, str]]:
    """The table's rows, without the time they took."""
    (path,) = logs.glob("*/*/report/results.csv")
    with path.open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def figures(logs: Path) -> list[tuple]:
    """All figures that the store has of the newest sweep, those on the way and the final ones: trial, step, name, value."""
    store = Store(logs)
    try:
        history = store.history(store.sweeps()[-1].id)
    finally:
        store.close()
    return sorted(
        (n, -1 if step is None else step, name, repr(v)) for n, step, each in history for name, v in each.items()
    )


def left_behind(logs: Path) -> dict[str, bytes]:
    """What must be the same to the bit, interrupted or not: tables aside, every series, prediction and final weight."""
    names = ("metrics.jsonl", "predictions.npz", "checkpoints/final/weights.data-00000-of-00001")
    found = {f"{folder.name}/{name}": folder / name for folder in folders(logs) for name in names}
    return {name: path.read_bytes() for name, path in found.items() if path.exists()}


def descendants(pid: int) -> list[tuple[int, int]]:
    """(process, parent) of all that a process started and that still run, parents first."""
    found = []
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    for child in children:
        found += [(child, pid), *descendants(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
