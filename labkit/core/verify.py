"""What a legal graph and a legal program are, as checks that can be run; the tests run them on what is built."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.core.graph import Graph
from labkit.core.opdef import OPS, OpContext
from labkit.core.operation import Operation
from labkit.core.passes.program import Program
from labkit.core.shapes import compatible, show
from labkit.core.subgraph import Subgraph
from labkit.core.values import constant_value
from labkit.errors import GraphError


def verify_graph(graph: Graph) -> None:
    """Checks every operation against its record, and every subgraph inside.

    Raises:
        GraphError: names repeat, an input is foreign or younger than its user, or a dtype or shape contradicts its rule.
    """
    verify_operations(graph, graph.operations)
    seen: set[Graph] = set()
    inside = [value for op in graph.operations for value in op.attrs.values()]
    while inside:
        value = inside.pop()
        if isinstance(value, Subgraph) and value not in seen:
            seen.add(value)
            verify_subgraph(value)
            inside.extend(value for op in value.operations for value in op.attrs.values())


def verify_operations(graph: Graph, operations: Sequence[Operation], first: int = 0) -> None:
    """Checks operations of the graph: those from place `first` on, or such as are about to become them.

    Raises:
        GraphError: as verify_graph.
    """
    names = [op.name.lower() for op in operations]
    if len(set(names)) < len(names):
        raise GraphError("Names repeat in the graph", rule="Names differ in more than upper and lower case")
    members = {*graph.operations[:first]}
    for place, op in enumerate(operations, first):
        if op.id != place or op.graph is not graph or OPS.get(op.type) is not op.definition:
            raise GraphError(f"Operation '{op.name}' is not in its place, or of no registered type", received=op.type)
        for earlier in [*(x.op for x in op.inputs), *op.control_inputs]:
            if earlier not in members:
                raise GraphError(
                    f"'{op.name}' depends on '{earlier.name}'", rule="Inputs are older, and of the same graph"
                )
        members.add(op)
        _verify_outputs(op)
        subgraphs = [value for value in op.attrs.values() if isinstance(value, Subgraph)]
        written = list(dict.fromkeys(variable for sub in subgraphs for variable in sub.written))
        if subgraphs and [op.inputs[i].op for i in op.writes] != written:
            raise GraphError(
                f"'{op.name}' is told to write other variables than it writes inside",
                received=", ".join(variable.name for variable in written),
            )


def _verify_outputs(op: Operation) -> None:
    values = [constant_value(x) if i in op.value_inputs else None for i, x in enumerate(op.inputs)]
    attrs = op.definition.check_attrs(op.attrs)
    context = OpContext([x.dims for x in op.inputs], [x.dtype for x in op.inputs], attrs, values)
    if list(op.definition.dtypes(context.dtypes, context.attrs)) != [x.dtype for x in op.outputs]:
        raise GraphError(f"The outputs of '{op.name}' have other dtypes than its rule says")
    for tensor, dims in zip(op.outputs, op.definition.shapes(context), strict=True):
        if not compatible(tensor.dims, dims):
            raise GraphError(f"{tensor.name} contradicts its shape rule", received=f"{show(tensor.dims)}, {show(dims)}")


def verify_subgraph(sub: Subgraph) -> None:
    """Checks the operations of a complete subgraph, and how it is bound to the graph around it.

    Raises:
        GraphError: as verify_graph; or an argument, result or variable does not fit what it stands for.
    """
    verify_operations(sub, sub.operations)
    ends = [*sub.arguments, *sub.outputs]
    if any(x.graph is not sub for x in ends) or any(x.op.type != "Placeholder" for x in sub.arguments):
        raise GraphError(
            f"'{sub.scope}' has arguments or results of another graph",
            rule="Arguments are placeholders of the subgraph, and results are its tensors",
            received=", ".join(x.name for x in ends),
        )
    for argument in sub.arguments:
        outside = sub.outside(argument)
        if outside is not None and (outside.dtype is not argument.dtype or not compatible(outside.dims, argument.dims)):
            raise GraphError(
                f"{argument.name} stands for something else than it says",
                rule=f"It stands for {outside!r}",
                received=repr(argument),
            )
    variables = [op for op in sub.operations if op.type == "VariableV2"]
    if {*variables} != {*sub.references.values()}:
        raise GraphError(f"'{sub.scope}' has a variable of its own", rule="A variable inside stands for one outside")
    for outside_op, op in sub.references.items():
        if outside_op.type != op.type or outside_op.attrs != op.attrs or outside_op.name != op.name:
            raise GraphError(f"Variable '{op.name}' stands for another one than it says", received=repr(outside_op))


def verify_program(program: Program) -> None:
    """Checks that a program computes everything before it is used.

    Raises:
        GraphError: an operation comes before one that it depends on.
    """
    done = set(program.feeds)
    finished = set()
    for op in program.sequence:
        left_out = {*op.shape_inputs, *op.value_inputs}
        for i, x in enumerate(op.inputs):
            if i not in left_out and program.replace(x) not in done:
                raise GraphError(f"'{op.name}' comes before its input {x.name}")
        for earlier in op.control_inputs:
            if earlier not in finished:
                raise GraphError(f"'{op.name}' comes before '{earlier.name}', on which it depends")
        done.update(op.outputs)
        finished.add(op)
    for tensor in program.fetches:
        if program.replace(tensor) not in done:
            raise GraphError(f"{tensor.name} is fetched and never computed")
    there = set(program.feeds)
    for stage in program.stages:
        for tensor in stage.feeds:
            if tensor not in there:
                raise GraphError(f"{tensor.name} is needed by a stage before it is computed")
        there.update(stage.exports, *(op.outputs for op in stage.hosts))
