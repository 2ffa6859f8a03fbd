"""The schedule: which trials there are, in which order, and what a searcher is told of them."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from labkit.lab.experiments import load
from labkit.lab.rows import TrialRow
from labkit.lab.schedule import Schedule
from labkit.lab.search.asha import AshaSearcher
from labkit.lab.search.base import Searcher
from labkit.lab.search.grid import GridSearcher
from labkit.lab.store import Store
from labkit.lab.sweep import plan

WALK = Path(__file__).parent / "programs" / "walk.py"
SWEEP = plan(load(WALK), sweeps=["rate=0.1,0.01", "steps=1,2"])
RATES = plan(load(WALK), sweeps=["rate=1,0.5,0.25,0.125", "steps=1"])


@pytest.fixture
def store(tmp_path: Path):
    made = Store(tmp_path / "logs")
    made.add_sweep(SWEEP.row(0))
    made.add_sweep(RATES.row(0))
    yield made
    made.close()


def schedule(store: Store, seeds: int = 1, searcher: Searcher | None = None, **more: Any) -> Schedule:
    sweep = RATES if searcher else SWEEP
    return Schedule(store, sweep, sweep.id, searcher or GridSearcher(), range(seeds), **more)


def complete(store: Store, made: Schedule, trial: TrialRow, loss: float) -> None:
    attempt = store.start(trial)
    store.finish(trial, attempt, "COMPLETED", seconds=1.0, metrics={"loss": loss})
    made.ended(trial)


class Halving(Searcher):
    """Halves the rate as long as that is better; ends trials with a figure above 10."""

    rungs = (1, 2, 3)

    def begin(self, space: Any) -> None:
        self.heard: list[Any] = []
        self.asked: list[float] = []

    def ask(self) -> dict[str, Any] | None:
        if len(self.asked) == 4:
            return None
        self.recall({"rate": 0.5 ** len(self.asked), "steps": 1})
        return {"rate": self.asked[-1], "steps": 1}

    def recall(self, config: Any) -> None:
        self.asked.append(config["rate"])

    def report(self, number: int, step: int, value: float) -> bool:
        self.heard.append((number, step, value))
        return value > 10

    def tell(self, number: int, value: float | None) -> None:
        self.heard.append((number, value))


def taken(made: Schedule) -> list[TrialRow]:
    found = []
    while (trial := made.next()) is not None:
        found.append(trial)
    return found


def test_trials_come_seed_by_seed_so_that_more_seeds_only_add(store: Store) -> None:
    first = taken(schedule(store, 2))
    assert [(trial.seed, trial.config["rate"], trial.config["steps"]) for trial in first] == [
        (seed, rate, steps) for seed in (0, 1) for rate in (0.1, 0.01) for steps in (1, 2)
    ]
    assert len({trial.key for trial in first}) == 8
    assert taken(schedule(store, 3))[:8] == first
    assert [trial.number for trial in store.trials(SWEEP.id)] == list(range(1, 13))


def test_no_more_trials_than_allowed(store: Store) -> None:
    assert len(taken(schedule(store, 2, most=3))) == 3
    assert len(taken(schedule(store, 2, most=5))) == 5


def test_what_failed_waits_for_another_attempt_and_what_completed_does_not(store: Store) -> None:
    made = schedule(store)
    one, two, three, _ = taken(made)
    complete(store, made, one, 1.0)
    for trial, kind in ((two, "crash"), (three, "diverged")):
        store.finish(trial, store.start(trial), "FAILED", seconds=1.0, kind=kind)
        made.ended(trial)
    assert [trial.number for trial in taken(schedule(store))] == [2, 4]


def test_a_searcher_hears_means_over_seeds_and_again_whatever_the_store_knows(store: Store) -> None:
    searcher = Halving()
    made = schedule(store, 2, searcher)
    first = made.next()
    assert first is not None
    assert made.report(first, 3, {"loss": 4.0}) is False
    store.add_metrics(first, 3, {"loss": 4.0})
    second = made.next()  # the first seed of another configuration: the other seed of the first must wait
    assert second is not None
    assert (second.seed, second.config["rate"]) == (0, 0.5)
    complete(store, made, first, 2.0)
    assert searcher.heard == [(0, 3, 4.0)]
    other = made.next()
    assert other is not None
    assert (other.seed, other.config["rate"]) == (1, 1.0)
    complete(store, made, other, 3.0)
    assert made.report(second, 2, {"loss": 11.0}) is True
    store.add_metrics(second, 2, {"loss": 11.0})
    store.finish(second, store.start(second), "PRUNED", seconds=1.0)
    made.ended(second)
    heard = [(0, 3, 4.0), (0, 2.5), (1, 2, 11.0), (1, None)]
    assert searcher.heard == heard
    later = Halving()
    rest = schedule(store, 2, later)
    assert later.heard == [(0, 3, 4.0), (0, 2.5), (1, 2, 11.0), (1, None)]
    assert later.asked == [1.0, 0.5]
    assert [trial.config["rate"] for trial in taken(rest)] == [0.25, 0.125]  # the pruned one's seeds never run


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_what_is_no_number_never_counts(store: Store, loss: float) -> None:
    searcher = Halving()
    made = schedule(store, 1, searcher)
    trial = made.next()
    assert trial is not None
    assert made.report(trial, 1, {"loss": loss}) is False
    complete(store, made, trial, loss)
    assert searcher.heard == [(0, None)]


def test_whatever_the_moment_a_later_runner_knows_what_the_earlier_one_knew(tmp_path: Path) -> None:
    """Trials side by side, figures, ends and failures in a random order; at each point the store is read anew."""
    space = ["rate=log_uniform(0.001,1)", "steps=integers(1,9)"]
    sweep = plan(load(WALK), sweeps=space, search="asha(min_steps=1,reduction_factor=2)")
    store, random_ = Store(tmp_path / "0"), random.Random(3)
    store.add_sweep(sweep.row(0))
    searcher = AshaSearcher(1, 2)
    made = Schedule(store, sweep, sweep.id, searcher, [0, 1], 24)
    running: dict[int, tuple[TrialRow, int, int]] = {}
    for point in range(1, 120):
        trial = made.next() if len(running) < 3 else None
        if trial is not None:
            running[trial.number] = (trial, store.start(trial), 0)
        if not running:
            break
        number = random_.choice(sorted(running))
        trial, attempt, step = running.pop(number)
        loss = trial.config["rate"] + random_.random() / (step + 1)
        if step < 4:
            store.add_metrics(trial, step + 1, {"loss": loss})
            if made.report(trial, step + 1, {"loss": loss}):
                store.finish(trial, attempt, "PRUNED", seconds=0)
                made.ended(trial)
            else:
                running[number] = (trial, attempt, step + 1)
        else:
            store.finish(trial, attempt, "COMPLETED", seconds=0, metrics={"loss": loss})
            made.ended(trial)
        copy = tmp_path / str(point)
        copy.mkdir()
        shutil.copy(tmp_path / "0" / "labkit.sqlite", copy)
        later, other = AshaSearcher(1, 2), Store(copy)
        other.recover(sweep.id)
        Schedule(other, sweep, sweep.id, later, [0, 1], 24)
        states = {row.number: row.state for row in other.trials(sweep.id)}
        other.close()
        assert (later._values, later._stopped, later.known) == (searcher._values, searcher._stopped, searcher.known)
        assert [n for n, state in states.items() if state == "PRUNED"] == [
            row.number for row in store.trials(sweep.id) if row.state == "PRUNED"
        ]
    assert {row.state for row in store.trials(sweep.id)} == {"COMPLETED", "PRUNED"}
    assert len(store.trials(sweep.id)) == 24
    store.close()
