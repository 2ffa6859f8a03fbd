"""Finding operations and tensors of a graph by name."""

from __future__ import annotations

from typing import Any

from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, LabkitError, NotFoundError
from labkit.near import near_names


class Lookup:
    """The operations of a graph in their order of creation, and by name."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}

    def append(self, op: Operation) -> None:
        """Puts a finished operation of this graph behind all others."""
        op.id = len(self.operations)
        self.operations.append(op)
        self._by_name[op.name] = op

    def reenter(self, op: Operation, name: str) -> None:
        """Gives an operation of this graph another name."""
        del self._by_name[op.name]
        op.name = name
        self._by_name[name] = op

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get_operations(self) -> list[Operation]:
        """All operations in order of creation."""
        return list(self.operations)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of that name.

        Raises:
            NotFoundError: there is none.
            InvalidArgumentError: the name is a tensor's.
            DTypeError: it is no text.
        """
        op = self._by_name.get(_text(name, "operation"))
        if op is None:
            if ":" in name:
                raise InvalidArgumentError(
                    f"The name {name!r} refers to a tensor, not an operation",
                    rule="An operation's name has no ':0'",
                    fix=f"Write {name.partition(':')[0]!r}.",
                )
            raise self._no_such("operation", name)
        return op

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor `operation:output`.

        Raises:
            InvalidArgumentError: the name has no ":0".
            NotFoundError: there is no such tensor.
            DTypeError: it is no text.
        """
        op_name, colon, index = _text(name, "tensor").rpartition(":")
        if not colon or not index.isdigit():
            refers = " refers to an operation, not a tensor" if name in self._by_name else " is no tensor's name"
            raise InvalidArgumentError(
                f"The name {name!r}{refers}",
                rule="A tensor is named 'operation:output'",
                fix=f"Write {name.partition(':')[0] + ':0'!r}.",
            )
        op = self._by_name.get(op_name)
        if op is None or int(index) >= len(op.outputs):
            raise self._no_such("tensor", name)
        return op.outputs[int(index)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Tensor | Operation:
        """The tensor or operation of this graph that a name, tensor, operation or variable stands for.

        Raises:
            NotFoundError: there is none of that name.
            GraphError: it belongs to another graph.
            DTypeError: it stands for something else, or what it stands for is not allowed.
            InvalidArgumentError: the name is of the kind that is not allowed.
        """
        if isinstance(obj, str):
            as_tensor = allow_tensor and (":" in obj or not allow_operation)
            return self.get_tensor_by_name(obj) if as_tensor else self.get_operation_by_name(obj)
        element = obj.ref if hasattr(obj, "ref") else obj
        allowed = (Tensor,) * allow_tensor + (Operation,) * allow_operation
        if not isinstance(element, allowed):
            names = " or ".join(kind.__name__ for kind in allowed)
            raise DTypeError(f"A {type(obj).__name__} is no {names} of a graph", received=repr(obj))
        if element.graph is not self:
            raise GraphError(f"{element!r} is not an element of this graph", fix="Use the graph that it was made in.")
        return element

    def as_operation(self, value: Any) -> Operation:
        """The operation behind an operation, tensor, variable or name.

        Raises:
            GraphError: it is none of this graph.
            NotFoundError: there is none of that name.
        """
        op = value if isinstance(value, Operation) else getattr(value, "op", None)
        if isinstance(value, str):
            op = self.as_graph_element(value)
            op = op.op if isinstance(op, Tensor) else op
        if not isinstance(op, Operation) or op.graph is not self:
            raise GraphError(
                "A control dependency is an operation, tensor or variable of this graph", received=repr(value)
            )
        return op

    def _no_such(self, kind: str, name: str) -> LabkitError:
        near = near_names(name.partition(":")[0], self._by_name)
        missing = "an operation not in the graph" if kind == "operation" else "a tensor which does not exist"
        return NotFoundError(
            f"The name {name!r} refers to {missing}",
            received=f"a graph of {len(self.operations)} operations",
            fix="Near: " + ", ".join(near) if near else "",
        )


def _text(name: Any, kind: str) -> str:
    if not isinstance(name, str):
        raise DTypeError(f"The name of {kind}s is a text", received=f"{type(name).__name__} {name!r}")
    return name
