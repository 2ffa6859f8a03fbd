"""Which trial of a sweep runs next: the configurations that a searcher asks for, each with its seeds."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from labkit.errors import PluginError
from labkit.lab import plain
from labkit.lab.executor import PRUNED
from labkit.lab.progress import Progress
from labkit.lab.rows import TrialRow
from labkit.lab.search.base import Searcher
from labkit.lab.space.conditions import count
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
        elsewhere: numbers of trials that are run elsewhere, and not handed out.

    Attributes:
        heard: how many figures on the way the searcher was given.

    Raises:
        ConfigError: the searcher cannot search the space.
        PluginError: it asks for what it must not.
    """

    def __init__(
        self,
        store: Store,
        sweep: Sweep,
        sweep_id: str,
        searcher: Searcher,
        seeds: Sequence[int],
        most: int | None = None,
        elsewhere: Collection[int] = (),
    ) -> None:
        self._store, self._sweep, self._id, self._elsewhere = store, sweep, sweep_id, elsewhere
        self._searcher, self._seeds = searcher, seeds
        self._most = math.inf if most is None else most
        self._candidates: list[_Candidate] = []
        self._by_config: dict[str, _Candidate] = {}
        self._by_trial: dict[int, _Candidate] = {}
        self._waiting: deque[TrialRow] = deque()
        self._over: set[int] = set()
        self.heard, self._spared = 0, 0
        searcher.begin(sweep.space)
        endless = most is None and count(sweep.space) == math.inf
        self._by_and_by = searcher.adaptive or endless
        self._recall()
        self._fill()

    def __len__(self) -> int:
        """How many trials wait, as far as that is known."""
        return len(self._waiting)

    @property
    def finished(self) -> bool:
        """Whether no trial waits, and the searcher asks for none before something ends."""
        if not self._waiting and self._by_and_by and (asked := self._ask()) is not None:
            self._plan([asked])
        return not self._waiting

    def next(self) -> TrialRow | None:
        """The next trial to start; None: none, unless one that runs ends first."""
        return None if self.finished else self._waiting.popleft()

    def jobs(self, most: int) -> int:
        """How many of up to `most` trials can run at a time."""
        return most if self._by_and_by or self._searcher.rungs else max(1, min(most, len(self._waiting)))

    def again(self, trial: TrialRow) -> None:
        """A trial waits for another attempt, before all others."""
        self._over.discard(trial.number)
        self._waiting.appendleft(self._renewed(trial))

    def report(self, trial: TrialRow, step: int, metrics: Mapping[str, float]) -> bool:
        """Figures of a running trial; whether it is not worth going on."""
        value = self._sweep.experiment.cost(metrics) if self.rungs(trial) else None
        if value is None:
            return False
        self.heard += 1
        return self._searcher.report(self._by_trial[trial.number].number, step, value)

    def rungs(self, trial: TrialRow) -> tuple[int, ...]:
        """The steps at which a figure of the trial has to be reported."""
        return tuple(self._searcher.rungs) if trial.seed == self._seeds[0] else ()

    def say_what_was_unheard(self, progress: Progress) -> None:
        """A word where the searcher could have ended trials, and never saw a figure."""
        if self._searcher.rungs and self._over and not self.heard:
            progress.say(
                f"The search could end no trial: none reported {self._sweep.experiment.metric} on its way, from step "
                f"{self._searcher.rungs[0]} on. Report it with trial.report, or let trial.fit validate more often."
            )

    def ended(self, trial: TrialRow) -> None:
        """A trial came to its end, as the store knows already."""
        self._renewed(trial)
        self._over.add(trial.number)
        self._tell(self._by_trial[trial.number])
        if self._searcher.rungs and len(self._seeds) > 1:
            self._fill()  # with the other seeds of a configuration whose first one was worth it, or a new one in their place

    def _recall(self) -> None:
        trials = {trial.number: trial for trial in self._store.trials(self._id)}
        for trial in trials.values():
            if plain.dumps(trial.config) not in self._by_config:
                self._add(trial.config)
                self._searcher.recall(self._sweep.choice(trial.config))
            self._know(trial)
        over, self._over = self._over, set()
        for number, step, metrics in self._store.history(self._id):
            if step is None:
                self._over |= {number} & over
                self._tell(self._by_trial[number])
            elif self.report(trials[number], step, metrics) and number not in over:
                self._end(trials[number])
                over.add(number)
        self._over = over
        for candidate in self._candidates:  # those without a figure
            self._tell(candidate)

    def _end(self, trial: TrialRow) -> None:
        """Of a trial that was found not worth going on when its runner died."""
        self._store.finish(trial, self._store.start(trial), "PRUNED", seconds=0.0, reason=PRUNED)
        self._waiting.remove(trial)
        self._renewed(trial)

    def _fill(self) -> None:
        """Plans what can be planned now."""
        if not self._by_and_by:
            while self._ask() is not None:
                pass
        self._plan(self._candidates)

    def _ask(self) -> _Candidate | None:
        """One more configuration, if there is one and room for it."""
        if len(self._candidates) * len(self._seeds) - self._spared >= self._most:
            return None
        choice = self._searcher.ask()
        if choice is None:
            return None
        config = self._sweep.config(choice)
        if plain.dumps(config) in self._by_config:
            raise PluginError(
                f"The searcher {self._sweep.search['name']} asks for a configuration twice",
                rule="each is one row of the table, and its repeats are seeds",
                received=repr(choice),
            )
        return self._add(config)

    def _plan(self, candidates: Sequence[_Candidate]) -> None:
        """Adds the trials of these that the store lacks: seed by seed, so that more seeds come after the ones there are."""
        missing = [
            (candidate.config, seed)
            for seed in self._seeds
            for candidate in candidates
            if seed not in candidate.trials and (seed == self._seeds[0] or self._worth_repeating(candidate))
        ]
        room = self._most - len(self._by_trial)
        if missing and room > 0:
            planned = [self._sweep.trial(*pair) for pair in missing[: int(min(room, len(missing)))]]
            for trial in self._store.add_trials(self._id, planned):
                self._know(trial)

    def _worth_repeating(self, candidate: _Candidate) -> bool:
        first = candidate.trials.get(self._seeds[0])
        return not self._searcher.rungs or (first is not None and first.state == "COMPLETED")

    def _tell(self, candidate: _Candidate) -> None:
        """Tells the searcher the mean over the seeds, once the last of them has ended."""
        trials = [trial for seed, trial in candidate.trials.items() if seed in self._seeds]
        whole = len(trials) == len(self._seeds) or not self._worth_repeating(candidate)
        if candidate.told or not whole or any(trial.number not in self._over for trial in trials):
            return
        candidate.told = True
        self._spared += len(self._seeds) - len(trials)
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
        elif trial.seed in self._seeds and trial.number not in self._elsewhere:
            self._waiting.append(trial)

    def _renewed(self, trial: TrialRow) -> TrialRow:
        """The trial as the store has it now."""
        now = self._store.trial(self._id, trial.number)
        self._by_trial[trial.number].trials[trial.seed] = now
        return now
