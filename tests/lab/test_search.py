"""What searchers choose and end; what a sweep makes of it, also when it is killed."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Any

import pytest

import labkit as lk
from labkit.errors import ConfigError
from labkit.lab.search.asha import AshaSearcher, rungs
from labkit.lab.search.base import Searcher
from labkit.lab.search.grid import GridSearcher
from labkit.lab.search.random import RandomSearcher, draw
from labkit.lab.space.conditions import count
from labkit.plugins import current_lab, resolve
from labkit.testing import check_searcher

SPACE = {
    "kind": lk.space.choice(["adam", "sgd"]),
    "rate": lk.space.log_uniform(1e-4, 1e-1),
    "width": lk.space.integers(16, 256, log=True),
    "momentum": lk.space.uniform(0, 1).when(kind="sgd"),
}
FINITE = {
    "kind": lk.space.choice(["adam", "sgd"]),
    "width": lk.space.integers(1, 3),
    "momentum": lk.space.choice([0.0, 0.5]).when(kind="sgd"),
}


def asked(searcher: Searcher, space: Any, most: int = 100) -> list[dict[str, Any]]:
    searcher.begin(space)
    return [choice for choice in (searcher.ask() for _ in range(most)) if choice is not None]


def test_draws_are_spread_as_the_domains_say() -> None:
    drawn = [draw(SPACE, 0, number) for number in range(3000)]
    logs = [math.log10(choice["rate"]) for choice in drawn]
    assert [sum(low <= x < low + 1 for x in logs) for low in (-4, -3, -2)] == pytest.approx([1000] * 3, rel=0.1)
    widths = Counter(int(math.log2(choice["width"])) for choice in drawn)
    assert [widths[power] for power in (4, 5, 6, 7)] == pytest.approx([750] * 4, rel=0.15)
    kinds = Counter(choice["kind"] for choice in drawn)
    assert kinds["sgd"] == pytest.approx(1500, rel=0.1)
    momenta = [choice["momentum"] for choice in drawn if "momentum" in choice]
    assert len(momenta) == kinds["sgd"]
    assert sum(momenta) / len(momenta) == pytest.approx(0.5, abs=0.03)
    thirds = Counter(lk.space.integers(5, 7).at(random.Random(i).getrandbits(64)) for i in range(3000))
    assert [thirds[value] for value in (5, 6, 7)] == pytest.approx([1000] * 3, rel=0.1)


@pytest.mark.parametrize(
    "domain",
    [
        lk.space.uniform(-1e308, 1e307),
        lk.space.uniform(1e6, 1e6 + 1e-3),
        lk.space.uniform(1e-300, 2e-300),
        lk.space.log_uniform(5e-324, 1e308),
        lk.space.log_uniform(1, 1.0001),
        lk.space.integers(-5, -4),
        lk.space.integers(1, 2, log=True),
        lk.space.integers(0, 2**62),
        lk.space.choice([None, 1, "a", [1]]),
    ],
)
def test_values_are_inside_for_every_word(domain: Any) -> None:
    words = [0, 1, 2**63, 2**64 - 1, *(random.Random(number).getrandbits(64) for number in range(200))]
    values = [domain.at(word) for word in words]
    assert all(map(domain.contains, values))
    assert len(set(map(str, values))) >= min(domain.size, 100)


def test_drawn_numbers_can_be_typed() -> None:
    assert all(len(repr(draw(SPACE, 0, number)["rate"])) <= 12 for number in range(200))


def test_a_key_is_drawn_alone_and_more_trials_only_add() -> None:
    few, many = asked(RandomSearcher(), SPACE, 5), asked(RandomSearcher(), SPACE, 20)
    assert many[:5] == few
    other = asked(RandomSearcher(), {"depth": lk.space.integers(1, 9), **SPACE}, 5)
    assert [{key: choice[key] for key in choice if key != "depth"} for choice in other] == few
    assert asked(RandomSearcher(seed=1), SPACE, 5) != few


def test_a_finite_space_is_gone_through_without_repetition() -> None:
    assert count(FINITE) == 9
    for searcher in (RandomSearcher(), GridSearcher(), AshaSearcher(1)):
        found = asked(searcher, FINITE)
        assert len(found) == 9
        assert all(choice not in found[:place] for place, choice in enumerate(found))
        assert all(("momentum" in choice) == (choice["kind"] == "sgd") for choice in found)


def test_the_rungs() -> None:
    assert rungs(10, 4, 1000) == (10, 40, 160, 640)
    assert rungs(1, 1.5, 10) == (1, 2, 3, 5, 7)
    assert rungs(3, 2)[-1] < 2**40 <= 2 * rungs(3, 2)[-1]
    for wrong in ((0, 4), (1.5, 4), (1, 1), (1, math.nan), (10, 4, 10), (True, 4)):
        with pytest.raises(ConfigError, match="min_steps is 1 or more"):
            rungs(*wrong)  # type: ignore[arg-type]


def test_asha_keeps_the_best_of_each_rung() -> None:
    searcher = AshaSearcher(10, 3)
    asked(searcher, SPACE, 9)
    assert [searcher.report(0, 9, 5.0), searcher.report(0, 10, 5.0)] == [False, False]  # the first one goes on
    assert searcher.report(1, 12, 6.0)  # of two one goes on
    assert not searcher.report(2, 10, 4.0)
    assert searcher.report(3, 29, 4.5) is False  # second of four: the best two go on
    assert searcher.report(0, 35, 3.0) is False  # first at the second rung
    assert searcher.report(2, 31, 3.0) is False  # as good as the best
    assert searcher.report(3, 30, 3.5)
    assert searcher.report(1, 1000, 0.0)  # what is over stays over, and counts at no later rung
    assert [searcher.report(0, 31, 100.0), searcher.report(2, 10, 9.0)] == [False, False]  # once for each rung
    assert not searcher.report(4, 95, 3.5)  # counts for the last rung that it came to, where it is the first
    assert searcher.report(5, 89, 3.5)


def test_asha_alone_needs_no_more_than_its_share() -> None:
    """Of 81 trials with a reduction factor of 3, random losses: about a third of each rung comes to the next."""
    searcher, random_ = AshaSearcher(1, 3, 81), random.Random(0)
    asked(searcher, SPACE, 81)
    losses = [random_.random() for _ in range(81)]
    reached = Counter[int]()
    best = min(range(81), key=losses.__getitem__)
    for number, loss in enumerate(losses):
        for step in (1, 3, 9, 27):
            reached[step] += 1
            if searcher.report(number, step, loss):
                assert number != best
                break
    assert reached[1] == 81
    assert 27 <= reached[3] <= 45
    assert reached[27] <= 20


SETTINGS: dict[str, dict[str, Any]] = {
    "asha": {"min_steps": 2, "reduction_factor": 2},
    "list": {"configs": [{"width": 64}, {"width": 16}]},
}


@pytest.mark.parametrize("name", current_lab().registry("searchers").names())
def test_every_registered_searcher_keeps_the_contract(name: str) -> None:
    check_searcher(lambda: resolve("searchers", {"name": name, **SETTINGS.get(name, {})}))
