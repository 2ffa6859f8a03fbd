"""What the records of conditions and loops share; each is one node, whose branches and bodies are subgraphs.

Gradients compute the body again inside a body of their own (rematerialization), so that nothing of the forward run has to
be kept but the loop variables of each iteration, and so that second derivatives come by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.autodiff import gradients
from labkit.core.graph import get_default_graph
from labkit.core.opdef import OpContext, Roles
from labkit.core.shapes import Dims, is_known
from labkit.core.subgraph import Subgraph, share_captures
from labkit.core.tensor import Tensor
from labkit.core.values import constant_value
from labkit.errors import GraphError, LabkitError
from labkit.ops.broadcast import zeros_like

_STAND_IN = 1009  # for a dimension that is not known: no other one is likely to be the same


def operands_of(subgraphs: Sequence[Subgraph], explicit: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs that the subgraphs need after their explicit arguments: captured tensors, then written variables."""
    captured = share_captures(subgraphs)
    variables = dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written)
    return [*explicit, *captured], [op.outputs[0] for op in variables]


def check_operands(subgraphs: Sequence[Subgraph], inputs: Sequence[dt.DType], first: int, skipped: int = 0) -> None:
    """Checks that a control operation's inputs are what its subgraphs take, which a file may tell otherwise.

    Args:
        inputs: their dtypes.
        first, skipped: as in `roles_of`; what no input gives is the number of the iteration.

    Raises:
        GraphError: they are not.
    """
    taken = [[x.dtype for x in subgraph.arguments] for subgraph in subgraphs]
    written = dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written)
    expected = [*[dt.int64] * skipped, *inputs[first : len(inputs) - len(written)]]
    if len(inputs) < first + len(written) or any(dtypes != expected for dtypes in taken):
        raise GraphError(
            "",
            rule="Each subgraph has an argument of the same dtype for each input, and the variables it writes come last",
            received="; ".join(", ".join(d.name for d in dtypes) or "nothing" for dtypes in (inputs, *taken)),
        )


def check_counts(body: Subgraph, variables: int, sliced: int = 0) -> None:
    """Checks that a loop's body gives back each of its variables, after the number of the iteration its first arguments.

    Raises:
        GraphError: it does not.
    """
    before, after = ([x.dtype for x in tensors[:variables]] for tensors in (body.arguments[1:], body.outputs))
    if before != after or len(after) != variables or len(body.arguments) <= variables + sliced:
        raise GraphError(
            "",
            rule=f"The body takes and gives {variables} variables of the same dtypes, and takes {sliced} slices",
            received=", ".join(d.name for d in before) + " and " + ", ".join(d.name for d in after),
        )


def add_control(
    type_name: str, subgraphs: Sequence[Subgraph], inputs: Sequence[Tensor], attrs: Mapping[str, Any], name: str
) -> list[Tensor]:
    """Adds the operation, after what its subgraphs wait for; its results."""
    graph = get_default_graph()
    with graph.control_dependencies(list(dict.fromkeys(op for subgraph in subgraphs for op in subgraph.after))):
        return list(graph.apply(type_name, inputs, attrs, name).outputs)


def roles_of(
    subgraphs: Sequence[Subgraph],
    first: int,
    skipped: int = 0,
    changing: int = 0,
    always: Sequence[int] = (),
    varying: bool = False,
) -> Roles:
    """What a control operation does with its inputs.

    Args:
        first: the input that is the first argument of each subgraph, after the `skipped` ones that no input gives.
        changing: so many arguments change from one iteration to the next.
        always: further inputs whose value decides a shape.
        varying: shapes change from one iteration to the next, or differ between branches.
    """
    arguments = len(subgraphs[0].arguments) - skipped
    written = list(dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written))
    valued = {s.arguments.index(x) for s in subgraphs if s.program.native for x in s.valued}
    hosted = varying or any(i < changing for i in valued) or not all(s.program.native for s in subgraphs)
    return Roles(
        writes=tuple(range(first + arguments, first + arguments + len(written))),
        value_inputs=() if hosted else (*always, *sorted(first + i - skipped for i in valued)),
        counters=tuple(dict.fromkeys(name for subgraph in subgraphs for name in subgraph.drawn)),
        hosted=hosted,
    )


