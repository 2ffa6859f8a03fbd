"""One way of running a graph: fetches and fed tensors, and the plans made for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit import native
from labkit.core.fetches import Fetches
from labkit.core.graph import Graph
from labkit.core.passes.lower import lower
from labkit.core.passes.program import Program
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ResourceExhaustedError

if TYPE_CHECKING:
    from labkit.core.session import Session

_CACHED_PLANS = 64


@dataclass(frozen=True)
class Planned:
    """A native plan, and the names that its errors are told with."""

    plan: Any
    cell_names: list[str]
    feed_names: list[str]


class Runner:
    """One (fetches, fed tensors) of a session: the program that all its plans are made from."""

    def __init__(self, graph: Graph, fetches: Any, feeds: list[Tensor], optimize: bool) -> None:
        self.feeds = feeds
        self.fetches = Fetches(graph, fetches)
        self.program = Program(self.fetches.tensors, self.fetches.operations, feeds, share_equal=optimize)

    def plan(self, session: Session, arrays: list[np.ndarray], shapes: list[tuple[int, ...]]) -> Planned:
        """The plan for fed arrays of these shapes."""
        values = {self.feeds[i]: arrays[i] for i in self.program.valued_feeds}
        key = (self, tuple(shapes), tuple(v.tobytes() for v in values.values()))
        with session._lock:
            if key in session._plans:
                session._plans.move_to_end(key)
                return session._plans[key]
            lowered = lower(
                self.program, shapes, values, session._variable_cell, session._counter_cell, fold=session.optimize
            )
            try:
                plan = native.Plan(
                    lowered.slots, lowered.instructions, lowered.cells, lowered.read_first, session._state
                )
            except (ValueError, OverflowError) as error:
                raise InvalidArgumentError(f"The run cannot be planned: {error}") from None
            except MemoryError as error:
                raise ResourceExhaustedError("There is not enough memory for this run", received=str(error)) from None
            names = {id(cell): name for name, cell in session._cells.items()}
            session._plans[key] = Planned(plan, [names[id(c)] for c in lowered.cells], [x.name for x in self.feeds])
            if len(session._plans) > _CACHED_PLANS:
                session._plans.popitem(last=False)
            return session._plans[key]
