"""A loop of known length, along the first dimension of what it slices and stacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, ControlFlow, OpContext, OpDef, Roles, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.control_flow import check_counts, check_operands, keeps_shapes, output_dims, roles_of
from labkit.ops.loop_gradients import Loop


def _scan_layout(attrs: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many variables, sliced inputs and stacked outputs there are."""
    return attrs["variables"], attrs["sliced"], len(attrs["body"].outputs) - attrs["variables"]


def _scan_dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    variables, sliced, _ = _scan_layout(attrs)
    if not inputs[0].is_integer:
        raise DTypeError("", rule="The number of iterations is a whole number", received=inputs[0].name)
    check_operands([attrs["body"]], inputs, first=1, skipped=1)
    check_counts(attrs["body"], variables, sliced)
    return [x.dtype for x in attrs["body"].outputs]


def _scan_body(c: OpContext) -> tuple[list[Dims], dict[int, Any]]:
    """Shapes and values of the body's arguments."""
    variables, sliced, _ = _scan_layout(c.attrs)
    count = len(c.attrs["body"].arguments) - 1
    dims = list(c.dims[1 : 1 + count])
    for i in range(variables, variables + sliced):
        dims[i] = None if dims[i] is None else dims[i][1:]  # type: ignore[index]
    return [(), *dims], dict(enumerate(c.values[1 : 1 + count], start=1))


def _scan_shapes(c: OpContext) -> list[Dims]:
    variables, sliced, _ = _scan_layout(c.attrs)
    if not compatible(c.dims[0], ()):
        raise ShapeError("", rule="The number of iterations is one number", received=show(c.dims[0]))
    count = None if c.values[0] is None else int(c.values[0])
    if count is not None and count < 0:
        raise ShapeError("", rule="A number of iterations is not negative", received=str(count))
    for i in range(1 + variables, 1 + variables + sliced):
        if c.dims[i] == () or (c.dims[i] and count is not None and c.dims[i][0] not in (None, count)):  # type: ignore[index]
            raise ShapeError(
                "", rule=f"What is sliced has {count} slices along its first dimension", received=show(c.dims[i])
            )
    if _scan_roles(c.attrs).hosted:
        body = c.attrs["body"]
        stacked = [None if x.dims is None else (count, *x.dims) for x in body.outputs[variables:]]
        return [*(x.dims for x in body.arguments[1 : 1 + variables]), *stacked]
    arguments, values = _scan_body(c)
    after = output_dims(c.attrs["body"], arguments, values)
    for i, (a, b) in enumerate(zip(arguments[1 : 1 + variables], after, strict=False)):
        if not compatible(a, b):
            raise ShapeError(
                "",
                rule="What is carried keeps its shape from one iteration to the next",
                received=f"{show(a)} and after an iteration {show(b)} for variable {i}",
            )
    carried = [merge(a, b) for a, b in zip(arguments[1 : 1 + variables], after, strict=False)]
    return [*carried, *(None if d is None else (count, *d) for d in after[variables:])]


def _varies(attrs: Mapping[str, Any]) -> bool:
    return attrs["varying"] or not keeps_shapes(attrs["body"], attrs["variables"], promised=True)


def _scan_roles(attrs: Mapping[str, Any]) -> Roles:
    variables, sliced, _ = _scan_layout(attrs)
    changing = 1 + variables + sliced
    return roles_of([attrs["body"]], 1, skipped=1, changing=changing, always=(0,), varying=_varies(attrs))


def _scan_control(c: OpContext) -> ControlFlow:
    variables, sliced, _ = _scan_layout(c.attrs)
    body = c.attrs["body"]
    assert c.values[0] is not None
    ints = (int(c.values[0]), variables, sliced, int(c.attrs["backwards"]))
    operands = range(1, len(body.arguments))
    return ControlFlow("scan", ints, operands, [(body, body.inference(*_scan_body(c)))], iterated=True)


def _scan_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    variables, sliced, _ = _scan_layout(op.attrs)
    body = op.attrs["body"]
    given = list(op.inputs[1 : len(body.arguments)])
    loop = Loop(body, op.inputs[0], variables, sliced, op.attrs["backwards"], _varies(op.attrs))
    found = loop.gradients(given, list(grads))
    return [None, *found, *[None] * (len(op.inputs) - 1 - len(given))]


register(
    OpDef(
        name="Scan",
        inputs=("count", "**given"),
        outputs=("*results",),
        attrs={
            "body": Attr("subgraph"),
            "variables": Attr("int", low=0),
            "sliced": Attr("int", low=0),
            "backwards": Attr("bool", False),
            "varying": Attr("bool", False),
        },
        dtypes=_scan_dtypes,
        shapes=_scan_shapes,
        roles=_scan_roles,
        control=_scan_control,
        gradient=_scan_gradient,
        pure=False,
        formula="variables, stacked[i] = body(i, variables, sliced[i]) for i = 0 ... count - 1",
        doc="Runs the body `count` times, hands variables from one iteration to the next, gives it a slice of each sliced "
        "input and stacks its other results; `backwards` begins with the last slice. The gradient keeps the variables of each "
        "iteration, computes the body again, and goes through the iterations the other way round.",
    )
)
