"""Graph: what a program builds before anything runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labkit.core.checking import check_operation, make_operation
from labkit.core.collections import Collections
from labkit.core.devices import Placement, check_placement, place
from labkit.core.explain import user_line
from labkit.core.growth import Growth
from labkit.core.lookup import Lookup
from labkit.core.names import Names
from labkit.core.opdef import OPS
from labkit.core.operands import name_operands
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.errors import FinalizedGraphError, GraphError, NestedGraphError

if TYPE_CHECKING:
    from labkit.core.exchange.graph_def import GraphDef


class Graph(Names, Lookup, Collections):
    """A set of operations with unique names, in their order of creation.

    A graph only grows. Scopes (`name_scope`, `control_dependencies`, `device`, `stream_root`) say where new operations go.
    """

    def __init__(self) -> None:
        Names.__init__(self)
        Lookup.__init__(self)
        Collections.__init__(self)
        self.outer: Graph | None = None  # the graph around a subgraph
        self.inside: dict[str, Operation] = {}  # operations of the subgraphs inside, by name
        self.operands: set[Operation] = set()  # constants that wait for the operation which they are named after
        self.seed: int | None = None
        self.finalized = False
        self.growth = Growth()
        self.variable_store: Any = None  # of get_variable, when it was used
        self.masks: dict[Tensor, Tensor] = {}  # of sequences: kept here, so that they go when the graph does
        self._stream_root = ""
        self._control: list[tuple[Operation, ...]] = []
        self._placements: list[Placement] = []

    @property
    def version(self) -> int:
        """The number of operations so far: it changes whenever the graph does."""
        return len(self.operations)

    # --- where new operations go ---

    @contextmanager
    def stream_root(self, scope: str) -> Iterator[None]:
        """Random operations made inside name their streams relative to `scope`: a model built twice draws the same numbers."""
        before, self._stream_root = self._stream_root, scope.rstrip("/") + "/" if scope else ""
        try:
            yield
        finally:
            self._stream_root = before

    def stream_name(self, name: str) -> str:
        """The name of a random stream for an operation with that full name."""
        return name.removeprefix(self._stream_root)

    @contextmanager
    def control_dependencies(self, inputs: Sequence[Any] | None) -> Iterator[None]:
        """Operations made inside run after all of `inputs` (operations, tensors, variables); None clears what is set."""
        before = self._control
        if isinstance(inputs, Tensor | Operation | str):
            raise GraphError(
                "control_dependencies got a single element",
                rule="It takes a list of operations, tensors or variables",
                received=repr(inputs),
                fix="Write [x].",
            )
        if inputs is None:
            self._control = []
        else:
            before_it = (self.control_input(x) for x in inputs)
            self._control = [*before, tuple(op for op in before_it if op is not None)]
        try:
            yield
        finally:
            self._control = before

    def control_input(self, value: Any) -> Operation | None:
        """The operation that new ones have to come after; None where the graph around waits for it."""
        return self.as_operation(value)

    @property
    def control_operations(self) -> Iterator[Operation]:
        """What new operations come after, by the scopes of this graph; perhaps more than once."""
        return (op for group in self._control for op in group)

    @property
    def in_control_dependencies(self) -> bool:
        return any(self._control)

    @contextmanager
    def device(self, placement: Placement) -> Iterator[None]:
        """Records on which device operations made inside are meant to be: `op.device`. labkit computes on the CPU.

        Args:
            placement: a device's name ("/gpu:0"), whose parts the scopes inside may override; a function of the operation
                that gives one; or None, for no device at all.

        Raises:
            InvalidArgumentError: the name is no device's.
        """
        self._placements.append(check_placement(placement))
        try:
            yield
        finally:
            self._placements.pop()

    def place(self, op: Operation) -> None:
        """Gives the operation the device that the scopes around say."""
        if self._placements:
            place(op, self._placements)

    # --- growing ---

    def apply(
        self, type_name: str, inputs: Sequence[Tensor], attrs: Mapping[str, Any] | None = None, name: str | None = None
    ) -> Operation:
        """Adds an operation after checking its attributes, dtypes and shapes: to this graph, or to the subgraph inside it
        that is being built.

        Raises:
            GraphError, DTypeError, ShapeError, InvalidArgumentError: the operation cannot be built like this.
        """
        current = get_default_graph()
        return (current if current.is_inside(self) else self).add(type_name, inputs, attrs, name)

    def add(
        self, type_name: str, inputs: Sequence[Tensor], attrs: Mapping[str, Any] | None = None, name: str | None = None
    ) -> Operation:
        """As `apply`, to this very graph."""
        definition = OPS[type_name]
        line = user_line()
        if self.finalized:
            raise self.finalized_error(f"{type_name} cannot be added ({line})")
        what = f"{type_name} '{self._scope}{name or type_name}' cannot be built at {line}"
        checked = check_operation(definition, inputs, attrs or {}, what, self)
        full = self.full_name(name or type_name)
        if full in self._by_name:
            raise GraphError(f"The graph has an operation named '{full}' already, and the scope's name stands for one")
        control: Iterable[Operation] = ()
        if self._control:
            present = {x.op for x in checked.inputs}
            control = dict.fromkeys(op for op in self.control_operations if op not in present)
        op = make_operation(self, definition, full, checked, control, line)
        self.place(op)
        self.append(op)
        if self.operands:
            name_operands(self, op)
        if self.growth.runs:
            self.growth.watch(line)
        return op

    def rename(self, op: Operation, full: str) -> None:
        """Gives an operation that nothing knows by its name yet another one, made unique."""
        self.reenter(op, self.exchange(op.name, full))

    def as_graph_def(self) -> GraphDef:
        """The graph as plain data: `.node`, in the order in which operations were made; printable; `.to_json()`."""
        from labkit.core.exchange.exporting import as_graph_def

        return as_graph_def(self)

    def finalized_error(self, what: str) -> GraphError:
        """The error of whoever would add to a graph that is finalized.

        Args:
            what: what cannot be done, and where.
        """
        return FinalizedGraphError(
            f"Graph is finalized and cannot be modified: {what}",
            rule="A finalized graph does not grow",
            fix="Build all operations before graph.finalize().",
        )

    def adopt(self, tensor: Tensor) -> Tensor:
        """The tensor of this graph that stands for `tensor`: itself, or in a subgraph an argument.

        Raises:
            GraphError: it belongs to another graph.
        """
        if tensor.graph.is_inside(self):
            raise GraphError(
                "",
                rule="What is computed inside a loop or branch leaves it as a result only",
                received=f"{tensor!r}, which is inside",
                fix="Return it from the function that builds the inside. A variable made inside has an initial value that does "
                "not depend on the inside.",
            )
        if tensor.graph is not self:
            raise GraphError(
                "",
                rule="All inputs of an operation belong to the graph it is added to",
                received=f"{tensor!r} of another graph",
                fix="Build both inside the same `with graph.as_default():`.",
            )
        return tensor

    def adopt_variable(self, tensor: Tensor) -> Tensor:
        """The same for a variable that is written, or read at its place in the order of a run."""
        return self.adopt(tensor)

    @property
    def outermost(self) -> Graph:
        """The graph that holds all others around this one, or itself."""
        return self if self.outer is None else self.outer.outermost

    def outside(self, tensor: Tensor) -> Tensor | None:
        """In a subgraph the tensor of the graph around it that was captured as this argument."""
        return None

    def stand_in(self, tensor: Tensor) -> Tensor | None:
        """In a subgraph, for an argument that is a variable's value: the variable as it is read there in its order."""
        return None

    def is_inside(self, other: Graph) -> bool:
        """Whether this is a subgraph of `other`, at any depth."""
        return self.outer is not None and (self.outer is other or self.outer.is_inside(other))

    def finalize(self) -> None:
        """Refuses further operations from now on."""
        self.finalized = True

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Makes this the graph that new operations of this thread go to."""
        _stack().append(self)
        try:
            yield self
        finally:
            _stack().pop()


# --- the default graph -------------------------------------------------------------------------------------------------


class _Stacks(threading.local):
    def __init__(self) -> None:
        self.graphs: list[Graph] = [Graph()]


_stacks = _Stacks()


def _stack() -> list[Graph]:
    return _stacks.graphs


def get_default_graph() -> Graph:
    """The graph that new operations of this thread go to."""
    return _stack()[-1]


def reset_default_graph() -> None:
    """Replaces this thread's outermost default graph with an empty one.

    Raises:
        NestedGraphError: called inside `with graph.as_default():`.
    """
    if len(_stack()) > 1:
        raise NestedGraphError(
            "Do not use reset_default_graph inside another graph's `with`",
            rule="Only the outermost default graph can be reset",
            fix="Call it before `with graph.as_default():`.",
        )
    _stack()[0] = Graph()
