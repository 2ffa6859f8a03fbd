"""Sessions that plan naively and that optimise, side by side on a random graph.

    python -m tests.numerics.twins SEED

prints where the optimised plan of a graph differs from the naive one, with as few fetches as show it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import LabkitError
from tests.numerics.fusible import Fusible
from tests.ops.records import bits


def one_nan(value: Any) -> bytes:
    """The bits of a result, with one NaN for all: which operand's payload survives an addition is nobody's promise."""
    x = np.asarray(value)
    return bits(np.where(np.isnan(x), x.dtype.type(np.nan), x) if x.dtype.kind == "f" else value)


Fetches = Sequence[Sequence[Any]]


class Twins:
    """A session that plans naively and one that optimises, side by side."""

    def __init__(self, case: Fusible) -> None:
        self.case = case
        self.naive, self.optimised = (lk.Session(case.graph, optimize=flag) for flag in (False, True))
        with case.graph.as_default():
            start = [variable.initializer for variable in lk.global_variables()]
        for session in self.sessions:
            session.run(start)

    @property
    def sessions(self) -> tuple[lk.Session, lk.Session]:
        return self.naive, self.optimised

    def differs(self, feeds: Any, fetches: Sequence[Any]) -> str:
        """What a run gives in the two sessions, where that is not the same; else "".

        A run that is refused must be refused in both.
        """
        naive, optimised = ([one_nan(x) for x in told(session, feeds, fetches)] for session in self.sessions)
        if len(naive) != len(optimised):
            return "one of the two is refused"
        for tensor, a, b in zip(fetches, naive, optimised, strict=False):
            if a != b:
                return f"{tensor!r} has other bits"
        before, after = (session.state() for session in self.sessions)
        return next((f"afterwards {k} has other bits" for k in before if one_nan(before[k]) != one_nan(after[k])), "")

    def __enter__(self) -> Twins:
        return self

    def __exit__(self, *_: Any) -> None:
        for session in self.sessions:
            session.close()


def told(session: lk.Session, feeds: Any, fetches: Sequence[Any]) -> list[Any]:
    """What a run gives, or of a run that is refused the error's class."""
    try:
        return [*session.run(list(fetches), feeds, timeout=30), ""]
    except LabkitError as error:
        return [type(error).__name__]


def difference(case: Fusible, fetches: Fetches | None = None) -> str:
    """The first difference between the sessions in all runs, "" where there is none."""
    with Twins(case) as twins:
        for number, (feeds, wanted) in enumerate(zip(case.feeds, fetches or case.fetches, strict=True)):
            if found := twins.differs(feeds, wanted):
                return f"graph {case.seed}, run {number}: {found}"
    return ""


def fewest(case: Fusible) -> Fetches:
    """As few of the case's fetches as still show a difference; one tensor alone, if one does."""
    nothing = [case.inputs[0]]
    for _, tensor in case.made:
        for number in range(len(case.feeds)):
            alone = [[tensor] if i == number else nothing for i in range(len(case.feeds))]
            if difference(case, alone):
                return alone
    fetches = [list(some) for some in case.fetches]
    for some in fetches:
        for wanted in list(some):
            some.remove(wanted)
            if not difference(case, fetches):
                some.append(wanted)
    return fetches


def main(seed: int) -> None:
    case = Fusible(seed)
    print(difference(case) or "no difference")
    if not difference(case):
        return
    fetches = fewest(case)
    print(difference(case, fetches))
    with Twins(case) as twins:
        for feeds, wanted in zip(case.feeds, fetches, strict=True):
            print("feeds", {x.name: x.shape for x in feeds}, "fetches", wanted)
            for session in twins.sessions:
                print(lk.explain_plan(list(wanted), feeds, session=session))


if __name__ == "__main__":
    main(int(sys.argv[1]))
