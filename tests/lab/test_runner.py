"""Runs from the command's first to its last line: what is run, what is not run again, what failures cost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.errors import ConfigError, LabkitError, StoreError
from labkit.io import sha256_file
from labkit.lab.store import Store

from .runs import PROGRAMS, folders, run, start, table, trials

WALK = PROGRAMS / "walk.py"


def test_a_sweep_gives_one_row_a_configuration_and_more_seeds_only_add(tmp_path: Path) -> None:
    options = {"sweep": {"rate": [0.1, 0.01]}, "logs": tmp_path, "jobs": 2}
    two = lk.run(WALK, seeds=2, **options).table
    assert list(two["rate"]) == [0.1, 0.01]
    assert list(two["n"]) == [2, 2]
    assert two["loss"][0] < two["loss"][1]
    before = {trial.number: trial for trial in trials(tmp_path)}
    three = lk.run(WALK, seeds=3, **options).table
    assert list(three["n"]) == [3, 3]
    after = trials(tmp_path)
    assert [trial.attempt for trial in after] == [1] * 6
    assert all(before[number] == after[number - 1] for number in before)  # not run again
    assert len(list(tmp_path.glob("walk/*"))) == 1


def test_the_finished_sweep_is_not_run_again_unless_asked(tmp_path: Path) -> None:
    first = run("walk", tmp_path)
    assert (first.returncode, first.stdout.count("n=1")) == (0, 1)
    assert "t0001 seed=0: started" in first.stderr
    again = run("walk", tmp_path)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", first.stdout)
    repeated = run("walk", tmp_path, "--again")
    assert "started" in repeated.stderr
    assert sorted(path.name[10:] for path in tmp_path.glob("walk/*")) == ["", "-2"]
    continued = run("walk", tmp_path)  # the newest repeat counts
    assert (continued.stdout, continued.stderr) == (repeated.stdout, "")
    one, other = tmp_path.glob("walk/*/t0001/metrics.jsonl")
    assert one.read_bytes() == other.read_bytes()


def test_every_kind_of_failure_costs_its_trial_alone(tmp_path: Path) -> None:
    kinds = "well,raise,segfault,kill,nan,leave"
    done = run("ends", tmp_path, "--sweep", f"how={kinds}", "--jobs", "2")
    assert done.returncode == 1
    found = {trial.config["how"]: trial for trial in trials(tmp_path)}
    assert {how: trial.state for how, trial in found.items()} == {
        how: "COMPLETED" if how == "well" else "FAILED" for how in kinds.split(",")
    }
    assert "ValueError: no such luck (at ends.py:" in found["raise"].reason
    assert "SIGSEGV" in found["segfault"].reason
    assert "ends.py" in found["segfault"].reason  # the fault handler's last words name the line
    assert "SIGKILL" in found["kill"].reason
    assert found["nan"].reason == "loss is nan at step 2"
    assert "leaving early" in found["leave"].reason
    assert all("hello from seed 0" in (folder / "stdout.log").read_text() for folder in folders(tmp_path))
    rows = {row["how"]: row for row in table(tmp_path)}
    assert (rows["well"]["n"], rows["raise"]["n"], rows["raise"]["failed"]) == ("1", "0", "1")
    again = run("ends", tmp_path, "--sweep", f"how={kinds}", "--jobs", "2")  # what diverged would diverge again
    assert again.returncode == 1
    assert {trial.config["how"]: trial.attempt for trial in trials(tmp_path)} == {
        how: 1 if how in ("well", "nan") else 2 for how in kinds.split(",")
    }


def test_what_a_trial_leaves_is_vouched_for(tmp_path: Path) -> None:
    lk.run(WALK, logs=tmp_path, set={"steps": 7})
    (trial,) = trials(tmp_path)
    (folder,) = folders(tmp_path)
    assert trial.artefacts == {"trial.json": sha256_file(folder / "trial.json")}
    facts = json.loads((folder / "trial.json").read_text())
    assert (facts["id"], facts["config"]["steps"], facts["seed"]) == (facts["id"], 7, 0)
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(1, 8))
    assert facts["metrics"] == {"loss": records[-1]["loss"]}
    sweep = json.loads((folder.parent / "sweep.json").read_text())
    assert sweep["settings"]["config"]["steps"] == 7
    assert sweep["sources"]["walk.py"] == WALK.read_text()


def test_seeds_differ_and_the_same_seed_has_the_same_bits(tmp_path: Path) -> None:
    for logs in ("one", "two"):
        lk.run(WALK, logs=tmp_path / logs, seeds=2, jobs=2 if logs == "one" else 1)
    one, two = ([folder / "metrics.jsonl" for folder in folders(tmp_path / logs)] for logs in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes() != one[1].read_bytes()


def test_changed_code_is_a_new_sweep_and_that_is_said(tmp_path: Path) -> None:
    program = tmp_path / "walk.py"
    text = WALK.read_text().replace("walk(", "stroll(")
    program.write_text(text.replace("time.sleep", 'if step == 3: raise ValueError("x")\n        time.sleep'))
    with pytest.raises(ConfigError):
        lk.run(tmp_path / "wlak.py", logs=tmp_path)
    lk.run(program, logs=tmp_path)
    said: list[str] = []
    from labkit.lab.progress import PlainProgress

    program.write_text(program.read_text().replace("step == 3", "step == -1"))
    lk.run(program, logs=tmp_path, progress=PlainProgress(said.append))
    assert "changed: this is a new sweep" in said[0]
    assert "stays unfinished (1 of 1 trials)" in said[0]
    program.write_text(program.read_text() + "# a comment\n")
    said.clear()
    lk.run(program, logs=tmp_path, progress=PlainProgress(said.append))
    assert said == []


def test_a_second_runner_leaves_at_once_and_names_the_owner(tmp_path: Path) -> None:
    owner = start("ends", tmp_path, "--set", "how=wait")
    try:
        assert owner.stderr is not None
        assert "started" in owner.stderr.readline()
        loser = run("ends", tmp_path, "--set", "how=wait")
        assert loser.returncode == 1
        assert f"Another runner works on this sweep: process {owner.pid} on " in loser.stderr
        assert "Traceback" not in loser.stderr
    finally:
        owner.kill()
        owner.communicate()


@pytest.mark.parametrize("option", [{"seeds": 0}, {"jobs": -1}, {"seeds": 1.5}, {"jobs": True}])
def test_counts_are_counts(tmp_path: Path, option: dict) -> None:
    with pytest.raises(ConfigError, match="is no count"):
        lk.run(WALK, logs=tmp_path, **option)


def test_a_store_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        lk.run(WALK, logs=tmp_path / "file")


def test_states_of_generators_survive() -> None:
    import random

    from labkit.lab.worker import generators

    random.seed(3)
    np.random.seed(3)
    random.gauss(0, 1)  # leaves a second normal number waiting
    np.random.randn()
    state = generators.state()
    first = [random.gauss(0, 1), random.random(), np.random.randn(), np.random.rand()]
    generators.restore(state)
    assert first == [random.gauss(0, 1), random.random(), np.random.randn(), np.random.rand()]


def test_a_state_that_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "odd.py"
    program.write_text(WALK.read_text().replace('"step": step})', '"step": object()})').replace("walk(", "odd("))
    lk.run(program, logs=tmp_path)
    (trial,) = trials(tmp_path)
    assert "trial.save cannot hold this state" in (trial.reason or "")


def test_a_notice_is_kept(tmp_path: Path) -> None:
    program = tmp_path / "says.py"
    text = WALK.read_text().replace("walk(", "says(")
    program.write_text(text.replace("    state = ", '    trial.notice("LISTEN")\n    state = '))
    lk.run(program, logs=tmp_path)
    store = Store(tmp_path)
    assert store.events(store.sweeps()[-1].id) == [(1, "LISTEN")]
    store.close()


GROUPS = """
import dataclasses
from typing import Annotated, Any
import labkit as lk