def tried_dims(subgraph: Subgraph, apart: int = 0) -> list[Dims] | None:
    """The outputs' shapes when each unknown dimension of an argument is taken for the same number; None where that does not
    work out.

    Args:
        apart: so many arguments after the first have other numbers each.
    """
    if apart not in subgraph.tried:
        subgraph.tried[apart] = _try_dims(subgraph, apart)
    return subgraph.tried[apart]


def _try_dims(subgraph: Subgraph, apart: int) -> list[Dims] | None:
    if not subgraph.program.native or any(x.dims is None for x in subgraph.arguments):
        return None
    values = {subgraph.arguments.index(x): constant_value(x) for x in subgraph.valued}
    if any(value is None for value in values.values()):
        return None
    try:
        inference = subgraph.inference([_tried(x.dims, i, apart) for i, x in enumerate(subgraph.arguments)], values)
        return [inference.of(x) for x in subgraph.outputs]
    except LabkitError:
        return None


def _tried(dims: Dims, place: int, apart: int) -> Dims:
    other = 10 * place if 0 < place <= apart else 0
    return tuple(_STAND_IN + (other + i if other else 0) if n is None else n for i, n in enumerate(dims or ()))


def keeps_shapes(body: Subgraph, variables: int, promised: bool) -> bool:
    """Whether loop variables, arguments from the second on, keep their shapes, as far as the graph shows it.

    Args:
        promised: nobody said that they change.
    """
    found = tried_dims(body, 0 if promised else variables)
    if found is None:
        return promised
    before = [_tried(x.dims, i, 0 if promised else variables) for i, x in enumerate(body.arguments)]
    return found[:variables] == before[1 : 1 + variables]


def output_dims(subgraph: Subgraph, dims: Sequence[Dims], values: Mapping[int, Any]) -> list[Dims]:
    """The shapes of a subgraph's outputs for arguments of these shapes, as far as they are known."""
    needed = [subgraph.arguments.index(x) for x in subgraph.valued]
    if not all(is_known(d) for d in dims) or any(values.get(i) is None for i in needed):
        return [x.dims for x in subgraph.outputs]
    inference = subgraph.inference(dims, values)
    return [inference.of(x) for x in subgraph.outputs]


def is_float(x: Tensor) -> bool:
    return x.dtype.is_floating


def argument_dims(c: OpContext, count: int, first: int) -> tuple[list[Dims], dict[int, Any]]:
    """Shapes and values of `count` arguments, the first of which is input `first`."""
    return list(c.dims[first : first + count]), dict(enumerate(c.values[first : first + count]))


def derivatives(outputs: Sequence[Tensor], inputs: Sequence[Tensor], arriving: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the outputs with respect to the inputs; zeros where no path leads."""
    if not outputs:
        return [zeros_like(x) for x in inputs]
    found = gradients(list(outputs), list(inputs), list(arriving))
    return [zeros_like(x) if g is None else _tensor(g) for g, x in zip(found, inputs, strict=True)]


def _tensor(gradient: Any) -> Tensor:
    return gradient if isinstance(gradient, Tensor) else gradient.as_tensor()


def placed(results: Sequence[Tensor], places: Sequence[int], count: int) -> list[Tensor | None]:
    """A list of `count` with the results at their places and None elsewhere."""
    spread: list[Tensor | None] = [None] * count
    for place, result in zip(places, results, strict=True):
        spread[place] = result
    return spread


def add_scan(
    count: Tensor,
    body: Subgraph,
    explicit: Sequence[Tensor],
    *,
    variables: int,
    sliced: int,
    backwards: bool = False,
    varying: bool = False,
) -> list[Tensor]:
    """Builds a Scan.

    Args:
        explicit: the first variables, then what is sliced, then what each iteration is given.
        varying: the variables may change their shapes.
    """
    given, written = operands_of([body], explicit)
    attrs = {"body": body, "variables": variables, "sliced": sliced, "backwards": backwards, "varying": varying}
    return add_control("Scan", [body], [count, *given, *written], attrs, "Exit")
