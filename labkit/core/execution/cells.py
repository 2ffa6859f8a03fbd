"""The values that a session holds: of variables, and of the counters of random operations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from labkit import native
from labkit.core.convert import as_array
from labkit.core.execution.failures import FAILURES, told, uninitialized
from labkit.core.execution.feeds import feed_array
from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.core.shapes import show
from labkit.core.variables import Variable
from labkit.errors import CheckpointError, ConfigError, GraphError

RANDOM = "random:"
"""In front of a counter in a state; no operation's name holds a colon."""


class Cells:
    """The native cells of one session, made when they are first needed.

    Attributes:
        state: the native memory and lock that all of them share.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        try:
            self.state = native.State()
        except ValueError as error:  # of a setting in the environment
            raise ConfigError(str(error)) from None
        self._cells: dict[str, Any] = {}  # by the variable's or counter's name

    def variable(self, op: Operation) -> Any:
        """The cell of a variable."""
        cell = self._cells.get(op.name)
        if cell is None:  # of two threads that make it the first one's stays
            made = self.state.cell(op.outputs[0].dtype.code, list(op.attrs["shape"]))
            cell = self._cells.setdefault(op.name, made)
        return cell

    def counter(self, name: str) -> Any:
        """The cell of a random counter."""
        cell = self._cells.get(RANDOM + name)
        if cell is None:
            made = self.state.cell("i64", [])
            made.load(np.zeros((), np.int64))
            cell = self._cells.setdefault(RANDOM + name, made)
        return cell

    def names(self, cells: list[Any]) -> list[str]:
        """The name of each cell."""
        known = {id(cell): name for name, cell in self._cells.items()}
        return [known[id(cell)] for cell in cells]

    def read(self, variable: Variable) -> np.ndarray:
        """As `Session.read`."""
        cell = self._own(variable)
        if not cell.initialized:
            raise uninitialized(variable.op)
        return cell.read()

    def load(self, variable: Variable, value: Any) -> None:
        """As `Session.load`."""
        self._own(variable).load(feed_array(variable.ref, value))

    def _own(self, variable: Variable) -> Any:
        if variable.graph is not self.graph:
            raise GraphError(f"{variable.name} belongs to another graph than the session's")
        return self.variable(variable.op)

    def snapshot(self, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """As `Session.state`."""
        wanted = sorted(self._cells if names is None else self._cells.keys() & names)
        return {name: self._cells[name].read() for name in wanted if self._cells[name].initialized}

    @contextmanager
    def frozen(self) -> Iterator[dict[str, np.ndarray]]:
        """As `Session.frozen_state`."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self.state.hold(False))
            except FAILURES as error:
                raise told(error, self.graph, None, timeout=None) from None
            views = {name: cell.view() for name, cell in sorted(self._cells.items())}
            yield {name: view for name, view in views.items() if view is not None}

    def restore(self, state: Mapping[str, np.ndarray], fresh_counters: bool = True) -> None:
        """As `Session.restore_state`."""
        variables = {op.name: op for op in self.graph.operations if op.type == "VariableV2"}
        counters = {name for op in self.graph.operations for name in op.counters}
        checked = {}
        for name, value in state.items():
            array = np.asarray(value)
            if name in variables:
                dtype, shape = variables[name].outputs[0].dtype.numpy, tuple(variables[name].attrs["shape"])
            elif name.startswith(RANDOM) and name.removeprefix(RANDOM) in counters:
                dtype, shape = np.dtype(np.int64), ()
            else:
                raise CheckpointError(
                    f"The state holds {name!r}, which this graph does not have", fix="Build the same graph."
                )
            if array.shape != shape or array.dtype != dtype:
                raise CheckpointError(
                    f"The state's {name!r} does not fit",
                    rule=f"The graph has {dtype} {show(shape)}",
                    received=f"{array.dtype} {show(array.shape)}",
                )
            checked[name] = as_array(array)
        for counter in counters if fresh_counters else ():
            checked.setdefault(RANDOM + counter, np.zeros((), np.int64))
        for name, array in checked.items():
            op = variables.get(name)
            cell = self.variable(op) if op is not None else self.counter(name.removeprefix(RANDOM))
            cell.load(array)

    def clear(self) -> None:
        """Frees the values; runs under way keep theirs to their end."""
        self._cells.clear()
