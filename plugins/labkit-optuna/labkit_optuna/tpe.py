"""Optuna's tree-structured Parzen estimator (Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011)."""

from __future__ import annotations

import contextlib
import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

import optuna

from labkit.errors import ConfigError
from labkit.lab.search.random import RandomSearcher
from labkit.lab.space import Domain, Integers, LogUniform, Uniform, Values
from labkit.lab.space.conditions import settled

RATIO, LAST = 1.5, 2**40
"""Between two steps at which trials are held against the median; there is none from the last on."""

ATTEMPTS = 20
"""Suggestions of configurations that there were before, after which one is drawn at random."""


class TpeSearcher(RandomSearcher):
    """Chooses what makes good results likely, going by all results so far.

    The study is kept in memory, asked and told. Optuna's sampler is made anew for each configuration, with a seed that
    follows from its number, so that what it suggests follows from what it was told and from nothing else.

    Args:
        n_startup_trials: configurations that are drawn at random before the estimator chooses, and before any trial is ended.
        n_ei_candidates: of so many candidates the best is chosen.
        multivariate: whether keys are chosen together, or each for itself.
        min_steps: from there on a trial ends when its best figure is worse than the median of what those that came to their
            end had after as many steps; None: all come to their end.
        seed: another one chooses others.

    Raises:
        ConfigError: a count below 1.
    """

    adaptive = True

    def __init__(
        self,
        n_startup_trials: int = 10,
        n_ei_candidates: int = 24,
        multivariate: bool = True,
        min_steps: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        given = {"n_startup_trials": n_startup_trials, "n_ei_candidates": n_ei_candidates, "min_steps": min_steps}
        for name, value in given.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(
                    f"{name} is no count", rule=f"{name} is a whole number, 1 or more", received=repr(value)
                )
        self.n_startup_trials, self.n_ei_candidates = n_startup_trials, n_ei_candidates
        self.multivariate, self.min_steps = multivariate, min_steps
        self.rungs = () if min_steps is None else tuple(_rungs(min_steps))

    def begin(self, space: Mapping[str, Domain]) -> None:
        super().begin(space)
        self._space = settled(
            dict(sorted(space.items())), {}
        )  # each suggestion takes from the sampler's random numbers
        self._trials: list[optuna.Trial] = []
        self._reached: list[int] = []
        self._ended: set[int] = set()
        pruner = optuna.pruners.MedianPruner(n_startup_trials=self.n_startup_trials)
        with _quiet():
            self._study = optuna.create_study(pruner=pruner)

    def ask(self) -> dict[str, Any] | None:
        if len(self.known) >= self.count:
            return None
        for attempt in range(ATTEMPTS):
            self._study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=self.n_startup_trials,
                n_ei_candidates=self.n_ei_candidates,
                multivariate=self.multivariate,
                seed=self._seed_of(len(self._trials), attempt),
            )
            with _quiet():
                trial = self._study.ask()
                choice = self._suggested(trial)
            if self.is_new(choice):
                super().recall(choice)
                self._add(trial)
                return choice
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)  # which the sampler does not see
        choice = super().ask()
        if choice is not None:
            self._enqueue(choice)
        return choice

    def recall(self, config: Mapping[str, Any]) -> None:
        super().recall(config)
        self._enqueue(config)

    def report(self, number: int, step: int, value: float) -> bool:
        place = bisect_right(self.rungs, step)
        if place > self._reached[number] and number not in self._ended:
            self._reached[number] = place
            trial = self._trials[number]
            trial.report(value, self.rungs[place - 1])
            if trial.should_prune():
                self._ended.add(number)
        return number in self._ended

    def tell(self, number: int, value: float | None) -> None:
        states = optuna.trial.TrialState
        trial = self._trials[number]
        with _quiet():
            if value is not None:
                self._study.tell(trial, value)
            else:
                self._study.tell(trial, state=states.PRUNED if number in self._ended else states.FAIL)

    def _seed_of(self, number: int, attempt: int) -> int:
        words = hashlib.blake2b(f"{self.seed}/{number}/{attempt}".encode(), digest_size=4).digest()
        return int.from_bytes(words, "little")

    def _add(self, trial: optuna.Trial) -> None:
        self._trials.append(trial)
        self._reached.append(0)

    def _enqueue(self, config: Mapping[str, Any]) -> None:
        """The study gets a trial of this configuration."""
        self._study.sampler = optuna.samplers.RandomSampler(0)  # it has nothing to choose
        fixed = {
            name: domain.index(config[name]) if isinstance(domain, Values) else config[name]
            for name, domain in self._space.items()
            if name in config
        }
        with _quiet():
            self._study.enqueue_trial(fixed)
            trial = self._study.ask()
            self._suggested(trial)
        self._add(trial)

    def _suggested(self, trial: optuna.Trial) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        for name, domain in self._space.items():
            if domain.active(chosen):
                chosen[name] = _suggest(trial, name, domain)
        return chosen


def _suggest(trial: optuna.Trial, name: str, domain: Domain) -> Any:
    if isinstance(domain, Values):  # by their places, as some are lists or mappings
        return domain.values[trial.suggest_categorical(name, range(len(domain.values)))]
    if isinstance(domain, Integers):
        return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    if isinstance(domain, Uniform):
        return trial.suggest_float(name, domain.low, domain.high, log=isinstance(domain, LogUniform))
    raise ConfigError(f"tpe does not know how to choose {name} of {domain}")


def _rungs(first: int) -> Iterator[int]:
    step = first
    while step < LAST:
        yield step
        step = max(step + 1, int(step * RATIO))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Optuna says on stderr what a run says elsewhere."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
