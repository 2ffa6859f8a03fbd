"""labkit verify-resume: what is the same to the bit, and what is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit.errors import ConfigError
from labkit.lab.experiments import load
from labkit.lab.sweep import plan
from labkit.lab.verify import verify_resume

from .runs import ENVIRONMENT, PROGRAMS


def verify(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "labkit.cli.main",
        "verify-resume",
        str(PROGRAMS / f"{program}.py"),
        *arguments,
    ]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.ci), pytest.param(2, marks=pytest.mark.ci)])
def test_a_network_and_its_figures_are_the_same(seed: int) -> None:
    found = verify_resume(plan(load(PROGRAMS / "digits.py")), kills=3, seed=seed)
    assert found.differences == []
    assert len(found.killed) == 3
    assert found.steps >= 40


def test_a_loop_of_ones_own_is_the_same() -> None:
    done = verify("walk", "--set", "steps=40", "--kills", "4")
    assert (done.returncode, done.stderr) == (0, "")
    *told, verdict = done.stdout.splitlines()
    assert told[0] == "Undisturbed: 40 records of figures."
    assert len(told) == 5
    assert verdict.startswith("The same to the bit: killed 4 times")


def test_state_that_is_not_saved_is_found() -> None:
    done = verify("leaky")
    assert done.returncode == 1
    assert "NOT the same, killed 5 times" in done.stdout
    assert "metrics.jsonl differs from step " in done.stdout
    assert "loss is " in done.stdout


def test_a_trial_that_fails_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such luck"):
        verify_resume(plan(load(PROGRAMS / "ends.py"), sets=["how=raise"]))
