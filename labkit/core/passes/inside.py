"""Loops and branches of a stage: their subgraphs become native plans that one instruction runs.

A loop variable that its body hands on as it is becomes something that every iteration is given. One that the body updates
row by row, e.g. what a TensorArray holds, keeps one memory for all iterations, unless the body needs its old value later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from labkit.core.opdef import ControlFlow
from labkit.core.operation import Operation
from labkit.core.passes.program import Program
from labkit.core.tensor import Tensor

if TYPE_CHECKING:
    from labkit.core.passes.lower import Lowering

_VARIABLES = {"loop": 0, "scan": 1}  # which of the instruction's attributes counts the variables


def emit_control(lowering: Lowering, op: Operation, flow: ControlFlow) -> None:
    """Writes the instruction of an operation that runs subgraphs."""
    inputs, ints = list(flow.inputs), list(flow.ints)
    outputs = list(range(len(op.outputs)))
    order = list(range(len(inputs)))  # of the operands
    body = flow.bodies[-1][0]
    kept: list[int] = []
    updated: dict[int, Sequence[Tensor]] = {}
    if flow.iterated:
        count = ints[_VARIABLES[flow.kind]]
        program, arguments = body.program, body.arguments
        kept = [k for k in range(count) if program.replace(body.outputs[k]) is arguments[1 + k]]
        order = [k for k in order if k not in kept]
        sliced = ints[2] if flow.kind == "scan" else 0
        order[count - len(kept) + sliced : count - len(kept) + sliced] = kept
        outputs = [k for k in outputs if k not in kept]
        ints[_VARIABLES[flow.kind]] = count - len(kept)
        for place, k in enumerate(outputs[: count - len(kept)]):
            values = _updates(program, body.outputs[k], arguments[1 + k])
            if values:
                updated[place] = values
    exported = [k for k in outputs if k < len(body.outputs)]
    operands = [_operand(lowering, op, inputs[k]) for k in order] + [lowering.counter(name) for name in op.counters]
    plans = []
    for subgraph, shapes in flow.bodies:
        (stage,) = subgraph.program.stages
        if flow.iterated:
            feeds = [subgraph.arguments[0], *(subgraph.arguments[1 + k] for k in order)]
        else:
            feeds = list(subgraph.arguments)
        exports = stage.exports if flow.iterated and subgraph is not body else [stage.exports[k] for k in exported]
        stage = replace(stage, feeds=feeds, exports=exports)
        while True:
            inner = lowering.inside(subgraph.program, stage, shapes)
            chains = updated.values() if subgraph is body else ()
            lowered = inner.lower(drawn=op.counters, iterated=flow.iterated, updated=chains)
            if not inner.conflicts:
                break
            updated = {place: values for place, values in updated.items() if not inner.conflicts.intersection(values)}
        plans.append(lowering.make_plan(lowered))
        for cell in lowered.cells:
            lowering.cell_number(cell)
    results = [lowering.result(op.outputs[k]) for k in outputs]
    lowering.instruction(flow.kind, operands, results, [*ints, *updated], [], op.name, writes=bool(op.writes))
    lowering.instructions[-1]["plans"] = plans
    for k in kept:
        lowering.alias(lowering.program.replace(op.inputs[inputs[k]]), op.outputs[k])


def _operand(lowering: Lowering, op: Operation, i: int) -> int:
    x = op.inputs[i]
    if i in op.value_inputs:  # not an operand of its own right: the planning knows it
        return lowering.constant(lowering.shapes.value(x), x)
    return lowering.slot_of[lowering.program.replace(x)]


def _updates(program: Program, result: Tensor, argument: Tensor) -> Sequence[Tensor]:
    """The values that a loop variable takes in an iteration, where each is the one before, updated in place; else none."""
    values: list[Tensor] = []
    x = program.replace(result)
    while x is not argument:
        if not x.op.definition.in_place or x.op.writes:
            return ()
        values.append(x)
        x = program.replace(x.op.inputs[0])
    return values[::-1]
