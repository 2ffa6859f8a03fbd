"""The global step: the variable of a graph that counts a program's training steps."""

from __future__ import annotations

from typing import Any

from labkit.core import dtypes as dt
from labkit.core.collections import GraphKeys
from labkit.core.get_variable import get_variable
from labkit.core.graph import Graph, get_default_graph
from labkit.core.shapes import show
from labkit.core.variable_lists import global_variables
from labkit.core.variables import Variable
from labkit.errors import DTypeError, GraphError, NotFoundError


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step: what its collection "global_step" holds, or else the variable or tensor `global_step:0`; None
    where there is none.

    Raises:
        DTypeError: it is no integer, or no scalar.
    """
    graph = (graph or get_default_graph()).outermost
    held = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(held) > 1:
        raise GraphError('Multiple tensors in the collection "global_step"', received=", ".join(x.name for x in held))
    if held:
        return assert_global_step(held[0])
    try:
        tensor = graph.get_tensor_by_name("global_step:0")
    except NotFoundError:
        return None
    with graph.as_default():
        return assert_global_step(next((v for v in global_variables() if v.ref is tensor), tensor))


def create_global_step(graph: Graph | None = None) -> Variable:
    """A new variable `global_step` of int64, which starts at 0 and is not trainable, in the collection "global_step".

    Raises:
        GraphError: the graph has one.
    """
    graph = (graph or get_default_graph()).outermost
    if get_global_step(graph) is not None:
        raise GraphError('"global_step" already exists', fix="Use get_or_create_global_step.")
    with graph.as_default(), graph.name_scope(None):
        step = get_variable("global_step", [], dt.int64, trainable=False)
        graph.add_to_collection(GraphKeys.GLOBAL_STEP, step)
    return step


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, made where there is none. Raises as `get_global_step` does."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def assert_global_step(step: Any) -> Any:
    """`step`, which is an integer scalar.

    Raises:
        DTypeError: it is not.
    """
    if step.dtype not in dt.INTS:
        raise DTypeError('Existing "global_step" does not have integer type', received=step.dtype.name)
    if step.dims not in (None, ()):
        raise DTypeError('Existing "global_step" is not scalar', received=show(step.dims))
    return step
