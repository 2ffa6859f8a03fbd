"""Which trial of a sweep runs next: the configurations that a searcher asks for, each with its seeds."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.lab import plain
from labkit.lab.rows import TrialRow
from labkit.lab.search.base import Searcher
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep


@dataclasses.dataclass
class _Candidate:
    """A configuration that the searcher asked for, and its trials by seed."""

    number: int
    config: dict[str, Any]
    trials: dict[int, TrialRow] = dataclasses.field(default_factory=dict)
    told: bool = False


class Schedule:
    """Hands out trials, tells the searcher what became of them, and keeps in the store whatever is decided.

    The trials that the store has already are told to the searcher in the order in which things happened to them. Those that
    failed wait for another attempt.

    Args:
        seeds: of each configuration.
        most: how many trials the sweep may have; None for as many as the searcher asks for.
    """

    def __init__(
        self,
        store: Store,
        sweep: Sweep,
        sweep_id: str,
        searcher: Searcher,
        seeds: Sequence[int],
        most: int | None = None,
    ) -> None:
        self._store, self._sweep, self._id = store, sweep, sweep_id
        self._searcher, self._seeds = searcher, seeds
        self._most = math.inf if most is None else most
        self._candidates: list[_Candidate] = []
        self._by_config: dict[str, _Candidate] = {}
        self._by_trial: dict[int, _Candidate] = {}
        self._waiting: deque[TrialRow] = deque()
        self._over: set[int] = set()
        searcher.begin(sweep.space)
        self._recall()
        if not searcher.adaptive:
            while self._ask() is not None:
                pass
        self._plan()

    def __len__(self) -> int:
        """How many trials wait, as far as that is known."""
        return len(self._waiting)

    @property
    def finished(self) -> bool:
        """Whether no trial waits, and the searcher asks for none before something ends."""
        if not self._waiting and self._searcher.adaptive and self._ask() is not None:
            self._plan()
        return not self._waiting

    def next(self) -> TrialRow | None:
        """The next trial to start; None: none, unless one that runs ends first."""
        return None if self.finished else self._waiting.popleft()

    def jobs(self, most: int) -> int:
        """How many of up to `most` trials can run at a time."""
        return most if self._searcher.adaptive or self._searcher.prunes else max(1, min(most, len(self._waiting)))

    def again(self, trial: TrialRow) -> None:
        """A trial waits for another attempt, before all others."""
        self._over.discard(trial.number)
        self._waiting.appendleft(self._renewed(trial))

    def report(self, trial: TrialRow, step: int, metrics: Mapping[str, float]) -> bool:
        """Figures of a running trial; whether it is not worth going on."""
        if not self._searcher.prunes or trial.seed != self._seeds[0]:
            return False
        value = self._sweep.experiment.cost(metrics)
        return value is not None and self._searcher.report(self._by_trial[trial.number].number, step, value)

    def ended(self, trial: TrialRow) -> None:
        """A trial came to its end, as the store knows already."""
        self._renewed(trial)
        self._over.add(trial.number)
        self._tell(self._by_trial[trial.number])
        if self._searcher.prunes:
            self._plan()  # the other seeds of a configuration whose first one was worth it

    def _recall(self) -> None:
        for trial in self._store.trials(self._id):
            if plain.dumps(trial.config) not in self._by_config:
                self._add(trial.config)
                self._searcher.recall({key: trial.config[key] for key in self._sweep.space})
            self._know(trial)
        for number, step, metrics in self._store.history(self._id):
            candidate = self._by_trial[number]
            if step is None:
                self._tell(candidate)
            elif (first := candidate.trials.get(self._seeds[0])) is not None and first.number == number:
                self.report(first, step, metrics)
        for candidate in self._candidates:  # those without a figure
            self._tell(candidate)

    def _ask(self) -> _Candidate | None:
        """One more configuration, if there is one and room for it."""
        if len(self._candidates) * len(self._seeds) >= self._most:
            return None
        choice = self._searcher.ask()
        return None if choice is None else self._add(self._sweep.config(choice))

    def _plan(self) -> None:
        """Adds the trials that the store lacks: seed by seed, so that more seeds come after the ones there are."""
        missing = [
            (candidate.config, seed)
            for seed in self._seeds
            for candidate in self._candidates
            if seed not in candidate.trials and (seed == self._seeds[0] or self._worth_repeating(candidate))
        ]
        room = self._most - len(self._by_trial)
        if missing and room > 0:
            planned = [self._sweep.trial(*pair) for pair in missing[: int(min(room, len(missing)))]]
            for trial in self._store.add_trials(self._id, planned):
                self._know(trial)

    def _worth_repeating(self, candidate: _Candidate) -> bool:
        first = candidate.trials.get(self._seeds[0])
        return not self._searcher.prunes or (first is not None and first.state == "COMPLETED")

    def _tell(self, candidate: _Candidate) -> None:
        """Tells the searcher the mean over the seeds, once the last of them has ended."""
        trials = [trial for seed, trial in candidate.trials.items() if seed in self._seeds]
        whole = len(trials) == len(self._seeds) or not self._worth_repeating(candidate)
        if candidate.told or not whole or any(trial.number not in self._over for trial in trials):
            return
        candidate.told = True
        costs = []
        for trial in trials:
            if trial.state == "COMPLETED":
                cost = self._sweep.experiment.cost(self._store.final(trial))
                costs += [] if cost is None else [cost]
        self._searcher.tell(candidate.number, sum(costs) / len(costs) if costs else None)

    # What is known of the trials.

    def _add(self, config: dict[str, Any]) -> _Candidate:
        candidate = _Candidate(len(self._candidates), config)
        self._candidates.append(candidate)
        self._by_config[plain.dumps(config)] = candidate
        return candidate

    def _know(self, trial: TrialRow) -> None:
        candidate = self._by_config[plain.dumps(trial.config)]
        candidate.trials[trial.seed] = trial
        self._by_trial[trial.number] = candidate
        if trial.finished:
            self._over.add(trial.number)
        elif trial.seed in self._seeds:
            self._waiting.append(trial)

    def _renewed(self, trial: TrialRow) -> TrialRow:
        """The trial as the store has it now."""
        now = self._store.trial(self._id, trial.number)
        self._by_trial[trial.number].trials[trial.seed] = now
        return now
