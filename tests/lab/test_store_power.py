"""The store after a loss of power at every moment: what was reported committed is there, SQLite's own files included."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from labkit.errors import NotFoundError
from labkit.lab.find import open_store
from tests.io.power import VARIANTS, Disk, crashes, record_program

from .runs import ENVIRONMENT, PROGRAMS

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def violations(
    tmp_path: Path, journal: str, trials: int, repeats: int = 1, variants: Sequence[tuple[str, str]] = VARIANTS
) -> tuple[int, list[str]]:
    """How many states of the disk were looked at, and what was wrong in them."""
    root = tmp_path / "root"
    root.mkdir()
    disk = Disk(root)
    command = [sys.executable, "-P", str(PROGRAMS / "stored.py"), str(root / "logs"), journal, str(trials)]
    path = {"PYTHONPATH": ENVIRONMENT["PYTHONPATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    everything = record_program(command, tmp_path / "trace", **path)
    begin = everything.index(("mark", "begin\n"))
    operations = everything[begin + 1 :]
    assert ("mark", "removed 1\n") in operations, everything[-3:]
    looked, wrong = 0, []
    for done, folder in crashes(disk, operations, tmp_path / "disk", repeats, variants):
        acknowledged = {operation[1].strip() for operation in operations[:done] if operation[0] == "mark"}
        looked += 1
        try:
            problem = problems(folder / "logs", acknowledged, trials)
        except Exception as error:
            problem = repr(error)
        if problem:
            wrong.append(f"after {done} of {len(operations)} operations, {sorted(acknowledged)}: {problem}")
    return looked, wrong


def problems(logs: Path, acknowledged: set[str], trials: int) -> str:
    try:
        store = open_store(logs)
    except NotFoundError:
        return "no store" if acknowledged else ""
    try:
        if store._query("PRAGMA integrity_check") != [("ok",)] or store._query("PRAGMA foreign_key_check"):
            return "damaged"
        sweeps = store.sweeps()
        found = {trial.number: trial for row in sweeps for trial in store.trials(row.id)}
        final = store.metrics(sweeps[0].id) if sweeps else {}
        if "planned" in acknowledged and not set(range(2, trials + 1)) <= found.keys():
            return f"trials are missing: {sorted(found)}"
        for number in range(1, trials + 1):
            if f"completed {number}" not in acknowledged or number not in found:
                continue
            if found[number].state != "COMPLETED" or final[number] != {"loss": number / 7}:
                return f"trial {number} is {found[number].state} with {final.get(number)}"
        if "removed 1" in acknowledged and (1 in found or (logs / sweeps[0].folder / "t0001").exists()):
            return "what was removed is there"
        if f"completed {trials}" in acknowledged and "removed 1" not in acknowledged and 1 not in found and sweeps:
            return "" if not (logs / sweeps[0].folder / "t0001").exists() else "rows are gone, files are there"
        return ""
    finally:
        store.close()


def test_what_was_reported_is_there(tmp_path: Path) -> None:
    variants = [("none", "none"), ("all", "none"), ("some", "some")]
    looked, wrong = violations(tmp_path, "PERSIST", trials=1, variants=variants)
    assert looked > 300
    assert wrong == []


@pytest.mark.ci
def test_a_journal_that_is_removed_would_lose_commits(tmp_path: Path) -> None:
    """What SQLite does by default: that the journal is gone does not reach the disk, and undoes the commit when it is back."""
    _, wrong = violations(tmp_path, "DELETE", trials=1, variants=[("none", "all"), ("all", "all")])
    assert any("trial 1 is PENDING" in each for each in wrong)
    assert not any("damaged" in each for each in wrong)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_many_losses_of_power(tmp_path: Path) -> None:
    looked, wrong = violations(tmp_path, "PERSIST", trials=5, repeats=4)
    print(f"{looked} states of the disk, {len(wrong)} violations")
    assert wrong == []
