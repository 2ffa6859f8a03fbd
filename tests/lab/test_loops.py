"""Hand-written loops: their steps, what they save beside a fit, and who may continue them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import ConfigError
from labkit.lab.executor import Unit
from labkit.lab.worker.main import _seed
from labkit.lab.worker.trial import Trial

from .runs import run, table, trials
from .test_fit import Listener


def begin(folder: Path, attempt: int = 1) -> Trial:
    folder.mkdir(exist_ok=True)
    return Trial(Unit("f", "e", "s", 1, str(folder), {}, 0, False, attempt, "key"), Listener())


@pytest.mark.parametrize("steps", [[0], [-1], [1.5], [True], ["1"], [1, 1], [1, 3, 2]])
def test_steps_are_whole_numbers_that_rise(tmp_path: Path, steps: list[Any]) -> None:
    trial = begin(tmp_path)
    for step in steps[:-1]:
        trial.report(step, loss=1.0)
    with pytest.raises(ConfigError, match="whole numbers from 1 on"):
        trial.report(steps[-1], loss=1.0)
    trial.report(np.int64(7), loss=1.0)
    trial.close()
    records = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert records == [*steps[:-1], 7]


def test_steps_go_on_after_what_was_restored(tmp_path: Path) -> None:
    trial = begin(tmp_path)
    trial.report(5, loss=1.0)
    trial.save({"w": 1})
    trial.report(6, loss=0.5)
    trial.close()
    trial = begin(tmp_path, 2)
    assert trial.restore() == {"w": 1}
    with pytest.raises(ConfigError, match="step 5 after step 5"):
        trial.report(5, loss=0.5)
    trial.report(6, loss=0.5)
    trial.close()
    records = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert records == [5, 6]


def fit_and_loop(trial: Trial, fail_at: int | None = None) -> dict[str, float]:
    """A fit of 20 steps, a state saved at its last step, and ten steps of a loop that draws numbers."""
    rng = np.random.default_rng(0)
    x = rng.random((60, 2)).astype(np.float32)
    try:
        with lk.Graph().as_default():
            _seed(0)
            model = lk.Sequential([lk.layers.Input((2,)), lk.layers.Dense(1)])
            model.compile(lk.optimizers.SGD(0.1), "mse")
            trial.fit(model, (x, x[:, :1] * x[:, 1:]), steps=20, batch_size=10)
            state = trial.restore()
            if state is None:
                state = {"w": np.zeros(2), "step": 20}
                trial.save(state)
            w, step = state["w"], state["step"]
            while step < 30:
                if step == fail_at:
                    raise RuntimeError
                w, step = w + np.random.randn(2), step + 1
                trial.report(step, norm=float((w**2).sum()))
                if step % 4 == 0:
                    trial.save({"w": w, "step": step})
        return trial.finish()[0]
    finally:
        trial.close()


@pytest.mark.parametrize("fail_at", [20, 23, 24, 29])
def test_a_loop_after_a_fit_continues_with_the_same_bits(tmp_path: Path, fail_at: int) -> None:
    """Both have a checkpoint of step 20."""
    whole = fit_and_loop(begin(tmp_path / "whole"))
    with pytest.raises(RuntimeError):
        fit_and_loop(begin(tmp_path / "torn"), fail_at)
    assert fit_and_loop(begin(tmp_path / "torn", 2)) == whole
    assert (tmp_path / "torn/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()


def test_a_checkpoint_of_other_kernels_is_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit_and_loop(begin(tmp_path / "whole"))
    facts = json.loads((tmp_path / "whole" / "trial.json").read_text())
    assert facts["made"]["target"] in lk.native.targets()
    assert set(facts["made"]) == {"target", "processor", "labkit"}
    with monkeypatch.context() as patch:
        patch.setattr("labkit.lab.machine.active_target", lambda: "other")
        with pytest.raises(RuntimeError):
            fit_and_loop(begin(tmp_path / "torn"), fail_at=26)
    trial = begin(tmp_path / "torn", 2)
    assert fit_and_loop(trial) == whole
    notices = [values["text"] for kind, values in trial.link.said if kind == "notice"]  # type: ignore[attr-defined]
    assert len(notices) == 2  # of the fit, and of the loop
    assert notices[0].startswith("The checkpoint was made by kernels of target other, this process uses ")
    assert (tmp_path / "torn/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()


def test_a_table_of_different_kernels_says_so(tmp_path: Path) -> None:
    if len(lk.native.targets()) < 2:
        pytest.skip("this machine runs one set of kernels")
    first, second = lk.native.targets()[:2]
    alone = run("walk", tmp_path, "--quick", LABKIT_TARGET=first)
    assert "different kernels" not in alone.stdout
    both = run("walk", tmp_path, "--quick", "--seeds", "2", LABKIT_TARGET=second)
    assert "computed by different kernels" in both.stdout
    assert f"{first}: t0001" in both.stdout
    assert [trial.made["target"] for trial in trials(tmp_path)] == [first, second]


def test_the_table_shows_whole_sentences_of_a_failure(tmp_path: Path) -> None:
    run("ends", tmp_path, "--set", "how=segfault")
    (trial,) = trials(tmp_path)
    assert "\nIts last words:\nFatal Python error" in (trial.reason or "")
    verdict = table(tmp_path)[0]["verdict"]
    assert verdict == "1 failed (its process was killed by signal 11 (SIGSEGV))"
