"""Plans made for a program: of (fetches, fed tensors) of a graph, or of a subgraph that is run stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.execution.fetches import Fetches
from labkit.core.graph import Graph
from labkit.core.passes.infer import Inference
from labkit.core.passes.lower import lower
from labkit.core.passes.program import Program
from labkit.core.passes.stages import Stage
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, LabkitError, ResourceExhaustedError

if TYPE_CHECKING:
    from labkit.core.execution.session import Session

_CACHED_PLANS = 64


@dataclass(frozen=True, eq=False)
class Planned:
    """The native plan of a stage, the shapes it was made for, and the names that its errors are told with."""

    plan: Any
    shapes: Inference
    cell_names: list[str]
    feed_names: list[str]


class Planner:
    """What the plans of a program's stages are made by.

    Args:
        drawn: the random counters that are fed to each plan, after the stage's feeds: those of a subgraph.
    """

    def __init__(self, program: Program, drawn: Sequence[str] = ()) -> None:
        self.program, self.drawn = program, tuple(drawn)

    @cached_property
    def called_again(self) -> frozenset[int]:
        """The user's functions that several operations of a run call."""
        from labkit.core.own_function import called_again

        return called_again(self.program.sequence)

    def plan(self, session: Session, arrays: list[np.ndarray], shapes: tuple[tuple[int, ...], ...]) -> Planned:
        """The plan of the first stage for fed arrays of these shapes."""
        stage = self.program.stages[0]
        values: dict[Tensor, np.ndarray] = {}
        if stage.valued:
            given = dict(zip(self.program.feeds, arrays, strict=True))
            values = {x: given[x] for x in stage.valued}
        key = (self, shapes, *[v.tobytes() for v in values.values()])
        plans = session.plans
        with session.lock:
            if key in plans:
                plans.move_to_end(key)
                return plans[key]
            return self._make(session, key, stage, dict(zip(self.program.feeds, shapes, strict=True)), values, None)

    def plan_next(self, session: Session, number: int, before: Planned, arrays: Mapping[Tensor, np.ndarray]) -> Planned:
        """The plan of a later stage.

        Args:
            number: of the stage.
            before: the plan of the stage before.
            arrays: what was fed, and what the stages before handed out.
        """
        stage = self.program.stages[number]
        dims = {x: arrays[self.program.replace(x)].shape for x in stage.shaped}
        values = {x: arrays[self.program.replace(x)] for x in stage.valued}
        key = (before, tuple(dims.values()), *[v.tobytes() for v in values.values()])
        with session.lock:
            if key in session.plans:
                session.plans.move_to_end(key)
                return session.plans[key]
            return self._make(session, key, stage, dims, values, before.shapes)

    def _make(
        self,
        session: Session,
        key: Any,
        stage: Stage,
        dims: Mapping[Tensor, tuple[int, ...]],
        values: Mapping[Tensor, np.ndarray],
        before: Inference | None,
    ) -> Planned:
        """Plans a stage; the caller has the session's lock."""
        shapes = Inference(stage, dims, values, before)
        cells = session.cells
        try:
            lowered = lower(
                self.program,
                stage,
                shapes,
                cells.variable,
                cells.counter,
                session.make_plan,
                fold=session.optimize,
                drawn=self.drawn,
            )
            plan = session.make_plan(lowered)
        except LabkitError:
            raise
        except (ValueError, OverflowError) as error:
            raise InvalidArgumentError(f"The run cannot be planned: {error}") from None
        except MemoryError as error:
            raise ResourceExhaustedError("There is not enough memory for this run", received=str(error)) from None
        made = Planned(plan, shapes, cells.names(lowered.cells), [x.name for x in stage.feeds])
        session.plans[key] = made
        if len(session.plans) > _CACHED_PLANS:
            session.plans.popitem(last=False)
        return made


class Runner(Planner):
    """One (fetches, fed tensors) of a session."""

    def __init__(self, graph: Graph, fetches: Any, feeds: list[Tensor], optimize: bool) -> None:
        self.feeds = feeds
        self.nested_keys = False  # whether tuples were keys of the feed
        self.fetches = Fetches(graph, fetches)
        super().__init__(Program(self.fetches.tensors, self.fetches.operations, feeds, share_equal=optimize))
