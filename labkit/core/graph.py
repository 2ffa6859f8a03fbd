"""Graph: what a program builds before anything runs."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from labkit.core.explain import explain, user_line
from labkit.core.opdef import OPS, OpContext, OpDef, Roles
from labkit.core.operation import Operation
from labkit.core.shapes import check_dims
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value, partial_dims
from labkit.errors import (
    DTypeError,
    GraphError,
    InvalidArgumentError,
    LabkitError,
    NotFoundError,
    OutOfRangeError,
)

_GROWTH_LIMIT = 1000


class Graph:
    """A set of operations with unique names, in their order of creation.

    A graph only grows. Scopes (`name_scope`, `control_dependencies`, `stream_root`) say where new operations go.
    """

    def __init__(self) -> None:
        self.outer: Graph | None = None  # the graph around a subgraph
        self.inside: dict[str, Operation] = {}  # operations of the subgraphs inside, by name
        self.operations: list[Operation] = []
        self.seed: int | None = None
        self.finalized = False
        self.collections: dict[str, list[Any]] = {}
        self.has_run = False
        self._by_name: dict[str, Operation] = {}
        self._taken: dict[str, int] = {}
        self._scope = ""
        self._stream_root = ""
        self._control: list[tuple[Operation, ...]] = []
        self._nodes_by_line: Counter[str] = Counter()
        self.variable_scopes: list[Any] = []

    # --- names ---

    def unique_name(self, name: str, *, mark: bool = True) -> str:
        """The full name, made unique in this graph with _1, _2 ...; upper and lower case count as the same."""
        full = self._scope + name
        candidate, key = full, full.lower()
        if key in self._taken:
            number = self._taken[key]
            while (candidate := f"{full}_{number}").lower() in self._taken:
                number += 1
            if mark:
                self._taken[key] = number + 1
        if mark:
            self._taken[candidate.lower()] = 1
        return candidate

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Puts new operations under `name/`; entered again it becomes `name_1/`. A name that ends in "/" is re-entered as
        it is, None and "" are the root. Yields the scope with its "/"."""
        before = self._scope
        if not name:
            self._scope = ""
        elif name.endswith("/"):
            self._scope = name
        else:
            self._scope = self.unique_name(_check_name(name)) + "/"
        try:
            yield self._scope
        finally:
            self._scope = before

    @property
    def scope(self) -> str:
        """The present name scope, "" or ending in "/"."""
        return self._scope

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

    def control_dependencies(self, inputs: Sequence[Any] | None) -> Any:
        """Operations made inside run after all of `inputs` (operations, tensors, variables); None clears what is set."""
        return self._control_dependencies(inputs)

    @contextmanager
    def _control_dependencies(self, inputs: Sequence[Any] | None) -> Iterator[None]:
        before = self._control
        if inputs is None:
            self._control = []
        else:
            self._control = [*before, tuple(self.as_operation(x) for x in inputs)]
        try:
            yield
        finally:
            self._control = before

    @property
    def in_control_dependencies(self) -> bool:
        return any(self._control)

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
            raise self._finalized(f"{type_name} cannot be added ({line})")
        try:
            definition.check_count(len(inputs))
            checked = definition.check_attrs(attrs or {})
            roles = definition.roles_of(checked)
            states = (*roles.writes, *roles.reads)
            inputs = [self.adopt_variable(x) if i in states else self.adopt(x) for i, x in enumerate(inputs)]
            _check_variables(definition, roles, inputs)
            values = [constant_value(x) if i in roles.value_inputs else None for i, x in enumerate(inputs)]
            partial = {i: partial_dims(inputs[i]) for i in roles.value_inputs if values[i] is None}
            context = OpContext([x.dims for x in inputs], [x.dtype for x in inputs], checked, values, partial)
            out_dtypes = definition.out_dtypes(context.dtypes, checked)
            out_dims = [check_dims(dims) for dims in definition.shapes(context)]
        except (GraphError, DTypeError, InvalidArgumentError, OutOfRangeError) as error:
            raise explain(
                error, f"{type_name} '{self._scope}{name or type_name}' cannot be built at {line}", inputs
            ) from None
        full = self.unique_name(_check_name(name or type_name))
        present = {x.op for x in inputs}
        control = tuple(dict.fromkeys(op for group in self._control for op in group if op not in present))
        op = Operation(self, definition, full, inputs, control, checked, line)
        op.id = len(self.operations)
        op.outputs = tuple(
            Tensor(op, i, dims, dtype) for i, (dims, dtype) in enumerate(zip(out_dims, out_dtypes, strict=True))
        )
        self.operations.append(op)
        self._by_name[full] = op
        if self.has_run:
            self._watch_growth(line)
        return op

    def _finalized(self, what: str) -> GraphError:
        return GraphError(
            f"The graph is finalized: {what}",
            rule="A finalized graph does not grow",
            fix="Build all operations before graph.finalize().",
        )

    def adopt(self, tensor: Tensor) -> Tensor:
        """The tensor of this graph that stands for `tensor`: itself, or in a subgraph an argument.

        Raises:
            GraphError: it belongs to another graph.
        """
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

    def is_inside(self, other: Graph) -> bool:
        """Whether this is a subgraph of `other`, at any depth."""
        return self.outer is not None and (self.outer is other or self.outer.is_inside(other))

    def _watch_growth(self, line: str) -> None:
        self._nodes_by_line[line] += 1
        if self._nodes_by_line[line] == _GROWTH_LIMIT:
            file, _, number = line.rpartition(":")
            warnings.warn_explicit(
                f"{line} has added {_GROWTH_LIMIT} operations since the graph first ran. A graph that grows inside a loop "
                "gets slower with every step: build the operations once before the loop, and run them inside it.",
                RuntimeWarning,
                file,
                int(number),
            )

    def finalize(self) -> None:
        """Refuses further operations from now on."""
        self.finalized = True

    # --- looking up ---

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of that name.

        Raises:
            NotFoundError: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise self._no_such("operation", name) from None

    def get_operations(self) -> list[Operation]:
        """All operations in order of creation."""
        return list(self.operations)

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor `operation:output`.

        Raises:
            InvalidArgumentError: the name has no ":0".
            NotFoundError: there is no such tensor.
        """
        op_name, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            raise InvalidArgumentError(
                f"{name!r} is no tensor's name",
                rule="A tensor is named 'operation:output'",
                fix=f"Write {name + ':0'!r}.",
            )
        op = self.get_operation_by_name(op_name)
        if int(index) >= len(op.outputs):
            raise self._no_such("tensor", name)
        return op.outputs[int(index)]

    def _no_such(self, kind: str, name: str) -> LabkitError:
        import difflib

        near = difflib.get_close_matches(name, self._by_name, n=3)
        return NotFoundError(
            f"The graph has no {kind} named {name!r}",
            received=f"a graph of {len(self.operations)} operations",
            fix="Near: " + ", ".join(near) if near else "",
        )

    def as_operation(self, value: Any) -> Operation:
        """The operation behind an operation, tensor, variable or name."""
        op = value if isinstance(value, Operation) else getattr(value, "op", None)
        if isinstance(value, str):
            op = self.get_operation_by_name(value)
        if not isinstance(op, Operation) or op.graph is not self:
            raise GraphError(
                "A control dependency is an operation, tensor or variable of this graph", received=repr(value)
            )
        return op

    def add_to_collection(self, key: str, value: Any) -> None:
        self.collections.setdefault(key, []).append(value)

    def get_collection(self, key: str) -> list[Any]:
        return list(self.collections.get(key, []))

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Makes this the graph that new operations of this thread go to."""
        _stack().append(self)
        try:
            yield self
        finally:
            _stack().pop()


def _check_variables(definition: OpDef, roles: Roles, inputs: Sequence[Tensor]) -> None:
    for i in (*roles.writes, *roles.reads):
        if inputs[i].op.type != "VariableV2":
            raise InvalidArgumentError(
                "",
                rule=f"The input {definition.inputs[i]!r} is a variable",
                received=f"{inputs[i].name}, made by {inputs[i].op.type}",
                fix="Make one with lk.Variable.",
            )


def _check_name(name: str) -> str:
    if (
        not isinstance(name, str)
        or not name
        or not all(c.isalnum() or c in "_.-/>\\" for c in name)
        or name[0] in "_/-\\"
    ):
        raise InvalidArgumentError(
            "An operation's or scope's name is not allowed",
            rule="Names are made of letters, digits and _ . - / and begin with a letter, digit or dot",
            received=repr(name),
        )
    return name


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
        GraphError: called inside `with graph.as_default():`.
    """
    if len(_stack()) > 1:
        raise GraphError(
            "reset_default_graph was called inside another graph's `with`",
            rule="Only the outermost default graph can be reset",
            fix="Call it before `with graph.as_default():`.",
        )
    _stack()[0] = Graph()
