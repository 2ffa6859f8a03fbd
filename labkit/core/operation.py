"""Operation: a node of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.core import dtypes as dt
from labkit.core.opdef import OpDef, Roles
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError

if TYPE_CHECKING:
    from labkit.core.graph import Graph


class Operation:
    """A node of a graph: an operation with its inputs, attributes and outputs.

    Attributes:
        definition: its record.
        id: its place in the graph's order of creation.
        device: the device that the program asked for, "" for none; a record only.
        line: "file:number" of the line of the user's program that made it.
        note: what an error of this operation in a run says at its end; "" for nothing. Set by what knows more about its
            inputs, such as a layer.
        kernel_inputs: the inputs whose numbers it computes with.
    """

    __slots__ = (
        "__weakref__",
        "attrs",
        "control_inputs",
        "definition",
        "device",
        "graph",
        "id",
        "inputs",
        "kernel_inputs",
        "line",
        "name",
        "note",
        "outputs",
        "roles",
    )

    def __init__(
        self,
        graph: Graph,
        definition: OpDef,
        name: str,
        inputs: Sequence[Tensor],
        control_inputs: Sequence[Operation],
        attrs: Mapping[str, Any],
        line: str,
        roles: Roles,
    ) -> None:
        self.graph, self.definition, self.name, self.line = graph, definition, name, line
        self.inputs, self.control_inputs, self.attrs = tuple(inputs), tuple(control_inputs), attrs
        self.roles = roles
        left_out = {*roles.writes, *roles.shape_inputs, *roles.value_inputs}
        self.kernel_inputs = tuple([i for i in range(len(self.inputs)) if i not in left_out])
        self.id = -1
        self.device = self.note = ""
        self.outputs: tuple[Tensor, ...] = ()

    @property
    def host(self) -> Callable[..., Any] | None:
        """The Python function that computes it between two native plans; None where it is computed natively."""
        return self.definition.reference if self.by_reference else self.definition.host

    @property
    def by_reference(self) -> bool:
        """Whether its record's reference computes it, because text is among its inputs or outputs."""
        definition = self.definition
        if not definition.text or definition.host is not None or definition.from_shapes is not None:
            return False
        return any(x.dtype is dt.string for x in (*self.inputs, *self.outputs))

    @property
    def writes(self) -> tuple[int, ...]:
        """Inputs that are variables which the operation updates."""
        return self.roles.writes

    @property
    def value_inputs(self) -> tuple[int, ...]:
        """Inputs whose value decides a shape."""
        return self.roles.value_inputs

    @property
    def shape_inputs(self) -> tuple[int, ...]:
        """Inputs of which only the shape matters."""
        return self.roles.shape_inputs

    @property
    def counters(self) -> tuple[str, ...]:
        """Random counters that the operation draws from."""
        return self.roles.counters

    @property
    def hosted(self) -> bool:
        """Whether Python computes it between two native plans: by `host`, or by running subgraphs."""
        return self.host is not None or self.roles.hosted

    @property
    def type(self) -> str:
        return self.definition.name

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs the operation in the given or the default session.

        Raises:
            NoSessionError: there is no session.
        """
        from labkit.core.execution.session_stack import need_session

        need_session(session, f"{self.name}.run()").run(self, feed_dict)

    def get_attr(self, name: str) -> Any:
        """An attribute's value.

        Raises:
            InvalidArgumentError: the operation has no attribute of that name.
        """
        if name not in self.attrs:
            has = ", ".join(self.attrs) or "none"
            raise InvalidArgumentError(f"Operation '{self.name}' has no attribute {name!r}", rule=f"It has {has}")
        return self.attrs[name]

    def values(self) -> tuple[Tensor, ...]:
        """The outputs."""
        return self.outputs

    def __repr__(self) -> str:
        return f"<Operation '{self.name}' type={self.type}>"
