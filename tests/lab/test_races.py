"""Runners that start together: on one sweep one of them wins; on several sweeps of a store none disturbs another."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from labkit.errors import StoreError
from labkit.lab.experiments import load
from labkit.lab.find import open_store
from labkit.lab.runner import run_sweep
from labkit.lab.sweep import plan
from tests.io.forks import run_in_new_process
from tests.lab.instant import Instant

from .runs import PROGRAMS, start, trials

RUNNERS = 8
WALK = PROGRAMS / "walk.py"


def one_round(logs: Path, together: bool) -> list[dict]:
    """Eight processes begin to run at the same moment: one sweep, or a sweep each of 20 trials. What each of them said."""
    sweeps = [plan(load(WALK), sets={} if together else {"rate": (n + 1) / 10}) for n in range(RUNNERS)]
    for sweep in sweeps:
        sweep.row(0)  # what a runner computes once, so that all come to the store together
    begin, started = os.pipe()
    told, tell = os.pipe()
    children = []
    for sweep in sweeps:
        pid = os.fork()
        if pid:
            children.append(pid)
            continue
        status = 1
        try:
            os.close(started)
            os.read(begin, 1)  # until the parent closes its end
            said = one_runner(sweep, logs, together)
            os.write(tell, json.dumps(said).encode() + b"\n")
            status = 0
        finally:
            os._exit(status)
    os.close(begin)
    os.close(started)
    os.close(tell)
    with os.fdopen(told) as answers:
        found = []
        for line in answers:
            found.append(json.loads(line))
            if together and len(found) == RUNNERS - 1:
                (logs / "go").touch()  # the losers are gone
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * RUNNERS
    return found


def one_runner(sweep, logs: Path, together: bool) -> dict:
    deadline = time.monotonic() + 30

    def gate() -> None:
        while together and not (logs / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.005)

    executor = Instant(jobs=2, gate=gate)
    began = time.monotonic()
    try:
        outcome = run_sweep(sweep, seeds=3 if together else 20, logs=logs, executor=executor)
    except StoreError as error:
        return {"won": False, "said": str(error), "seconds": time.monotonic() - began, "pid": os.getpid()}
    states = {trial.state for trial in outcome.trials}
    return {"won": states == {"COMPLETED"}, "said": str(states), "started": executor.started, "pid": os.getpid()}


def race(folder: str, rounds: str, together: str) -> None:
    slowest, waits = 0.0, []
    for n in range(int(rounds)):
        logs = Path(folder) / str(n)
        logs.mkdir()
        began = time.monotonic()
        found = one_round(logs, bool(together))
        waits.append(time.monotonic() - began)
        winners = [each for each in found if each["won"]]
        assert not [each for each in found if "locked" in each["said"]], found
        if together:
            assert len(winners) == 1, found
            assert sorted(winners[0]["started"]) == [1, 2, 3]
            for each in found:
                if not each["won"]:
                    assert f"Another runner works on this sweep: process {winners[0]['pid']} on " in each["said"], found
                    slowest = max(slowest, each["seconds"])
        else:
            assert len(winners) == RUNNERS, found
        store = open_store(logs)
        assert store._query("PRAGMA integrity_check") == [("ok",)]
        assert store._query("PRAGMA foreign_key_check") == []
        counts = store.counts()
        store.close()
        expected = [{"COMPLETED": 3}] if together else [{"COMPLETED": 20}] * RUNNERS
        assert list(counts.values()) == expected
        shutil.rmtree(logs)
    assert slowest < 2.0, f"a loser left after {slowest:.2f} s"
    what = f"the slowest loser left after {slowest:.2f} s" if together else f"the slowest round took {max(waits):.2f} s"
    print(f"{rounds} rounds, {what}")


@pytest.mark.parametrize("together", ["yes", ""], ids=["one sweep", "eight sweeps"])
def test_runners_that_start_together(tmp_path: Path, together: str) -> None:
    print(run_in_new_process(race, str(tmp_path), "2", together))


@pytest.mark.ci
@pytest.mark.parametrize("together", ["yes", ""], ids=["one sweep", "eight sweeps"])
def test_ten_rounds_of_runners(tmp_path: Path, together: str) -> None:
    print(run_in_new_process(race, str(tmp_path), "10", together))


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("together", ["yes", ""], ids=["one sweep", "eight sweeps"])
def test_two_hundred_rounds_of_runners(tmp_path: Path, together: str, part: int) -> None:
    print(run_in_new_process(race, str(tmp_path), "25", together))


@pytest.mark.ci
def test_eight_commands_on_one_sweep(tmp_path: Path) -> None:
    """The same by the command itself: the losers name the winner."""
    processes = [start("ends", tmp_path, "--set", "how=wait") for _ in range(RUNNERS)]
    try:
        left: dict[int, str] = {}
        deadline = time.monotonic() + 60
        while len(left) < RUNNERS - 1 and time.monotonic() < deadline:
            for process in processes:
                if process.pid not in left and process.poll() is not None:
                    left[process.pid] = process.communicate()[1]
            time.sleep(0.02)
        (winner,) = [process for process in processes if process.pid not in left]
        assert all(f"Another runner works on this sweep: process {winner.pid} on" in text for text in left.values())
        winner.terminate()
        winner.communicate(timeout=30)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
    assert [trial.state for trial in trials(tmp_path)] == ["INTERRUPTED"]
