"""What a profiled run tells: the time and memory of each operation."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from labkit.core.graph import Graph


@dataclass(frozen=True)
class NodeStats:
    """What one operation took in a run.

    Attributes:
        name: of the operation.
        type: of the operation; of work that has no operation of its own (a random counter's advance) "".
        line: "file:number" of the line of the user's program that made the operation.
        kernel: the native kernel, several as "conv2d.f32 + relu.f32" where one instruction does the work of more operations (it
            has the name of one of them); "python" where a function of Python computed it.
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
        arena_bytes: memory of temporaries at the peak, which grows a little with the number of threads.
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
        reading = _Reading(graph, records[0][0])
        reading.take(records, "")
        self.nodes = [NodeStats(*key, *what) for key, what in reading.nodes.items()]
        nodes = {(n.name, n.type, n.line, n.kernel, n.parent): n for n in self.nodes}
        self._events = [(nodes[key], start, seconds) for key, start, seconds in reading.events]
        self.seconds, self.arena_bytes, self._left_out = reading.seconds, reading.arena_bytes, reading.left_out

    def to_text(self, limit: int | None = None) -> str:
        """A table of the operations, the slowest first; what ran inside a loop or branch stands below it, as part of its time.

        Args:
            limit: at most so many lines; None: all.
        """
        inside: dict[str, list[NodeStats]] = {}
        for node in sorted(self.nodes, key=lambda node: -node.seconds):
            inside.setdefault(node.parent, []).append(node)
        rows: list[tuple[int, NodeStats]] = []

        def list_below(parent: str, depth: int) -> None:
            for node in inside.pop(parent, ()):
                rows.append((depth, node))
                list_below(node.name, depth + 1)

        list_below("", 0)
        total = sum(node.seconds for depth, node in rows if not depth)
        table = [("time", "share", "calls", "bytes", "operation", "kernel", "line")]
        for depth, node in rows[:limit]:
            what = "  " * depth + (f"{node.type} '{node.name}'" if node.type else node.name)
            share = f"{100 * node.seconds / (total or 1.0):.1f} %"
            table.append((_time(node.seconds), share, str(node.calls), f"{node.bytes:,}", what, node.kernel, node.line))
        widths = [max(len(row[i]) for row in table) for i in range(7)]
        lines = [
            "  ".join(c.rjust(w) if i < 4 else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in table
        ]
        hidden = len(rows) - len(lines) + 1
        if hidden > 0:
            lines.append(f"and {hidden} more")
        lines.append(
            f"{_time(self.seconds)} in all, {_time(total)} of it in these operations; {self.arena_bytes:,} bytes of "
            "temporaries at the peak"
        )
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
        device = SimpleNamespace(device="/device:CPU:0", node_stats=self.nodes)
        return SimpleNamespace(dev_stats=[device], run_metadata=self)


class _Reading:
    """Records on their way to nodes: what ran several times, in one place, is one node."""

    def __init__(self, graph: Graph, origin: int) -> None:
        self.graph, self.origin = graph, origin
        self.nodes: dict[_Key, list[Any]] = {}  # -> calls, start, seconds, bytes
        self.events: list[tuple[_Key, float, float]] = []
        self.seconds, self.arena_bytes, self.left_out = 0.0, 0, 0

    def take(self, records: Sequence[tuple[Any, ...]], around: str) -> None:
        """Adds records of what ran inside the operation named `around`, or of the run itself."""
        for start, duration, arena_bytes, nodes, events, left_out, *inside in records:
            self.seconds = max(self.seconds, (start + duration - self.origin) / 1e9)
            self.arena_bytes = max(self.arena_bytes, arena_bytes)
            self.left_out += left_out
            keys: list[_Key] = []
            for name, kernel, parent, calls, began, took, size in nodes:
                op = self.graph.get_operation_by_name(name) if name in self.graph else self.graph.inside.get(name)
                kind, line = (op.type, op.line) if op else ("", "")
                key = (name, kind, line, kernel, keys[parent][0] if parent >= 0 else around)
                known = self.nodes.setdefault(key, [0, (began - self.origin) / 1e9, 0.0, size])
                known[0] += calls
                known[2] += took / 1e9
                keys.append(key)
            self.events.extend((keys[i], (began - self.origin) / 1e9, took / 1e9) for i, began, took in events)
            if inside:
                self.take(inside[0], nodes[0][0])


_Key: TypeAlias = tuple[str, str, str, str, str]  # of a node: name, type, line, kernel, parent


def host_record(
    name: str, start: int, results: Sequence[np.ndarray], inside: Sequence[tuple[Any, ...]] = ()
) -> tuple[Any, ...]:
    """The record of an operation that Python has computed since `start`, nanoseconds of time.monotonic_ns().

    Args:
        inside: the records of what ran in it, where it is a loop or branch.
    """
    took = time.monotonic_ns() - start
    node = (name, "python", -1, 1, start, took, sum(x.nbytes for x in results))
    return start, took, 0, [node], [(0, start, took)], 0, inside


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
