"""Is a trial that was killed and continued the same as one that was not? `labkit verify-resume` tries it."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from labkit.errors import ConfigError
from labkit.io import read_log, sha256_file
from labkit.lab.policy import Policy
from labkit.lab.rows import TrialRow
from labkit.lab.runner import Outcome, run_apart
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep

CHECKPOINTS = 20
"""How many checkpoints a trial makes here, where `trial.fit` makes them."""

COMPARED = ("metrics.jsonl", "predictions.npz", "checkpoints/final/*")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of it.

    Attributes:
        steps: records of figures that the trial writes, about one a step.
        killed: the records at which it was killed, counted from the beginning of each attempt.
        restarts: how many of its attempts had to begin at the beginning, as nothing had been saved.
        differences: what is not the same, in words; none where all bits are.
    """

    steps: int
    killed: list[int]
    restarts: int
    differences: list[str]


def verify_resume(
    sweep: Sweep, *, kills: int = 5, seed: int = 0, say: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Runs the first trial of a sweep undisturbed, and once more while it is killed (SIGKILL) at random steps and continued.

    Args:
        kills: how often.
        seed: decides the steps.
        say: is told what is going on.

    Raises:
        ConfigError: the trial fails when it is left alone.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-verify-") as folder:
        alone = run_apart(sweep, max_trials=1, logs=Path(folder) / "alone")
        (trial,) = alone.trials
        if trial.state != "COMPLETED":
            raise ConfigError(
                "The trial does not complete when it is left alone, so nothing can be compared",
                received=f"{trial.state}: {trial.reason}",
                fix="Run it with labkit run first.",
            )
        steps = len(_records(alone))
        say(f"Undisturbed: {steps} records of figures.")
        policy = Policy(checkpoint_every=max(1, steps // CHECKPOINTS))
        random_, killed, restarts = random.Random(seed), list[int](), 0
        while True:
            left = kills - len(killed)
            step = random_.randint(1, max(1, steps // (kills + 1))) if left else None  # so early that all fit in
            environment = {} if step is None else {"LABKIT_FAIL": f"step:{step}:kill"}
            executor = {"name": "local", "environment": environment}
            other = run_apart(sweep, max_trials=1, logs=Path(folder) / "killed", policy=policy, executor=executor)
            (trial,) = other.trials
            if trial.state == "COMPLETED":
                return Verdict(steps, killed, restarts, _differences(alone, other))
            if step is None or "SIGKILL" not in (trial.reason or ""):
                return Verdict(
                    steps, killed, restarts, [f"the trial {trial.state.lower()} when it was continued: {trial.reason}"]
                )
            killed.append(step)
            saved = any((_folder(other) / "checkpoints").glob("*/*.index"))
            restarts += not saved
            say(f"Killed at record {step} of attempt {trial.attempt}{'' if saved else ', before anything was saved'}.")


def _differences(one: Outcome, other: Outcome) -> list[str]:
    found = []
    first, second = _figures(one), _figures(other)
    for name in dict.fromkeys([*first, *second]):
        if repr(first.get(name)) != repr(second.get(name)):
            found.append(f"{name} is {second.get(name)}, undisturbed {first.get(name)}")
    files = {
        path.relative_to(_folder(run)).as_posix()
        for run in (one, other)
        for p in COMPARED
        for path in _folder(run).glob(p)
    }
    for name in sorted(files):
        paths = [_folder(run) / name for run in (one, other)]
        if not all(path.exists() for path in paths):
            found.append(f"{name} is there only {'undisturbed' if paths[0].exists() else 'when it was killed'}")
        elif sha256_file(paths[0]) != sha256_file(paths[1]):
            place = f" from step {_first_difference(one, other)} on" if name == "metrics.jsonl" else ""
            found.append(f"{name} differs{place}")
    return found


def _first_difference(one: Outcome, other: Outcome) -> int:
    first, second = _records(one), _records(other)
    different = (a["step"] for a, b in zip(first, second, strict=False) if repr(a) != repr(b))
    return next(different, [*first, *second][min(len(first), len(second)) - 1]["step"])


def _records(run: Outcome) -> list[dict]:
    return list(read_log(_folder(run) / "metrics.jsonl"))


def _figures(run: Outcome) -> dict[str, float]:
    store = Store(run.logs)
    try:
        return store.final(_trial(run))
    finally:
        store.close()


def _trial(run: Outcome) -> TrialRow:
    return run.trials[0]


def _folder(run: Outcome) -> Path:
    return run.logs / run.sweep.folder / _trial(run).folder
