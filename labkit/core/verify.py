"""What a legal graph and a legal program are, as checks that can be run; the tests run them on what is built."""

from __future__ import annotations

from labkit.core.graph import Graph
from labkit.core.opdef import OPS, OpContext
from labkit.core.passes.program import Program
from labkit.core.shapes import compatible, show
from labkit.core.values import constant_value
from labkit.errors import GraphError


def verify_graph(graph: Graph) -> None:
    """Checks every operation against its record.

    Raises:
        GraphError: names repeat, an input is foreign or younger than its user, or a dtype or shape contradicts its rule.
    """
    names = [op.name.lower() for op in graph.operations]
    if len(set(names)) < len(names):
        raise GraphError("Names repeat in the graph", rule="Names differ in more than upper and lower case")
    for place, op in enumerate(graph.operations):
        if op.id != place or OPS.get(op.type) is not op.definition:
            raise GraphError(f"Operation '{op.name}' is not in its place, or of no registered type", received=op.type)
        for earlier in [*(x.op for x in op.inputs), *op.control_inputs]:
            if earlier.graph is not graph or earlier.id >= op.id:
                raise GraphError(
                    f"'{op.name}' depends on '{earlier.name}'", rule="Inputs are older, and of the same graph"
                )
        context = OpContext(
            [x.dims for x in op.inputs],
            [x.dtype for x in op.inputs],
            op.definition.check_attrs(op.attrs),
            [constant_value(x) if i in op.value_inputs else None for i, x in enumerate(op.inputs)],
        )
        dtypes = list(op.definition.dtypes(context.dtypes, context.attrs))
        if dtypes != [x.dtype for x in op.outputs]:
            raise GraphError(f"The outputs of '{op.name}' have other dtypes than its rule says")
        for tensor, dims in zip(op.outputs, op.definition.shapes(context), strict=True):
            if not compatible(tensor.dims, dims):
                raise GraphError(
                    f"{tensor.name} contradicts its shape rule", received=f"{show(tensor.dims)}, {show(dims)}"
                )


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
