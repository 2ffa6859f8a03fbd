"""trial.fit and trial.evaluate: what they write, and that stopping anywhere changes no bit of it."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CheckpointError, ConfigError
from labkit.lab.executor import Unit
from labkit.lab.experiments import load
from labkit.lab.worker.link import Interrupted, Link
from labkit.lab.worker.main import _seed
from labkit.lab.worker.record import Diverged
from labkit.lab.worker.trial import Trial

from .runs import PROGRAMS, folders, left_behind, run, table, trials


class Listener(Link):
    """A link that keeps what is said, and asks the trial to leave at a step."""

    def __init__(self, leave_at: int | None = None) -> None:
        self.leave_at, self.stop_reason = leave_at, "asked to" if leave_at == 0 else None
        self.said: list[tuple[str, dict[str, Any]]] = []

    def send(self, kind: str, **values: Any) -> None:
        self.said.append((kind, values))

    def progress(self, step: int, steps: int | None, metrics: dict[str, float], phase: str = "") -> bool:
        if self.leave_at is not None and not phase and step >= self.leave_at:
            self.stop_reason = "asked to"
        return True


def attempt(
    folder: Path, number: int, leave_at: int | None = None, seed: int = 0, program: str = "digits", **config: Any
) -> Trial:
    """One attempt at the trial of a program, in this process."""
    experiment = load(PROGRAMS / f"{program}.py")
    made = dataclasses.asdict(experiment.config_class(**config))
    folder = folder / "t0001"
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"file": str(experiment.path), "experiment": program, "sweep": "s", "number": 1, "folder": str(folder)}
    unit = Unit(**facts, config=made, seed=seed, quick=False, attempt=number, key="key")
    link = Listener(leave_at)
    trial = Trial(unit, link)
    try:
        with lk.Graph().as_default():
            _seed(seed)
            experiment(experiment.config_class(**made), trial)
        trial.finish()
    finally:
        trial.close()
    return trial


def files(folder: Path) -> dict[str, bytes]:
    names = ("metrics.jsonl", "predictions.npz", "checkpoints/final/weights.data-00000-of-00001")
    return {name: (folder / "t0001" / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    attempt(folder, 1)
    return folder


def test_the_series_holds_every_step_and_every_validation(whole: Path) -> None:
    records = [json.loads(line) for line in (whole / "t0001" / "metrics.jsonl").read_text().splitlines()]
    steps = [record["step"] for record in records if "train/loss" in record]
    assert steps == list(range(1, 41))
    assert [record["step"] for record in records if "validation/loss" in record] == [9, 18, 27, 36, 40]
    epochs = [record for record in records if "train/epoch_loss" in record]
    assert [record["step"] for record in epochs] == [10, 20, 30, 40]
    first = [record["train/loss"] for record in records if "train/loss" in record][:10]
    assert epochs[0]["train/epoch_loss"] == pytest.approx(np.mean(first))
    scores = [
        record["train/epoch_f1_score"] for record in epochs
    ]  # of all the epoch's examples, in interrupted fits too
    assert scores[0] < scores[-1] <= 1
    assert all("train/f1_score" not in record for record in records)


def test_predictions_are_those_of_the_final_weights(whole: Path) -> None:
    facts = json.loads((whole / "t0001" / "trial.json").read_text())
    arrays = np.load(whole / "t0001" / "predictions.npz")
    data = lk.datasets.load("synthetic_digits", train=500, validation=200, test=200)
    for name in ("train", "validation", "test"):
        labels, classes = arrays[f"{name}_labels"], arrays[f"{name}_classes"]
        probabilities = arrays[f"{name}_probabilities"]
        assert np.array_equal(labels, getattr(data, name).labels[arrays[f"{name}_indices"]])
        assert np.array_equal(classes, probabilities.argmax(axis=1))
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        assert facts["metrics"][f"{name}/error"] == np.mean(labels != classes)
        assert facts["metrics"][f"{name}/accuracy"] == 1 - facts["metrics"][f"{name}/error"]
    assert facts["metrics"]["test/accuracy"] > 0.3  # it has learned something
    model_weights = lk.checkpoint.load(whole / "t0001" / "checkpoints" / "final" / "weights").tensors
    assert set(model_weights) == {"conv2d/kernel", "conv2d/bias", "dense/kernel", "dense/bias"}  # no slots


@pytest.mark.parametrize("step", [1, 7, 9, 10, 23, 36, 40])
def test_a_trial_stopped_at_any_step_continues_with_the_same_bits(tmp_path: Path, whole: Path, step: int) -> None:
    with pytest.raises(Interrupted):
        attempt(tmp_path, 1, leave_at=step)
    attempt(tmp_path, 2)
    assert files(tmp_path) == files(whole)


@pytest.mark.ci
@pytest.mark.parametrize("step", range(1, 41))
def test_a_trial_stopped_at_every_step_continues_with_the_same_bits(tmp_path: Path, whole: Path, step: int) -> None:
    with pytest.raises(Interrupted):
        attempt(tmp_path, 1, leave_at=step, checkpoint_every=1)  # stretches of one step: it stops at this one
    attempt(tmp_path, 2)
    assert files(tmp_path) == files(whole)


@pytest.mark.parametrize("kind", ["indexed", "sequential"])
def test_a_trial_on_a_pipeline_continues_with_the_same_bits(tmp_path: Path, kind: str) -> None:
    options: dict[str, Any] = {"program": "pipeline", "kind": kind}
    attempt(tmp_path / "whole", 1, **options)
    records = [json.loads(line) for line in files(tmp_path / "whole")["metrics.jsonl"].decode().splitlines()]
    epochs = [record["step"] for record in records if "train/epoch_loss" in record]
    assert epochs == ([8, 16, 24] if kind == "indexed" else [7, 14, 21])
    if kind == "indexed":  # 300 examples in batches of 40
        losses = [record["train/loss"] for record in records if "train/loss" in record][:8]
        (mean, *_) = (record["train/epoch_loss"] for record in records if "train/epoch_loss" in record)
        assert mean == pytest.approx(np.average(losses, weights=[40] * 7 + [20]))
    assert [record["step"] for record in records if "validation/loss" in record] == [9, 18, 25]
    for step in (1, 6, 7, 8, 9, 14, 16, 20, 24, 25):  # where a stretch, an epoch, a validation, a checkpoint ends
        with pytest.raises(Interrupted):
            attempt(tmp_path / f"{step}", 1, leave_at=step, checkpoint_every=1, **options)
        assert not left_threads()
        attempt(tmp_path / f"{step}", 2, **options)
        assert files(tmp_path / f"{step}") == files(tmp_path / "whole")


@pytest.mark.parametrize("kind", ["indexed", "sequential"])
def test_a_trial_stopped_again_and_again_where_an_epoch_ends_tells_of_it_once(tmp_path: Path, kind: str) -> None:
    """Where only the data tell that it ends, too; the second attempt is asked to leave before it has made a step."""
    options: dict[str, Any] = {"program": "pipeline", "kind": kind, "checkpoint_every": 100}
    attempt(tmp_path / "whole", 1, **options)
    for number, leave_at in enumerate([8 if kind == "indexed" else 7, 0, 0], start=1):
        with pytest.raises(Interrupted):
            attempt(tmp_path / "again", number, leave_at=leave_at, **options)
    attempt(tmp_path / "again", 4, **options)
    assert files(tmp_path / "again") == files(tmp_path / "whole")


def left_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("labkit-prefetch")]


def test_saving_at_other_times_changes_no_bit(tmp_path: Path, whole: Path) -> None:
    attempt(tmp_path, 1, checkpoint_every=1000)
    assert files(tmp_path) == files(whole)


def test_a_seed_decides_everything(tmp_path: Path, whole: Path) -> None:
    attempt(tmp_path, 1, seed=1)
    assert files(tmp_path)["metrics.jsonl"] != files(whole)["metrics.jsonl"]


def test_a_damaged_checkpoint_costs_only_the_way_back_to_the_one_before(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(Interrupted):
        attempt(tmp_path, 1, leave_at=15)
    newest = sorted(
        (tmp_path / "t0001" / "checkpoints" / "fit1").glob("step-*.data*"), key=lambda path: path.stat().st_mtime
    )[-1]
    data = bytearray(newest.read_bytes())
    data[-100] ^= 1
    newest.write_bytes(data)
    with pytest.warns(lk.checkpoint.CheckpointWarning):
        attempt(tmp_path, 2)
    assert files(tmp_path) == files(whole)


def test_another_trials_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        attempt(tmp_path, 1, leave_at=15)
    with pytest.raises(CheckpointError):
        attempt(tmp_path, 2, seed=1)  # same folder, same key, another order of examples


def test_a_diverged_loss_names_its_step(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"loss is nan at step \d+"):
        attempt(tmp_path, 1, learning_rate=1e30)
    records = [json.loads(line) for line in (tmp_path / "t0001" / "metrics.jsonl").read_text().splitlines()]
    assert records[-1]["train/loss"] == {"$float": "nan"}


def test_tensorboard_reads_what_was_logged(whole: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(name: str) -> Any:
        found = EventAccumulator(
            str(whole / "t0001" / name), size_guidance={"scalars": 0, "histograms": 0, "images": 0}
        )
        found.Reload()
        return found

    train, validation, root = read("train"), read("validation"), read("")
    losses = train.Scalars("loss")
    assert [event.step for event in losses] == list(range(1, 41))
    assert {"loss", "accuracy", "epoch_loss", "epoch_accuracy"} <= set(train.Tags()["scalars"])
    assert [event.step for event in validation.Scalars("accuracy")] == [9, 18, 27, 36, 40]
    tags = root.Tags()
    assert {"inputs", "first_layer_filters"} <= set(tags["images"])
    assert tags["graph"]
    weights, activations = (
        [tag for tag in tags["histograms"] if tag.startswith(start)] for start in ("weights/", "activ")
    )
    assert sorted(weights) == [
        "weights/conv2d/bias",
        "weights/conv2d/kernel",
        "weights/dense/bias",
        "weights/dense/kernel",
    ]
    assert {"activations/conv2d/pre_activation", "activations/conv2d/output", "activations/dense/output"} <= set(
        activations
    )
    assert [event.step for event in root.Histograms("weights/dense/kernel")] == [0, 9, 18, 27, 36, 40]
    assert {"_hparams_/session_start_info", "_hparams_/session_end_info"} <= set(root.summary_metadata)


@pytest.mark.parametrize("checkpoints", [7, 1000])
def test_tensorboard_sees_each_step_of_a_continued_trial_once(tmp_path: Path, checkpoints: int) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    link_leaves = attempt_killed(tmp_path, checkpoints)
    assert link_leaves > 20
    attempt(tmp_path, 2, checkpoint_every=checkpoints)
    found = EventAccumulator(str(tmp_path / "t0001" / "train"), size_guidance={"scalars": 0})
    found.Reload()
    assert [event.step for event in found.Scalars("loss")] == list(range(1, 41))


def attempt_killed(folder: Path, checkpoints: int) -> int:
    """A first attempt that ends after some step without saving; the number of its records."""

    class Killed(BaseException):
        pass

    def kill(self: Listener) -> None:
        if any(values.get("step", 0) >= 27 for _, values in self.said):  # after the validation at step 27
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Listener, "check", kill)
        with pytest.raises(Killed):
            attempt(folder, 1, checkpoint_every=checkpoints)
    return (folder / "t0001" / "metrics.jsonl").read_text().count("train/loss")


@pytest.mark.parametrize("arguments", [{"steps": 0}, {"steps": 1.5}, {"validation_every": 0}, {"checkpoint_every": -1}])
def test_counts_of_fit_are_counts(tmp_path: Path, arguments: dict) -> None:
    unit = Unit("f", "e", "s", 1, str(tmp_path), {}, 0, False, 1, "key")
    with pytest.raises(ConfigError, match="is a count"):
        Trial(unit, Listener()).fit(None, None, **{"steps": 1, "batch_size": 1, **arguments})


def test_the_command_gives_the_table(tmp_path: Path) -> None:
    done = run("digits", tmp_path, "--quick", "--seeds", "2", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    (row,) = table(tmp_path)
    assert (row["n"], row["data"]) == ("2", "synthetic_digits")
    assert {"train accuracy", "validation accuracy ±", "bias", "variance", "verdict"} <= set(row)
    assert "A quick run" in done.stdout
    for trial in trials(tmp_path):
        assert set(trial.artefacts) == {"predictions.npz", "checkpoints/final/weights.index", "trial.json"}
        assert trial.data[0]["name"] == "synthetic_digits"
        assert trial.id is not None
    assert not list(tmp_path.glob("*/*/t*/checkpoints/*/step-*"))  # the final weights stay, no more
    other = tmp_path / "other"
    assert run("digits", other, "--quick", "--seeds", "2").returncode == 0  # one after the other, on all cores
    assert left_behind(other) == left_behind(tmp_path)


def test_missing_data_are_replaced_aloud_and_damaged_ones_are_not(tmp_path: Path) -> None:
    environment = {
        "LABKIT_OFFLINE": "1",
        "LABKIT_DATA": str(tmp_path / "data"),
        "LABKIT_CACHE": str(tmp_path / "cache"),
    }
    done = run("fallback", tmp_path / "logs", **environment)
    assert done.returncode == 0, done.stderr
    assert "NOT MNIST: mnist was neither found nor downloaded. This trial uses synthetic_digits instead" in done.stderr
    assert "NOT MNIST: the trials ran on synthetic_digits" in done.stdout
    assert table(tmp_path / "logs")[0]["data"] == "synthetic_digits"
    (trial,) = trials(tmp_path / "logs")
    assert [(entry["requested"], entry["name"]) for entry in trial.data] == [("mnist", "synthetic_digits")]

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-images-idx3-ubyte").write_bytes(b"torn")
    done = run("fallback", tmp_path / "more", **environment)
    assert done.returncode == 1
    assert "train-images-idx3-ubyte" in (trials(tmp_path / "more")[0].reason or "")


def test_a_data_set_of_points(tmp_path: Path) -> None:
    done = run("moons", tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = table(tmp_path)
    assert row["data"] == "two_moons"
    facts = json.loads((folders(tmp_path)[0] / "trial.json").read_text())
    assert facts["metrics"]["test/accuracy"] > 0.95


def test_two_fits_in_one_trial_continue_where_they_were(tmp_path: Path) -> None:
    """Each has checkpoints of its own; the first one's end is saved before the second one's beginning."""
    rng = np.random.default_rng(0)
    x = rng.random((60, 2)).astype(np.float32)
    y = x[:, :1] * x[:, 1:]

    def two_fits(folder: Path, number: int, leave_at: int | None = None) -> dict[str, float]:
        folder.mkdir(exist_ok=True)
        trial = Trial(Unit("f", "e", "s", 1, str(folder), {}, 0, False, number, "key"), Listener(leave_at))
        try:
            with lk.Graph().as_default():
                _seed(0)
                for rate in (0.1, 0.01):
                    model = lk.Sequential([lk.layers.Input((2,)), lk.layers.Dense(3), lk.layers.Dense(1)])
                    model.compile(lk.optimizers.SGD(rate), "mse")
                    trial.fit(model, (x, y), steps=20, batch_size=10)
            return trial.finish()[0]
        finally:
            trial.close()

    whole = two_fits(tmp_path / "whole", 1)
    assert "train/loss" in whole
    series = (tmp_path / "whole" / "metrics.jsonl").read_bytes()
    assert [
        step for line in series.splitlines() if "train/loss" in (r := json.loads(line)) for step in [r["step"]]
    ] == [*range(1, 41)]
    for leave_at in (7, 20, 33):
        folder = tmp_path / str(leave_at)
        with pytest.raises(Interrupted):
            two_fits(folder, 1, leave_at)
        assert two_fits(folder, 2) == whole
        assert (folder / "metrics.jsonl").read_bytes() == series