@dataclasses.dataclass
class Shape:
    width: int = 8  # units

@dataclasses.dataclass
class Config:
    shape: Shape = dataclasses.field(default_factory=Shape)
    optimizer: Annotated[Any, lk.ComponentOf("optimizers")] = "sgd"

@lk.experiment(metric="score", direction="maximize", space={"shape.width": [4, 8]}, seeds=2)
def groups(config: Config, trial: lk.Trial):
    "Which width?"
    model = lk.Sequential([lk.Input((1,)), lk.layers.Dense(config.shape.width)])
    model.compile(config.optimizer, "mse")
    rate = model.optimizer.learning_rate
    for step in range(1, 4):
        trial.report(step, score=config.shape.width + trial.seed + float(rate))
"""


def test_groups_components_and_declared_spaces_run_and_results_are_frames(tmp_path: Path) -> None:
    program = tmp_path / "groups.py"
    program.write_text(GROUPS)
    results = lk.run(program, set={"optimizer.learning_rate": 0.5}, sweep={"optimizer": ["sgd", "adam"]}, logs=tmp_path)
    assert list(results.table["score"]) == [5.0, 5.0, 9.0, 9.0]
    assert results.best == {"shape.width": 8, "optimizer": "sgd", "optimizer.learning_rate": 0.5}
    trials = results.trials()
    assert list(trials["shape.width"]) == [4, 4, 8, 8] * 2
    assert list(trials["seed"]) == [0] * 4 + [1] * 4
    assert set(trials["state"]) == {"COMPLETED"}
    assert list(trials["score"]) == [4.5, 4.5, 8.5, 8.5, 5.5, 5.5, 9.5, 9.5]
    assert results.remarks[0].startswith(
        "Highest score: shape.width=8 optimizer=sgd, but shape.width=8 optimizer=adam is"
    )
    assert "<table" in results._repr_html_()
    assert repr(results).splitlines()[0].split() == ["shape.width", "optimizer", "n", "score", "seconds"]
    assert (results.folder / "sweep.json").exists()
    with pytest.raises(ConfigError, match="momentom"):
        lk.run(program, set={"optimizer.momentom": 0.5}, logs=tmp_path)


def test_series_of_a_figure(tmp_path: Path) -> None:
    results = lk.run(WALK, sweep={"rate": [0.1, 0.01]}, logs=tmp_path)
    assert list(results.series("loss").columns) == ["trial", "rate", "seed", "step", "value"]


@pytest.mark.parametrize(
    ("executor", "text"),
    [
        ("locl", "There is no executor named 'locl'"),
        ("local(4)", r"An executor is settings as local\(name=value"),
        ("local(jbs=1)", "jbs"),
    ],
)
def test_executors_are_named_with_their_settings(tmp_path: Path, executor: str, text: str) -> None:
    with pytest.raises(LabkitError, match=text):
        lk.run(WALK, logs=tmp_path, executor=executor)
    assert list(lk.run(WALK, logs=tmp_path, executor={"name": "local", "environment": {}}).table["n"]) == [1]
    assert trials(tmp_path)[0].attempt == 1


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [True], "3", ["3"], 2.0])
def test_seeds_are_seeds(tmp_path: Path, seeds: object) -> None:
    with pytest.raises(ConfigError, match="seeds"):
        lk.run(PROGRAMS / "walk.py", seeds=seeds, logs=tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.glob("walk"))


def test_what_is_no_experiment_or_mapping_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"@lk\.experiment"):
        lk.run(len, logs=tmp_path)  # type: ignore[arg-type]
    for wrong in ({"set": "rate=1"}, {"sweep": "rate=1,2"}, {"sweep": ["rate=1"]}):
        with pytest.raises(ConfigError, match="is no mapping"):
            lk.run(PROGRAMS / "walk.py", logs=tmp_path, **wrong)  # type: ignore[arg-type]
    listed = lk.run(PROGRAMS / "walk.py", logs=tmp_path, sweep=[{"rate": 0.1, "steps": 2}, {"rate": 0.2, "steps": 1}])
    assert list(listed.table["steps"]) == [2, 1]


def test_an_unknown_executor_leaves_no_sweep(tmp_path: Path) -> None:
    done = run("walk", tmp_path, "--executor", "locall")
    assert done.returncode == 1
    assert "Did you mean 'local'?" in done.stderr
    assert trials(tmp_path) == []


def test_a_sweep_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    options = ("--sweep", "steps=1,2", "--sweep", "kind=a,b", "--sweep", "rate=0.1")
    first = run("walk", tmp_path, *options).stdout
    assert first.index("steps") < first.index("kind") < first.index("rate")
    figures = [line.split()[:3] for line in first.splitlines()]
    again = run("walk", tmp_path, *options).stdout  # of the store alone
    assert [line.split()[:3] for line in again.splitlines()] == figures
    other = lk.run(PROGRAMS / "walk.py", sweep={"rate": [0.1], "kind": ["a", "b"], "steps": [1, 2]}, logs=tmp_path)
    assert list(other.table.columns[:3]) == ["steps", "kind", "rate"]
    assert list(other.trials().columns[:5]) == ["trial", "rate", "steps", "pause", "kind"]
    assert other.outcome.ran == 0


def test_checkpoints_that_a_dying_runner_left_go_with_the_next_run(tmp_path: Path) -> None:
    results = lk.run(PROGRAMS / "digits.py", logs=tmp_path)
    (trial,) = results.outcome.trials
    checkpoints = results.folder / trial.folder / "checkpoints"
    assert not list(checkpoints.glob("fit1/*"))
    (checkpoints / "fit1").mkdir(exist_ok=True)
    (checkpoints / "fit1" / "step-40.index").write_text("{}")
    final = sorted(path.name for path in checkpoints.glob("final/*"))
    assert lk.run(PROGRAMS / "digits.py", logs=tmp_path).outcome.ran == 0
    assert not list(checkpoints.glob("fit1/*"))
    assert sorted(path.name for path in checkpoints.glob("final/*")) == final
