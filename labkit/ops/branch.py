"""A condition: one of two subgraphs is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.graph import get_default_graph
from labkit.core.opdef import Attr, ControlFlow, OpContext, OpDef, Roles, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, compatible, is_known, show
from labkit.core.subgraph import Subgraph, copy_into, traced
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError
from labkit.ops.control_flow import (
    add_control,
    argument_dims,
    check_operands,
    derivatives,
    is_float,
    operands_of,
    output_dims,
    placed,
    roles_of,
    tried_dims,
)


def _branches(c: OpContext) -> list[Subgraph]:
    return [c.attrs["then"], c.attrs["otherwise"]]


def _branch_shapes(c: OpContext) -> list[Dims]:
    if not compatible(c.dims[0], ()):
        raise ShapeError("", rule="The condition is one truth value", received=show(c.dims[0]))
    if _branch_roles(c.attrs).hosted:
        return [_common(a.dims, b.dims) for a, b in zip(*(sub.outputs for sub in _branches(c)), strict=True)]
    then, otherwise = (output_dims(sub, *argument_dims(c, len(sub.arguments), 1)) for sub in _branches(c))
    for a, b in zip(then, otherwise, strict=True):
        if is_known(a) and is_known(b) and a != b:
            raise ShapeError(
                "",
                rule="Both branches give results of the same shapes, unless the graph shows that they differ",
                received=f"{show(a)} and {show(b)}",
                fix="Say by set_shape what is known of the results' shapes inside, e.g. x.set_shape([None]).",
            )
    return [_common(a, b) for a, b in zip(then, otherwise, strict=True)]


def _common(a: Dims, b: Dims) -> Dims:
    """What is known of a shape that is either `a` or `b`."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))


def _branch_dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    if inputs[0] is not dt.bool_:
        raise DTypeError("", rule="The condition is bool", received=inputs[0].name, fix="Compare it: lk.greater(x, 0).")
    check_operands([attrs["then"], attrs["otherwise"]], inputs, first=1)
    then, otherwise = ([x.dtype for x in attrs[key].outputs] for key in ("then", "otherwise"))
    if then != otherwise:
        received = " and ".join(", ".join(d.name for d in dtypes) or "nothing" for dtypes in (then, otherwise))
        raise DTypeError("", rule="Both branches give results of the same dtypes", received=received)
    return then


def _differ(attrs: Mapping[str, Any]) -> bool:
    """Whether the branches give different shapes, as far as somebody said it or the graph shows it."""
    then, otherwise = attrs["then"], attrs["otherwise"]
    if attrs["varying"] or not all(
        compatible(a.dims, b.dims) for a, b in zip(then.outputs, otherwise.outputs, strict=True)
    ):
        return True
    tried = [tried_dims(sub) for sub in (then, otherwise)]
    return None not in tried and tried[0] != tried[1]


def _branch_roles(attrs: Mapping[str, Any]) -> Roles:
    return roles_of([attrs["then"], attrs["otherwise"]], first=1, varying=_differ(attrs))


def _branch_control(c: OpContext) -> ControlFlow:
    subgraphs = _branches(c)
    count = len(subgraphs[0].arguments)
    bodies = [(sub, sub.inference(*argument_dims(c, count, 1))) for sub in subgraphs]
    return ControlFlow("branch", (), range(1 + count), bodies, iterated=False)


def _branch_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    subgraphs = [op.attrs["then"], op.attrs["otherwise"]]
    count = len(subgraphs[0].arguments)
    given = list(op.inputs[1 : 1 + count])
    wanted = [i for i, x in enumerate(given) if is_float(x)]
    arriving = [(i, g) for i, g in enumerate(grads) if g is not None]

    def backwards(subgraph: Subgraph) -> Callable[..., list[Tensor]]:
        def build(*arguments: Tensor) -> list[Tensor]:
            inside = arguments[:count]
            outputs = copy_into(subgraph, inside, [subgraph.outputs[i] for i, _ in arriving])
            return derivatives(outputs, [inside[i] for i in wanted], arguments[count:])

        return build

    explicit = [*given, *(g for _, g in arriving)]
    types = [(x.dtype, x.dims) for x in explicit]
    name = op.name.rpartition("/")[2] + "_grad"
    branches = [traced(get_default_graph(), name, types, backwards(sub)) for sub in subgraphs]
    results = branch(op.inputs[0], branches[0], branches[1], explicit, varying=_differ(op.attrs))
    return placed(results, [1 + i for i in wanted], len(op.inputs))


register(
    OpDef(
        name="If",
        inputs=("condition", "**given"),
        outputs=("*results",),
        attrs={"then": Attr("subgraph"), "otherwise": Attr("subgraph"), "varying": Attr("bool", False)},
        dtypes=_branch_dtypes,
        shapes=_branch_shapes,
        roles=_branch_roles,
        control=_branch_control,
        gradient=_branch_gradient,
        pure=False,
        formula="results = then(given) where the condition holds, else otherwise(given)",
        doc="The results of one of two branches; only the one that the condition chooses is run. The gradient computes the "
        "chosen branch again.",
    )
)


def branch(
    condition: Tensor, then: Subgraph, otherwise: Subgraph, explicit: Sequence[Tensor] = (), *, varying: bool = False
) -> list[Tensor]:
    """Builds an If; `varying`: its branches may give different shapes."""
    given, variables = operands_of([then, otherwise], explicit)
    attrs = {"then": then, "otherwise": otherwise, "varying": varying}
    return add_control("If", [then, otherwise], [condition, *given, *variables], attrs, "Merge")
