"""The variables of the default graph, and operations that initialize them."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.core.collections import GraphKeys
from labkit.core.graph import get_default_graph
from labkit.core.grouping import group
from labkit.core.operation import Operation
from labkit.core.variables import Variable, need_variable


def global_variables(scope: str | None = None) -> list[Variable]:
    """All variables of the default graph that are shared by the whole program, in order of creation.

    Args:
        scope: a regular expression that their names begin with.
    """
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """The variables of the default graph that optimizers change by default; `scope` as for global_variables."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """The variables that a program counts in but does not save, such as those of metrics; `scope` as for global_variables."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """The variables that a model needs when it predicts, as far as a program lists them; `scope` as for global_variables."""
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """The variables that have moving averages; `scope` as for global_variables."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(variables: Iterable[Variable], name: str = "init") -> Operation:
    """An operation that sets each of `variables`, a list, to its initial value.

    Raises:
        InvalidArgumentError: something else is among them.
    """
    if not isinstance(variables, Iterable):
        variables = [variables]
    return group(*(need_variable(v, "lk.variables_initializer").initializer for v in variables), name=name)


def global_variables_initializer() -> Operation:
    """An operation that sets every global variable that exists now to its initial value."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that sets every local variable that exists now to its initial value."""
    return variables_initializer(local_variables())
