"""What an operation must satisfy before it exists: the rules of its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.core.dtypes import DType
from labkit.core.explain import explain
from labkit.core.opdef import OpDef, Roles
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, check_dims
from labkit.core.tensor import Tensor
from labkit.core.values import context_of
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, OutOfRangeError

if TYPE_CHECKING:
    from labkit.core.graph import Graph


@dataclass(frozen=True)
class Checked:
    """What an operation is made of, found to be legal."""

    inputs: Sequence[Tensor]
    attrs: Mapping[str, Any]
    roles: Roles
    dims: Sequence[Dims]
    dtypes: Sequence[DType]


def check_operation(
    definition: OpDef, inputs: Sequence[Tensor], attrs: Mapping[str, Any], what: str, adopting: Graph | None = None
) -> Checked:
    """What an operation with these inputs and attributes is made of.

    Args:
        what: begins the error where it cannot be built.
        adopting: a graph that says what stands for tensors of a graph around it.

    Raises:
        GraphError, DTypeError, ShapeError, InvalidArgumentError: it cannot be built like this.
    """
    try:
        definition.check_count(len(inputs))
        checked = definition.check_attrs(attrs)
        dtypes = definition.out_dtypes([x.dtype for x in inputs], checked)
        roles = definition.roles_of(checked)
        states = (*roles.writes, *roles.reads)
        if adopting is not None:
            inputs = [adopting.adopt_variable(x) if i in states else adopting.adopt(x) for i, x in enumerate(inputs)]
        _check_variables(definition, states, inputs)
        dims = [check_dims(d) for d in definition.shapes(context_of(definition, roles, inputs, checked))]
    except (GraphError, DTypeError, InvalidArgumentError, OutOfRangeError) as error:
        raise explain(error, what, inputs) from None
    return Checked(inputs, checked, roles, dims, dtypes)


def _check_variables(definition: OpDef, states: Sequence[int], inputs: Sequence[Tensor]) -> None:
    for i in states:
        if inputs[i].op.type != "VariableV2":
            raise InvalidArgumentError(
                "",
                rule=f"The input {definition.inputs[min(i, len(definition.inputs) - 1)].lstrip('*')!r} is a variable",
                received=f"{inputs[i].name}, made by {inputs[i].op.type}",
                fix="Make one with lk.Variable.",
            )


def make_operation(
    graph: Graph, definition: OpDef, name: str, checked: Checked, control: Iterable[Operation], line: str
) -> Operation:
    """The operation with its outputs; `graph` does not hold it yet."""
    op = Operation(graph, definition, name, checked.inputs, tuple(control), checked.attrs, line, checked.roles)
    outputs = enumerate(zip(checked.dims, checked.dtypes, strict=True))
    op.outputs = tuple(Tensor(op, i, dims, dtype) for i, (dims, dtype) in outputs)
    return op
