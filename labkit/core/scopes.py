"""Scopes of the default graph, and variables that are found by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.graph import Graph, get_default_graph
from labkit.core.shapes import as_dims, is_known, show
from labkit.core.tensor import OPERATORS
from labkit.core.variables import Variable
from labkit.errors import GraphError, ShapeError


def name_scope(name: str | None) -> AbstractContextManager[str]:
    """Puts new operations of the default graph under `name/`; entered again it becomes `name_1/`."""
    return get_default_graph().name_scope(name)


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
