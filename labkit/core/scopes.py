"""Scopes of the default graph, and variables that are found by name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.devices import Placement
from labkit.core.graph import Graph, get_default_graph
from labkit.core.shapes import as_dims, is_known, show
from labkit.core.tensor import OPERATORS
from labkit.core.variables import Variable
from labkit.errors import GraphError, InvalidArgumentError, ShapeError


def name_scope(
    name: str | None, default_name: str | None = None, values: Sequence[Any] | None = None
) -> AbstractContextManager[str]:
    """Puts new operations under `name/`; entered again it becomes `name_1/`. A name that ends in "/" is re-entered as it is,
    None and "" are the root. `with` yields the scope with its "/"; an operation of that name gets the scope's own name.

    Args:
        default_name: the name where `name` is None.
        values: what the operations inside compute with: the tensors among them say which graph is meant.

    Raises:
        InvalidArgumentError: the name is not allowed, or there is none although values are given.
        GraphError: the values belong to different graphs.
    """
    graph = get_default_graph()
    tensors = [x for x in values or () if isinstance(getattr(x, "graph", None), Graph)]
    if tensors and not graph.is_inside(tensors[0].graph):
        graph = tensors[0].graph
    for x in tensors:
        if x.graph.outermost is not graph.outermost:
            raise GraphError(f"{x!r} must be from the same graph as {tensors[0]!r}")
    if values is not None and name is None and default_name is None:
        raise InvalidArgumentError("At least one of name and default_name must be given with values")
    return graph.name_scope(default_name if name is None else name)


def device(placement: Placement) -> AbstractContextManager[None]:
    """Records on which device operations made inside are meant to be: `op.device`. labkit computes on the CPU.

    Args:
        placement: a device's name ("/gpu:0"), a function of the operation that gives one, or None.

    Raises:
        InvalidArgumentError: the name is no device's.
    """
    return get_default_graph().device(placement)


def add_to_collection(name: Hashable, value: Any) -> None:
    """Puts `value` at the end of a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Hashable | Iterable[Hashable], value: Any) -> None:
    """Puts `value` at the end of each of several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Hashable, scope: str | None = None) -> list[Any]:
    """A new list of what is in a collection of the default graph, in order.

    Args:
        scope: a regular expression that an item's `name` begins with ("q" fits "q_next/w", too).
    """
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Hashable) -> list[Any]:
    """A collection of the default graph itself: changes of the list are changes of the graph."""
    return get_default_graph().get_collection_ref(key)


def control_dependencies(inputs: Sequence[Any] | None) -> AbstractContextManager[None]:
    """Operations made inside run after all of `inputs`; None clears what is set."""
    return get_default_graph().control_dependencies(inputs)


@dataclass
class VariableScope:
    """A scope of `get_variable`.

    Attributes:
        name: its full name, "" for the root.
        reuse: True to find existing variables, False to make new ones, None to do either (AUTO_REUSE).
    """

    name: str
    reuse: bool | None = False
    store: dict[str, Variable] = field(default_factory=dict, repr=False)

    def reuse_variables(self) -> None:
        self.reuse = True


def _current(graph: Graph) -> VariableScope:
    scopes = graph.outermost.variable_scopes
    if not scopes:
        scopes.append(VariableScope(""))
    return scopes[-1]


@contextmanager
def variable_scope(scope: str | VariableScope, reuse: bool | None = False) -> Iterator[VariableScope]:
    """Prefixes `get_variable` and opens a name scope. Entered again, variables keep their prefix and operations go under
    `name_1/`. A scope object may be entered again.

    Args:
        reuse: True to find existing variables, False for the outer scope's rule, None for either (AUTO_REUSE).
    """
    graph = get_default_graph()
    outer = _current(graph)
    if isinstance(scope, VariableScope):
        full, short = scope.name, scope.name.rpartition("/")[2]
    else:
        full, short = f"{outer.name}/{scope}" if outer.name else scope, scope
    inner = VariableScope(full, True if outer.reuse else reuse, outer.store)
    graph.outermost.variable_scopes.append(inner)
    try:
        with graph.name_scope(short):
            yield inner
    finally:
        graph.outermost.variable_scopes.pop()


def get_variable(
    name: str, shape: Any = None, dtype: Any = dt.float32, initializer: Any = None, trainable: bool = True
) -> Variable:
    """The variable of that name in the present variable scope: a new one, or the existing one when the scope reuses.

    Args:
        shape: the shape of a new variable; not needed when `initializer` is an array or tensor.
        initializer: a callable (shape, dtype) -> tensor, an array, or a tensor. Default: Glorot and Bengio's uniform
            distribution for floats (2010, equation 16), zeros for others.

    Raises:
        GraphError: the variable exists and the scope does not reuse, or the other way round.
        ShapeError: the shape is not known, or differs from the existing variable's.
    """
    graph = get_default_graph()
    scope = _current(graph)
    full = f"{scope.name}/{name}" if scope.name else name
    existing = scope.store.get(full)
    if existing is not None and scope.reuse is False:
        raise GraphError(
            f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or reuse=None (automatic) in "
            f"variable_scope? It was made at {existing.op.line}"
        )
    dims = as_dims(shape)
    if existing is not None:
        if dims is not None and dims != existing.dims:
            raise ShapeError(f"Variable {full} has another shape", received=f"{show(dims)} for {show(existing.dims)}")
        return existing
    if scope.reuse is True:
        raise GraphError(
            f"Variable {full} does not exist, or was not created with get_variable", fix="Drop reuse=True."
        )
    kind = dt.as_dtype(dtype)
    if initializer is not None and not callable(initializer):
        value, wanted = initializer, None if hasattr(initializer, "op") else kind
    elif not is_known(dims):
        raise ShapeError(
            f"Variable {full} needs a fully known shape", received=show(dims), fix="Give shape= or an array."
        )
    else:
        wanted = kind
        value = (lambda: initializer(dims, kind)) if initializer else (lambda: _default_initial(dims, kind))
    with graph.outermost.name_scope(None):
        made = Variable(value, trainable, name=full, dtype=wanted)
    scope.store[full] = made
    return made


def _default_initial(dims: Any, dtype: dt.DType) -> Any:
    if not dtype.is_floating:
        return np.zeros(dims, dtype.numpy)
    fan = (dims[0], dims[-1]) if dims else (1, 1)
    if len(dims) > 2:
        field_size = int(np.prod(dims[:-2]))
        fan = (dims[-2] * field_size, dims[-1] * field_size)
    limit = float(np.sqrt(6.0 / max(sum(fan), 1)))
    return OPERATORS["random_uniform"](dims, -limit, limit, dtype)
