"""A loop of unknown length: a subgraph is run as long as another one says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.opdef import Attr, ControlFlow, OpContext, OpDef, Roles, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.subgraph import Subgraph, copy_into, traced
from labkit.core.tensor import Tensor
from labkit.errors import GraphError, ShapeError
from labkit.ops.branch import branch
from labkit.ops.control_flow import (
    add_control,
    argument_dims,
    check_counts,
    check_operands,
    keeps_shapes,
    operands_of,
    output_dims,
    roles_of,
)
from labkit.ops.loop_gradients import Loop


def _loop_shapes(c: OpContext) -> list[Dims]:
    variables = c.attrs["variables"]
    if _loop_roles(c.attrs).hosted:
        return [*(x.dims for x in c.attrs["body"].arguments[1 : 1 + variables]), ()]
    dims, values = argument_dims(c, len(c.attrs["body"].arguments) - 1, 0)
    after = output_dims(c.attrs["body"], [(), *dims], {i + 1: v for i, v in values.items()})
    for i, (a, b) in enumerate(zip(dims[:variables], after, strict=True)):
        if not compatible(a, b):
            raise ShapeError(
                "",
                rule="A loop variable keeps its shape from one iteration to the next",
                received=f"{show(a)} and after an iteration {show(b)} for variable {i}",
                fix="Give the variable its final shape at the start, e.g. by lk.pad, and write its parts.",
            )
    return [*(merge(a, b) for a, b in zip(dims[:variables], after, strict=True)), ()]


def _loop_dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    condition, body = attrs["condition"], attrs["body"]
    check_operands([condition, body], inputs, first=0, skipped=1)
    check_counts(body, attrs["variables"])
    if len(body.outputs) != attrs["variables"] or [x.dtype for x in condition.outputs] != [dt.bool_]:
        raise GraphError(
            "",
            rule="The body gives the variables alone, and the condition one truth value",
            received=f"{len(body.outputs)} results, and {', '.join(x.dtype.name for x in condition.outputs)}",
        )
    return [*(x.dtype for x in body.outputs), dt.int64]


def _varies(attrs: Mapping[str, Any]) -> bool:
    return not keeps_shapes(attrs["body"], attrs["variables"], promised=not attrs["varying"])


def _loop_roles(attrs: Mapping[str, Any]) -> Roles:
    subgraphs, changing = [attrs["condition"], attrs["body"]], 1 + attrs["variables"]
    return roles_of(subgraphs, 0, skipped=1, changing=changing, varying=_varies(attrs))


def _loop_control(c: OpContext) -> ControlFlow:
    condition, body = c.attrs["condition"], c.attrs["body"]
    dims, values = argument_dims(c, len(body.arguments) - 1, 0)
    given = [(), *dims], {i + 1: v for i, v in values.items()}
    bodies = [(sub, sub.inference(*given)) for sub in (condition, body)]
    return ControlFlow("loop", (c.attrs["variables"], c.attrs["most"]), range(len(dims)), bodies, iterated=True)


def _loop_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    body, variables, most = op.attrs["body"], op.attrs["variables"], op.attrs["most"]
    given = list(op.inputs[: len(body.arguments) - 1])
    count = op.outputs[variables]  # as many iterations as the loop took
    if get_default_graph().outer is not None and most >= 0:  # a native plan inside another one has a fixed length
        count, body = to_tensor(most, dt.int64), _bounded(op)
    found = Loop(body, count, variables, 0, False, _varies(op.attrs)).gradients(given, list(grads[:variables]))
    return [*found, *[None] * (len(op.inputs) - len(given))]


def _bounded(op: Operation) -> Subgraph:
    """The body of a loop, which changes nothing any more once the condition does not hold."""
    condition, body, variables = op.attrs["condition"], op.attrs["body"], op.attrs["variables"]
    types = [(x.dtype, x.dims) for x in body.arguments]

    def build(*arguments: Tensor) -> list[Tensor]:
        (holds,) = copy_into(condition, arguments, condition.outputs)
        graph = get_default_graph()
        go_on = traced(graph, "go_on", types, lambda *given: copy_into(body, given, body.outputs))
        stay = traced(graph, "stay", types, lambda *given: given[1 : 1 + variables])
        return branch(holds, go_on, stay, arguments)

    return traced(get_default_graph(), "bounded", types, build)


register(
    OpDef(
        name="While",
        inputs=("**given",),
        outputs=("*variables", "iterations"),
        attrs={
            "condition": Attr("subgraph"),
            "body": Attr("subgraph"),
            "variables": Attr("int", low=0),
            "most": Attr("int", -1, low=-1),
            "varying": Attr("bool", False),
        },
        dtypes=_loop_dtypes,
        shapes=_loop_shapes,
        roles=_loop_roles,
        control=_loop_control,
        gradient=_loop_gradient,
        pure=False,
        formula="while condition(variables): variables = body(variables)",
        doc="Runs the body as long as the condition holds, or `most` times. The gradient goes through the iterations that the "
        "loop took once more, keeps the variables of each, and then through them backwards; inside another loop or a branch "
        "it goes through `most` iterations, of which those after the loop's end change nothing; without such a limit Python "
        "runs it.",
    )
)


def loop(
    condition: Subgraph, body: Subgraph, variables: Sequence[Tensor], most: int = -1, *, varying: bool = False
) -> list[Tensor]:
    """Builds a While; the final variables, then the number of iterations."""
    given, written = operands_of([condition, body], variables)
    attrs = {"condition": condition, "body": body, "variables": len(variables), "most": most, "varying": varying}
    return add_control("While", [condition, body], [*given, *written], attrs, "Exit")
