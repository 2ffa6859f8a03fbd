"""The optimised plan against the naive one, to the bit, on graphs that tempt a planner to fuse what it must not.

`pytest -m campaign -k fusible -s` compares thousands of graphs; `python -m tests.numerics.twins SEED` shows one that differs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import labkit as lk
from tests.numerics.fusible import Fusible
from tests.numerics.twins import Twins, difference, one_nan, told
from tests.ops.records import seed

FIRST = seed() % 10**6  # other graphs on every commit
QUICK, MANY = 50, 3000


@pytest.fixture
def threads() -> Iterator[None]:
    before = lk.get_num_threads()
    yield
    lk.set_num_threads(before)


def differences(numbers: range) -> list[str]:
    """What differs, with one to three threads."""
    found = []
    for number in numbers:
        lk.set_num_threads(1 + number % 3)
        found.append(difference(Fusible(number)))
    return [text for text in found if text]


@pytest.mark.parametrize("start", range(FIRST, FIRST + QUICK, 10))
def test_fusible_graphs_have_the_bits_of_the_naive_plan(start: int, threads: None) -> None:
    assert not differences(range(start, start + 10))


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_many_fusible_graphs_have_the_bits_of_the_naive_plan(threads: None) -> None:
    found = differences(range(MANY))
    print(f"{MANY} graphs, three runs each: {len(found)} differ")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("start", range(FIRST, FIRST + 12, 3))
def test_looking_at_more_changes_nothing(start: int, threads: None) -> None:
    """Every result alone has the bits that it has when all are fetched, with two threads, too."""
    for number in range(start, start + 3):
        case = Fusible(number, steps=15, writing=False)
        tensors = [x for _, x in case.made]
        with Twins(case) as twins:
            together = told(twins.naive, case.feeds[0], tensors)
            if len(together) == 1:
                continue  # one of them cannot be computed
            for count in (1, 2):
                lk.set_num_threads(count)
                for tensor, want in zip(tensors, together, strict=False):
                    twins.optimised.restore_state({})  # random numbers as in the first run
                    got = twins.optimised.run(tensor, case.feeds[0])
                    assert one_nan(got) == one_nan(want), f"graph {number}, {count} threads: {tensor!r}"


@pytest.mark.parametrize("start", range(FIRST, FIRST + 12, 3))
def test_steps_have_the_bits_of_naive_runs(start: int) -> None:
    """Native stepping of the optimised plan against one naive run after another."""
    for number in range(start, start + 3):
        case = Fusible(number)
        fed = [case.numbers_for(case.sizes[0]) for _ in range(3)]
        with Twins(case) as twins:
            wanted = case.fetches[0]
            alone = [told(twins.naive, feeds, wanted) for feeds in fed]
            stacked = {x: np.stack([feeds[x] for feeds in fed]) for x in fed[0]}
            if any(len(values) == 1 for values in alone):
                continue  # refused
            together = twins.optimised.run(wanted, stacked, steps=3)
            for i, tensor in enumerate(wanted):
                for step, values in enumerate(alone):
                    if values[i] is not None:
                        assert one_nan(together[i][step]) == one_nan(values[i]), f"graph {number}: {tensor!r}"
            naive, optimised = (session.state() for session in twins.sessions)
            assert all(one_nan(naive[k]) == one_nan(optimised[k]) for k in naive), f"graph {number}"


# --- that the graphs are worth it, and the comparison sees ---


def test_the_graphs_hold_what_fusion_meets() -> None:
    cases = [Fusible(number) for number in range(40)]
    types = [{op.type for op in case.graph.operations} for case in cases]
    for needed in (
        "Conv2D",
        "MatMul",
        "Relu",
        "Assign",
        "AssignSub",
        "Select",
        "Cast",
        "Sum",
        "MaxPoolGrad",
        "If",
        "While",
        "Scan",
    ):
        assert any(needed in some for some in types), f"no graph has {needed}"
    assert sum(difference_of_plans(case) for case in cases) > len(cases) // 2
    computed = sum(
        len(told(twins.naive, case.feeds[0], case.fetches[0])) > 1 for case in cases for twins in [Twins(case)]
    )
    assert computed > 0.8 * len(cases)


def difference_of_plans(case: Fusible) -> bool:
    """Whether the optimised plan of the first run has fewer instructions."""
    with Twins(case) as twins:
        told(twins.naive, case.feeds[0], case.fetches[0])
        told(twins.optimised, case.feeds[0], case.fetches[0])
        counts = [sum(len(planned.plan) for planned in session.plans.values()) for session in twins.sessions]
    return counts[1] < counts[0]


@pytest.mark.parametrize(("kernel", "other"), [("add", "sub"), ("mul", "add"), ("relu", "abs"), ("tanh", "sigmoid")])
def test_a_plan_that_computes_something_else_is_noticed(
    kernel: str, other: str, monkeypatch: pytest.MonkeyPatch, threads: None
) -> None:
    """One instruction of a kind is exchanged in the optimised plans."""
    make = lk.Session.make_plan

    def wrong(self: lk.Session, lowered: object) -> object:
        if self.optimize:
            for made in lowered.instructions:  # type: ignore[attr-defined]
                if made["kernel"] == f"{kernel}.f32":
                    made["kernel"] = f"{other}.f32"
                    break
        return make(self, lowered)

    monkeypatch.setattr(lk.Session, "make_plan", wrong)
    assert len(differences(range(30))) >= 5
