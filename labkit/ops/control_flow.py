"""What the records of conditions and loops share; each is one node, whose branches and bodies are subgraphs.

Gradients compute the body again inside a body of their own (rematerialization), so that nothing of the forward run has to
be kept but the loop variables of each iteration, and so that second derivatives come by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core.autodiff import gradients
from labkit.core.opdef import OpContext, Roles
from labkit.core.shapes import Dims, is_known
from labkit.core.subgraph import Subgraph, share_captures
from labkit.core.tensor import Tensor
from labkit.errors import GraphError
from labkit.ops.broadcast import zeros_like


def operands_of(subgraphs: Sequence[Subgraph], explicit: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs that the subgraphs need after their explicit arguments: captured tensors, then written variables."""
    captured = share_captures(subgraphs)
    variables = dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written)
    return [*explicit, *captured], [op.outputs[0] for op in variables]


def roles_of(
    subgraphs: Sequence[Subgraph], first: int, skipped: int = 0, changing: int = 0, always: Sequence[int] = ()
) -> Roles:
    """What a control operation does with its inputs.

    Args:
        first: the input that is the first argument of each subgraph, after the `skipped` ones that no input gives.
        changing: so many arguments change from one iteration to the next.
        always: further inputs whose value decides a shape.

    Raises:
        GraphError: a shape inside depends on an argument that changes.
    """
    arguments = len(subgraphs[0].arguments) - skipped
    written = list(dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written))
    valued = {subgraph.arguments.index(x) for subgraph in subgraphs for x in subgraph.valued}
    if any(i < changing for i in valued):
        raise GraphError(
            "",
            rule="Shapes inside a loop are the same in each iteration",
            received="a shape that depends on a loop variable",
            fix="Use the final shape throughout, and lk.where or a mask for what does not count yet.",
        )
    return Roles(
        writes=tuple(range(first + arguments, first + arguments + len(written))),
        value_inputs=(*always, *sorted(first + i - skipped for i in valued)),
        counters=tuple(dict.fromkeys(name for subgraph in subgraphs for name in subgraph.drawn)),
    )


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
