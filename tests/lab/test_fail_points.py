"""Every operation of a runner, one after the other, is the one at which it is killed, or that fails: the next run ends well."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from labkit.errors import LabkitError, NotFoundError
from labkit.io import failpoints, files
from labkit.io.failpoints import failing, reach
from labkit.lab.database import Database
from labkit.lab.experiments import load
from labkit.lab.progress import PlainProgress
from labkit.lab.results import report
from labkit.lab.runner import run_sweep
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep, plan
from tests.io.forks import killed_in_child, run_in_new_process
from tests.lab import killing
from tests.lab.instant import Instant

from .runs import ENVIRONMENT, PROGRAMS, figures, left_behind, table

COMPARED = ("number", "key", "config", "seed", "state", "id", "data", "artefacts")


def made(search: str | None = None) -> Sweep:
    return plan(load(PROGRAMS / "walk.py"), sweeps={"rate": [0.1, 0.2]}, search=search)


def go(sweep: Sweep, logs: Path, points: str = "", **options: object) -> None:
    """A run from the first line to the table, which appends what it says to a file beside the logs."""
    with failing(points):
        lines = os.open(logs.with_suffix(".said"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        progress = PlainProgress(lambda line: os.write(lines, f"{line}\n".encode()))
        try:
            report(run_sweep(sweep, seeds=2, logs=logs, executor=Instant(jobs=2), progress=progress, **options))
        finally:
            os.close(lines)


def statements_are_points() -> None:
    """In this process every statement that goes to SQLite passes the point `sql`."""
    prepare = Database._prepare

    def prepared(self: Database, create: bool) -> None:
        self._db.set_trace_callback(lambda _: reach("sql"))
        prepare(self, create)

    Database._prepare = prepared


def looked_at(logs: Path) -> tuple:
    """What must be the same in the end."""
    found = [tuple(getattr(trial, name) for name in COMPARED) for trial in killing.rows(logs)]
    assert not list(logs.rglob(".labkit-tmp-*"))
    return found, figures(logs), table(logs), left_behind(logs), sorted(p.name for p in logs.rglob("*"))


def said_is_done(logs: Path) -> None:
    path = logs.with_suffix(".said")
    said = killing.said(path.read_text()) if path.exists() else set()
    assert said <= {trial.number for trial in killing.rows(logs) if trial.state == "COMPLETED"}


def at_every_point(folder: str, kind: str, action: str, step: str = "1") -> None:
    """At each (or every so many) of the points, and at the first ones behind the last. Prints how many there are."""
    files._fsync = lambda fd: None
    if action == "kill":
        statements_are_points()
    prepare, work = KINDS[kind](Path(folder))
    prepare(whole := Path(folder) / "whole")
    work(whole)
    expected = looked_at(whole)
    n = 1 - int(step)
    while True:
        n += int(step)
        prepare(logs := Path(folder) / "logs")
        points = f"any:{n}:{action}"
        if action == "kill":
            clean = not killed_in_child(partial(work, logs, points))
        else:
            clean = failed_cleanly(partial(work, logs, points))
        said_is_done(logs)
        work(logs)
        assert looked_at(logs) == expected, points
        if clean:
            break
        shutil.rmtree(logs)
        logs.with_suffix(".said").unlink(missing_ok=True)
    print(n - 1)


def failed_cleanly(work: Callable[[], None]) -> bool:
    """Whether the point was not reached; what fails says in labkit's words what to do."""
    parse, made = failpoints.parse, []

    def parsed(text: str) -> list:
        made[:] = parse(text)
        return list(made)

    failpoints.parse = parsed
    try:
        work()
    except LabkitError as error:
        if not (error.fix or error.rule):
            raise
    finally:
        failpoints.parse = parse
    return made[0].left > 0


def whole_sweep(_: Path) -> tuple[Callable[[Path], object], Callable[..., None]]:
    return (lambda logs: None), partial(go, made())


def random_sweep(_: Path) -> tuple[Callable[[Path], object], Callable[..., None]]:
    return (lambda logs: None), partial(go, made("random"), max_trials=3)


def staged_trials(folder: Path) -> tuple[Callable[[Path], object], Callable[..., None]]:
    """Four trials that were run elsewhere, two of which had begun here before they were staged."""
    options = ("--sweep", "rate=0.1,0.2", "--seeds", "2", "--logs", str(folder / "staged"))
    file = str(PROGRAMS / "walk.py")
    labkit("run", file, *options, "--max-trials", "2", environment={"LABKIT_FAIL": "step:9:kill"})
    labkit("stage", file, *options)
    for path in sorted((folder / "staged").glob("walk/*/t*/staged.json")):
        labkit("run-trial", str(path.parent))
    return partial(shutil.copytree, folder / "staged"), partial(go, made())


def labkit(*arguments: str, environment: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-P", "-m", "labkit.cli.main", *arguments]
    subprocess.run(command, env=ENVIRONMENT | (environment or {}), capture_output=True, timeout=120)


KINDS = {"sweep": whole_sweep, "random": random_sweep, "staged": staged_trials}


@pytest.mark.parametrize(
    ("kind", "action"), [("sweep", "kill"), pytest.param("staged", "kill", marks=pytest.mark.ci), ("sweep", "ENOSPC")]
)
def test_a_runner_that_is_cut_off_at_some_of_its_operations(tmp_path: Path, kind: str, action: str) -> None:
    assert int(run_in_new_process(at_every_point, str(tmp_path), kind, action, "29")) >= 29


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("action", ["kill", "ENOSPC"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_runner_that_is_cut_off_at_every_operation(tmp_path: Path, kind: str, action: str) -> None:
    print(run_in_new_process(at_every_point, str(tmp_path), kind, action, timeout=3600))


def test_a_store_that_was_never_finished_is_none(tmp_path: Path) -> None:
    (tmp_path / "labkit.sqlite").touch()
    with pytest.raises(NotFoundError, match="There is no store in"):
        Store(tmp_path, create=False)
    Store(tmp_path).close()
    Store(tmp_path, create=False).close()
