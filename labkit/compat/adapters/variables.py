"""TF1's questions about which variables hold a value: Python functions of the graph that ask the session that runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import labkit as lk
from labkit.compat.adapters.session import running_session
from labkit.errors import InvalidArgumentError


def _holds_value(variable: lk.Variable) -> bool:
    return bool(running_session().cells.variable(variable.op).initialized)


def is_variable_initialized(variable: lk.Variable) -> lk.Tensor:
    """Whether the session's variable holds a value; bool, shape ().

    Raises:
        InvalidArgumentError: it is no variable.
    """
    if not isinstance(variable, lk.Variable):
        raise InvalidArgumentError("is_variable_initialized asks about a variable", received=repr(variable))
    answer = lk.py_func(lambda: np.asarray(_holds_value(variable)), [], lk.bool, name="IsVariableInitialized")
    answer.set_shape([])
    return answer


def report_uninitialized_variables(
    var_list: Sequence[lk.Variable] | None = None, name: str = "report_uninitialized_variables"
) -> lk.Tensor:
    """The names of the variables that hold no value in the session; text of shape (how many,).

    Args:
        var_list: the variables in question; default: all global and local ones.
    """
    asked = list(var_list) if var_list is not None else [*lk.global_variables(), *lk.local_variables()]

    def missing() -> np.ndarray:
        return np.asarray([v.op.name.encode() for v in asked if not _holds_value(v)], object)

    names = lk.py_func(missing, [], lk.string, name=name)
    names.set_shape([None])
    return names
