"""Reverse-mode differentiation: order, visit, accumulate.

Gradients are built with graph operations, so they can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from labkit.core.convert import to_tensor
from labkit.core.graph import Graph
from labkit.core.opdef import NotDifferentiable
from labkit.core.operation import Operation
from labkit.core.shapes import compatible, is_known
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, GraphError, ShapeError

Gradient: TypeAlias = Tensor | IndexedSlices


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", stop_gradients: Any = None) -> list[Any]:
    """The derivatives of the sum of all `ys` with respect to each of `xs`.

    Args:
        ys: a tensor or a list of tensors.
        xs: a tensor or variable, or a list of them.
        grad_ys: for each y the gradient that arrives at it, of y's shape and dtype; default: ones.
        stop_gradients: tensors or variables that count as constants: nothing flows through them to what they are made
            of. One that is an x too has the partial derivative at this place.

    Returns:
        For each x a tensor of x's shape and dtype; `IndexedSlices` where only rows of x were looked up; None where no
        differentiable path leads from x to a y.

    Raises:
        DTypeError: a y is no floating tensor, or an x no tensor.
        ShapeError: a grad_y does not have its y's shape.
        GraphError: a y and an x belong to different graphs.
    """
    outputs = [to_tensor(y) for y in _as_list(ys)]
    sources = [_source(x) for x in _as_list(xs)]
    constant = {_source(x) for x in _as_list([] if stop_gradients is None else stop_gradients)}
    if not outputs or not sources:
        return [None] * len(sources)
    graph = outputs[0].graph
    for tensor in outputs:
        if tensor.graph is not graph:
            raise GraphError(
                f"{tensor.name} belongs to another graph than {graph.scope or outputs[0].name}",
                rule="ys belong to one graph",
            )
    try:
        sources = [graph.adopt(x) for x in sources]
    except GraphError as error:
        raise GraphError(
            "ys and xs belong to different graphs", rule="ys and xs belong to one graph", received=error.received
        ) from None
    for y in outputs:
        if not y.dtype.is_floating:
            raise DTypeError(
                f"{y.name} has no gradient", rule="Floating tensors can be differentiated", received=y.dtype.name
            )
    reads = {read: x for x in sources if (read := graph.stand_in(x)) is not None}
    path = _between(outputs, [*sources, *reads], constant)
    arriving: dict[Tensor, Gradient] = {}
    with graph.as_default(), graph.control_dependencies(None), graph.name_scope(name):
        for y, seed in zip(outputs, _initial(outputs, grad_ys), strict=True):
            _accumulate(arriving, y, seed)
        for op in sorted(path, key=lambda op: op.id, reverse=True):
            grads = [None if x in constant else _dense(arriving.get(x)) for x in op.outputs]
            if all(g is None for g in grads):
                continue
            rule = op.definition.gradient
            if isinstance(rule, NotDifferentiable):
                continue
            with graph.name_scope(op.name + "_grad"):
                for x, grad in zip(op.inputs, rule(op, *grads), strict=True):
                    if grad is not None and (x.op in path or x in sources or x in reads):
                        _accumulate(arriving, x, _sum_back(graph, grad, x))
        for read, x in reads.items():
            if read in arriving:
                _accumulate(arriving, x, arriving[read])
    return [arriving.get(x) for x in sources]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | type({}.values())) else [value]


def _source(value: Any) -> Tensor:
    if isinstance(value, str | bytes):
        raise DTypeError(
            "A name stands in gradients() where a tensor belongs",
            rule="xs are tensors or variables",
            received=repr(value),
            fix=f"Use graph.get_tensor_by_name({value!r}).",
        )
    return value.ref if hasattr(value, "ref") else to_tensor(value)


def _between(outputs: Sequence[Tensor], sources: Sequence[Tensor], constant: set[Tensor]) -> set[Operation]:
    """Operations on a differentiable path from a source to an output that does not go through a constant."""
    wanted = set(sources)
    leads: dict[Operation, bool] = {}  # operation -> whether a source reaches one of its inputs

    stack = [y.op for y in outputs]
    while stack:
        op = stack[-1]
        if op in leads:
            stack.pop()
            continue
        if isinstance(op.definition.gradient, NotDifferentiable):
            leads[op] = False
            continue
        missing = [x.op for x in op.inputs if x.op not in leads]
        if missing:
            stack.extend(missing)
            continue
        leads[op] = any(x in wanted or (x not in constant and leads[x.op]) for x in op.inputs)
    for op in leads:
        _check_reads(op, wanted)
    return {op for op, answer in leads.items() if answer}


def _check_reads(op: Operation, wanted: set[Tensor]) -> None:
    """Refuses a loop or condition that reads one of the sources at its own place in the order: it is no input."""
    if op.definition.control is None:
        return
    for variable in (v for subgraph in op.attrs.values() for v in getattr(subgraph, "observed", ())):
        if variable.outputs[0] in wanted:
            raise GraphError(
                f"{op.type} '{op.name}' ({op.line}) has no gradient with respect to variable '{variable.name}'",
                rule="A gradient goes through values that a loop or branch is given, not through reads in order inside",
                fix="Read the variable before: value = variable.read_value(), and use that inside.",
            )


def _initial(outputs: Sequence[Tensor], grad_ys: Any) -> list[Tensor]:
    given = [None] * len(outputs) if grad_ys is None else _as_list(grad_ys)
    if len(given) != len(outputs):
        raise ShapeError(
            "gradients() got another number of grad_ys than ys", received=f"{len(given)} and {len(outputs)}"
        )
    result = []
    for y, grad in zip(outputs, given, strict=True):
        tensor = OPERATORS["ones_like"](y) if grad is None else to_tensor(grad, y.dtype)
        if not compatible(tensor.dims, y.dims):
            raise ShapeError(
                f"The gradient given for {y.name} does not fit",
                rule="It has y's shape",
                received=f"{tensor.shape} for {y.shape}",
            )
        result.append(tensor)
    return result


def _accumulate(arriving: dict[Tensor, Gradient], x: Tensor, grad: Gradient) -> None:
    before = arriving.get(x)
    if before is None:
        arriving[x] = grad
    elif isinstance(before, IndexedSlices) and isinstance(grad, IndexedSlices):
        arriving[x] = before.concat(grad)
    else:
        arriving[x] = OPERATORS["add"](_dense(before), _dense(grad))


def _dense(grad: Gradient | None) -> Tensor | None:
    return grad.as_tensor() if isinstance(grad, IndexedSlices) else grad


def _sum_back(graph: Graph, grad: Gradient, x: Tensor) -> Gradient:
    """The reverse of broadcasting, here and nowhere else: sums a gradient over the dimensions that x was stretched along."""
    if isinstance(grad, IndexedSlices) or (grad.dims == x.dims and is_known(x.dims)):
        return grad
    return graph.apply("SumToShape", [grad, x]).outputs[0]
