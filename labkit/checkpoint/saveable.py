"""What a Saver saves: variables by their names in the checkpoint, and random counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from labkit.core.execution.cells import RANDOM
from labkit.core.graph import Graph
from labkit.core.shapes import show
from labkit.core.variables import Variable
from labkit.errors import DTypeError, InvalidArgumentError


def named_variables(chosen: Iterable[Variable] | Mapping[str, Variable]) -> dict[str, Variable]:
    """Name in the checkpoint -> variable, for a list of variables or a dict of them by name.

    Raises:
        DTypeError: something is no variable.
        InvalidArgumentError: a variable or name stands there twice, a name is not allowed, or graphs differ.
    """
    if isinstance(chosen, str | bytes | Variable) or not isinstance(chosen, Iterable):
        raise DTypeError("Variables to save should be passed in a dict or a list", received=repr(chosen))
    pairs = list(chosen.items()) if isinstance(chosen, Mapping) else [(_name(v), v) for v in chosen]
    found: dict[str, Variable] = {}
    for name, variable in pairs:
        _name(variable)
        if not isinstance(name, str) or name.startswith(RANDOM):
            raise InvalidArgumentError(
                "A variable's name in a checkpoint is not allowed",
                rule=f"It is a text that does not begin with {RANDOM!r}",
                received=repr(name),
            )
        if name in found:
            raise InvalidArgumentError(f"At least two variables have the same name: {name}")
        found[name] = variable
    if len({id(v) for v in found.values()}) < len(found):
        raise InvalidArgumentError("The same saveable will be restored with two names", received=", ".join(found))
    if len({id(v.graph) for v in found.values()}) > 1:
        raise InvalidArgumentError("The variables to save belong to different graphs", received=", ".join(found))
    return found


def _name(variable: Any) -> str:
    if isinstance(variable, Variable):
        return variable.op.name
    raise DTypeError(
        f"Variable to save is not a Variable: {variable!r}", rule="A Saver saves variables", fix="Give lk.Variables."
    )


def present_counters(graph: Graph) -> set[str]:
    """The random counters that the graph's operations draw from."""
    return {name for op in graph.operations for name in op.counters}


def fitting(key: str, variable: Variable, value: np.ndarray) -> np.ndarray:
    """The value that a checkpoint has under `key`, when it fits the variable.

    Raises:
        InvalidArgumentError: it does not.
    """
    if value.shape == variable.dims and value.dtype == variable.dtype.numpy:
        return value
    raise InvalidArgumentError(
        f"{key!r} in the checkpoint does not fit the variable {variable.name}",
        rule=f"The variable has {variable.dtype.name} {show(variable.dims)}",
        received=f"{value.dtype} {show(value.shape)}",
        fix="Build the graph as it was when the checkpoint was saved.",
    )
