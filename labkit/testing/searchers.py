"""check_searcher."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labkit.errors import ConfigError
from labkit.lab import plain
from labkit.lab.search.base import Searcher
from labkit.lab.space.conditions import count, settled
from labkit.lab.space.domains import Domain, Integers, LogUniform, Uniform, Values
from labkit.testing.numeric import require

MOST, JOBS = 14, 3
"""Configurations asked for in a space without end; how many run at a time."""

SPACES: dict[str, dict[str, Domain]] = {
    "one list": {"width": Values([16, 32, 64])},
    "nothing": {},
    "numbers": {"rate": LogUniform(1e-4, 1e-1), "width": Integers(4, 256, log=True), "drop": Uniform(0, 1)},
    "conditions": {
        "kind": Values(["adam", "sgd", None]),
        "momentum": Values([0.0, 0.5]).when(kind="sgd"),
        "nesterov": Values([True, False]).when(momentum=0.5),
    },
    "values of all kinds": {"sizes": Values([[8], [8, 8]]), "depth": Integers(1, 2), "name": Values(["a", "b"])},
}


def check_searcher(make: Callable[[], Searcher]) -> None:
    """Checks that a searcher keeps its contract, in sweeps that are only played: some trials at a time, of which some fail.

    It asks for values of the space, for the keys whose conditions hold, for nothing twice, and in a space with an end it comes
    to one. What it does follows from its settings and from what it was told: again the same, and without Python's and NumPy's
    global generators; a new one that recalls what an earlier one asked for, and is told the same, goes on
    as that one would have. Figures that come twice change nothing. One that is not adaptive asks for the same whatever comes
    of it. A searcher may refuse a space by a ConfigError, but not all.

    Args:
        make: gives a new searcher at each call.

    Raises:
        AssertionError: it does not.
    """
    name = type(make()).__name__
    require(isinstance(make(), Searcher), f"{name} is not derived from labkit.lab.search.base.Searcher")
    rungs = list(make().rungs)
    require(
        all(type(step) is int and step >= 1 for step in rungs) and rungs == sorted(set(rungs)),
        f"{name}.rungs are no rising steps: {rungs[:10]}",
    )
    searched = 0
    for title, space in SPACES.items():
        try:
            make().begin(space)
        except ConfigError:
            continue
        searched += 1
        for ending in (_all_well, _some_fail):
            _check_in(make, space, f"{name} in a space of {title}", ending)
    require(searched, f"{name} refuses every space")


Ending = Callable[[int, float], float | None]


def _all_well(number: int, value: float) -> float | None:
    return value


def _some_fail(number: int, value: float) -> float | None:
    return None if number % 4 == 1 else value


def _all_fail(number: int, value: float) -> float | None:
    return None


def _check_in(make: Callable[[], Searcher], space: dict[str, Domain], name: str, ending: Ending) -> None:
    first, again = (_Play(_begun(make, space), space, ending) for _ in range(2))
    before = _generators()
    first.go(name)
    require(_generators() == before, f"{name} uses Python's or NumPy's global generator")
    again.go(name)
    _same(first.events, again.events, f"{name}: the same sweep again goes otherwise")
    twice = _Play(_begun(make, space), space, ending, repeats=True)
    twice.go(name)
    _same(first.events, twice.events, f"{name}: figures that come twice change what it does")
    for cut in sorted({len(first.events) * part // 5 for part in range(1, 5)}):
        later = _recalled(make, space, first.events[:cut], name)
        rest = _Play(later, space, ending, past=first.events[:cut])
        rest.go(f"{name}, told of the first {cut} events,")
        _same(first.events, rest.events, f"{name}: one that recalls what was asked for and told goes on otherwise")
    if not make().adaptive:
        worse = _Play(_begun(make, space), space, _all_fail)
        worse.go(name)
        asked = [[event[1] for event in play.events if event[0] == "ask"] for play in (first, worse)]
        _same(asked[0], asked[1], f"{name}: what it asks for depends on results, though adaptive is False")


def _begun(make: Callable[[], Searcher], space: Mapping[str, Domain]) -> Searcher:
    searcher = make()
    searcher.begin(space)
    return searcher


def _recalled(make: Callable[[], Searcher], space: Mapping[str, Domain], events: list[Any], name: str) -> Searcher:
    """A new searcher that is told of the events, as a runner does that has them from its store, which does not know the order
    of keys: so that of one that is adaptive has another."""
    another = settled(dict(reversed(list(space.items()))), {})
    searcher = _begun(make, another if make().adaptive else space)
    for kind, *facts in events:
        if kind == "ask" and facts[0] is not None:
            searcher.recall(plain.loads(plain.dumps(facts[0])))
    for kind, *facts in events:
        if kind == "report":
            number, step, value, ended = facts
            told = searcher.report(number, step, value)
            require(told == ended, f"{name}: one that recalls decides otherwise about step {step} of trial {number}")
        elif kind == "tell":
            searcher.tell(*facts)
    return searcher


class _Play:
    """A sweep whose trials are figures: each comes from above to a number that follows from its configuration.

    Attributes:
        events: ("ask", configuration), ("report", number, step, value, whether that ended it), ("tell", number, value).
    """

    def __init__(
        self,
        searcher: Searcher,
        space: dict[str, Domain],
        ending: Ending,
        repeats: bool = False,
        past: list[Any] | None = None,
    ) -> None:
        self.searcher, self.space, self.ending = searcher, space, ending
        self.repeats, self.past = repeats, list(past or ())
        self.events: list[Any] = []
        self.random = random.Random(0)
        self.asked: list[str] = []
        self.running: dict[int, list[tuple[int, float]]] = {}  # what each has still to report
        self.reported: dict[int, list[tuple[int, float]]] = {}
        self.steps = sorted({1, 2, 3, 4, 6, 8, 9, 12, 16, 27, 50, 64, *searcher.rungs[:8]})
        self.most = min(MOST, count(space))

    def go(self, name: str) -> None:
        over = False
        while not over or self.running:
            if not over and len(self.running) < JOBS and len(self.asked) < self.most:
                choice = self._event("ask", self.searcher.ask)[1]
                if choice is not None:
                    self._start(choice, name)
                    continue
                over = not self.running
            elif len(self.asked) >= self.most:
                over = True
            if self.running:
                self._advance(self.random.choice(sorted(self.running)), name)
        if self.past:
            return
        if len(self.asked) == count(self.space):
            require(self.searcher.ask() is None, f"{name} asks for more configurations than there are")
        elif len(self.asked) < self.most:
            require(self.searcher.ask() is None, f"{name} asks for more after it had no more, and nothing had changed")

    def _event(self, kind: str, decide: Callable[[], Any], *facts: Any) -> tuple[Any, ...]:
        """What happens next: decided by the searcher, or what happened in the past."""
        event = tuple(self.past.pop(0)) if self.past else (kind, *facts, decide())
        self.events.append(event)
        return event

    def _start(self, choice: dict[str, Any], name: str) -> None:
        chosen: dict[str, Any] = {}
        for key, domain in self.space.items():
            if domain.active(chosen):
                require(key in choice, f"{name} asks for {choice}, which lacks {key}")
                require(domain.contains(choice[key]), f"{name} asks for {key}={choice[key]!r}, which {domain} has not")
                chosen[key] = choice[key]
        strange = choice.keys() - chosen.keys()
        require(not strange, f"{name} asks for {choice}, where {', '.join(map(str, strange))} must not stand")
        text = plain.dumps(choice)
        require(text not in self.asked, f"{name} asks for {choice} twice")
        number = len(self.asked)
        self.asked.append(text)
        last = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
        self.running[number] = [(step, last + 1 / step) for step in self.steps]
        self.reported[number] = []

    def _advance(self, number: int, name: str) -> None:
        """One trial reports, or comes to its end."""
        if self.repeats and self.reported[number]:
            for step, value in self.reported[number]:  # it was interrupted, and began again
                ended = self.searcher.report(number, step, value)
                require(not ended, f"{name} ends trial {number} by a figure that it was told before, and went on")
        figures = self.running[number]
        if not figures:
            self._end(number, float(self.reported[number][-1][1]))
            return
        step, value = figures.pop(0)
        self.reported[number].append((step, value))
        event = self._event("report", lambda: bool(self.searcher.report(number, step, value)), number, step, value)
        if event[-1]:
            require(list(self.searcher.rungs) != [], f"{name} ends trials, though it has no rungs")
            self._end(number, None)

    def _end(self, number: int, value: float | None) -> None:
        told = None if value is None else self.ending(number, value)
        if self.past:
            self.past.pop(0)
        else:
            self.searcher.tell(number, told)
        self.events.append(("tell", number, told))
        del self.running[number]


def _same(one: list[Any], other: list[Any], problem: str) -> None:
    for place, pair in enumerate(zip(one, other, strict=False)):
        require(pair[0] == pair[1], f"{problem}: at event {place} {pair[1]} instead of {pair[0]}")
    require(len(one) == len(other), f"{problem}: {len(other)} events instead of {len(one)}")


def _generators() -> tuple[Any, ...]:
    state = np.random.get_state(legacy=False)
    return random.getstate(), state["state"]["key"].tolist(), state["state"]["pos"]
