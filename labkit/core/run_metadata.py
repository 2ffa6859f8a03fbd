"""Options of a run, and what a profiled run tells: the time and memory of each operation."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.errors import InvalidArgumentError

if TYPE_CHECKING:
    from labkit.core.graph import Graph


class RunOptions:
    """Options of `Session.run`.

    Args:
        trace_level: `RunOptions.NO_TRACE` leaves a `run_metadata` empty; every other level measures all there is.
        timeout_in_ms: milliseconds after which the run is given up; 0: never.

    Raises:
        InvalidArgumentError: an unknown level, a negative timeout.
    """

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = range(4)

    def __init__(self, trace_level: int = FULL_TRACE, timeout_in_ms: int = 0) -> None:
        if trace_level not in range(4):
            raise InvalidArgumentError(
                "trace_level is one of RunOptions' constants, such as FULL_TRACE", received=repr(trace_level)
            )
        if isinstance(timeout_in_ms, bool) or not isinstance(timeout_in_ms, int | np.integer) or timeout_in_ms < 0:
            raise InvalidArgumentError("timeout_in_ms is a whole number from 0 on", received=repr(timeout_in_ms))
        self.trace_level, self.timeout_in_ms = trace_level, int(timeout_in_ms)

    @property
    def traces(self) -> bool:
        return self.trace_level != self.NO_TRACE


def limit_of(timeout: float | None, options: RunOptions | None) -> float | None:
    """The seconds that a run may take, from its arguments; None: any time.

    Raises:
        InvalidArgumentError: `timeout` is no positive number.
    """
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise InvalidArgumentError("timeout is a positive number of seconds", received=repr(timeout))
    if options is None or not options.timeout_in_ms:
        return timeout
    return min(options.timeout_in_ms / 1000, timeout or float("inf"))


@dataclass(frozen=True)
class NodeStats:
    """What one operation took in a run.

    Attributes:
        name: of the operation.
        type: of the operation; of work that has no operation of its own (a random counter's advance) "".
        line: "file:number" of the line of the user's program that made the operation.
        kernel: the native kernel, "python" where a function of Python computed it.
        parent: name of the loop or branch that it ran in, or "".
        calls: how often it ran.
        start: of its first call, in seconds since the run's start.
        seconds: all calls together; of a loop or branch with what ran inside.
        bytes: of its results.
    """

    name: str
    type: str
    line: str
    kernel: str
    parent: str
    calls: int
    start: float
    seconds: float
    bytes: int

    # TensorFlow's names for the same, of a NodeExecStats:

    @property
    def node_name(self) -> str:
        return self.name

    @property
    def timeline_label(self) -> str:
        return f"{self.name} = {self.type or self.kernel}()"

    @property
    def all_start_micros(self) -> int:
        return round(self.start * 1e6)

    @property
    def op_end_rel_micros(self) -> int:
        return round(self.seconds * 1e6)

    all_end_rel_micros = op_end_rel_micros


class RunMetadata:
    """What `session.run(..., run_metadata=lk.RunMetadata())` measured. Each run fills it anew.

    `print(run_metadata)` shows a table, the slowest operations first. Measuring changes no bit of the results.

    Attributes:
        nodes: a `NodeStats` for each operation that ran, in order. Operations that needed no instruction (constants,
            reshapes, what was folded or shared) are not among them: see `lk.explain_plan`.
        seconds: the time of the run, from the start of its first native plan to the end of its last part.
        arena_bytes: memory of temporaries at the peak.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeStats] = []
        self.seconds = 0.0
        self.arena_bytes = 0
        self._events: list[tuple[NodeStats, float, float]] = []
        self._left_out = 0

    def fill(self, graph: Graph, records: Sequence[tuple[Any, ...]]) -> None:
        """Takes in the records of one run's native plans and host operations, as `native.Plan.run` and `host_record`
        make them."""
        self.__init__()  # type: ignore[misc]
        if not records:
            return
        origin = records[0][0]
        for start, duration, arena_bytes, nodes, events, left_out in records:
            self.seconds = (start + duration - origin) / 1e9
            self.arena_bytes = max(self.arena_bytes, arena_bytes)
            self._left_out += left_out
            made: list[NodeStats] = []
            for name, kernel, parent, calls, began, took, size in nodes:
                op = graph.get_operation_by_name(name) if name in graph else graph.inside.get(name)
                kind, line = (op.type, op.line) if op else ("", "")
                around = made[parent].name if parent >= 0 else ""
                began = (began - origin) / 1e9
                made.append(NodeStats(name, kind, line, kernel, around, calls, began, took / 1e9, size))
            self.nodes.extend(made)
            self._events.extend((made[i], (began - origin) / 1e9, took / 1e9) for i, began, took in events)

    def to_text(self, limit: int | None = None) -> str:
        """A table of the operations, the slowest first.

        Args:
            limit: at most so many lines; None: all.
        """
        rows = sorted(self.nodes, key=lambda node: -node.seconds)
        total = sum(node.seconds for node in self.nodes if not node.parent) or 1.0
        table = [("time", "share", "calls", "bytes", "operation", "kernel", "line")]
        for node in rows[:limit]:
            inside = f" in {node.parent}" if node.parent else ""
            what = f"{node.type} '{node.name}'{inside}" if node.type else node.name
            share = f"{100 * node.seconds / total:.1f} %"
            table.append((_time(node.seconds), share, str(node.calls), f"{node.bytes:,}", what, node.kernel, node.line))
        widths = [max(len(row[i]) for row in table) for i in range(7)]
        lines = [
            "  ".join(c.rjust(w) if i < 4 else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in table
        ]
        hidden = len(rows) - len(lines) + 1
        if hidden > 0:
            lines.append(f"and {hidden} more")
        lines.append(f"{_time(self.seconds)} in all, {self.arena_bytes:,} bytes of temporaries at the peak")
        return "\n".join(line.rstrip() for line in lines)

    __str__ = to_text

    def to_chrome_trace(self) -> str:
        """The run as JSON that chrome://tracing and Perfetto show: an event for each call, what runs inside a loop below
        it. Of loops with very many iterations the first are kept."""
        events = [
            {
                "name": node.type or node.kernel,
                "cat": "Op",
                "ph": "X",
                "pid": 0,
                "tid": 0,
                "ts": start * 1e6,
                "dur": seconds * 1e6,
                "args": {"name": node.name, "kernel": node.kernel, "line": node.line, "bytes": node.bytes},
            }
            for node, start, seconds in self._events
        ]
        named = {"name": "process_name", "ph": "M", "pid": 0, "args": {"name": "labkit session"}}
        return json.dumps({"traceEvents": [named, *events], "otherData": {"events left out": self._left_out}})

    @property
    def step_stats(self) -> Any:
        """The nodes where TensorFlow's RunMetadata has them: `step_stats.dev_stats[0].node_stats`."""
        return SimpleNamespace(dev_stats=[SimpleNamespace(device="/device:CPU:0", node_stats=self.nodes)])


def host_record(name: str, start: int, results: Sequence[np.ndarray]) -> tuple[Any, ...]:
    """The record of an operation that Python has computed since `start`, nanoseconds of time.monotonic_ns()."""
    took = time.monotonic_ns() - start
    node = (name, "python", -1, 1, start, took, sum(x.nbytes for x in results))
    return start, took, 0, [node], [(0, start, took)], 0


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
