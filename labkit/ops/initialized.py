"""Operations that ask whether a variable holds a value yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import NotDifferentiable, OpDef, Sample, register
from labkit.core.tensor import OPERATORS, Tensor
from labkit.core.variable_lists import global_variables, local_variables
from labkit.core.variables import Variable, need_variable
from labkit.ops.build import apply
from labkit.ops.host import py_func
from labkit.ops.rules import equal_shapes, same_dtype

register(
    OpDef(
        name="IsVariableInitialized",
        inputs=("variable",),
        reads=(0,),
        shape_inputs=(0,),  # its value may be missing
        of_cells=True,
        host=lambda cell: np.asarray(cell.initialized),
        pure=False,
        dtypes=lambda inputs, attrs: [dt.bool_],
        shapes=lambda c: [()],
        gradient=NotDifferentiable("whether there is a value does not change smoothly"),
        reference=lambda variable: np.asarray(True),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((), (3, 17))],
        doc="Whether the variable holds a value in this session, when the operation runs.",
    )
)


def _value(cell: Any, initial_value: np.ndarray) -> np.ndarray:
    saved = cell.save()
    return initial_value if saved is None else saved


register(
    OpDef(
        name="InitializedValue",
        inputs=("variable", "initial_value"),
        reads=(0,),
        shape_inputs=(0,),
        of_cells=True,
        host=_value,
        pure=False,
        dtypes=same_dtype(dt.ALL),
        shapes=equal_shapes,
        gradient=NotDifferentiable("it serves to initialize variables"),
        reference=lambda variable, initial_value: variable,
        samples=lambda rng: [Sample([rng.normal(size=dims), rng.normal(size=dims)]) for dims in ((), (3, 17))],
        doc="The variable's value where it holds one in this session, else the initial value.",
    )
)


def is_variable_initialized(variable: Variable, name: str | None = None) -> Tensor:
    """Whether the variable holds a value in the session, when this runs; bool, shape ().

    Raises:
        InvalidArgumentError: it is no variable.
    """
    return apply("IsVariableInitialized", [need_variable(variable, "lk.is_variable_initialized").ref], name=name)


def _initialized_value(variable: Variable) -> Tensor:
    with variable.graph.control_dependencies(None), variable.graph.name_scope(variable.op.name + "/"):
        return apply("InitializedValue", [variable.ref, variable.initial_value], name="initialized_value")


OPERATORS.update(initialized_value=_initialized_value)


def report_uninitialized_variables(
    var_list: Sequence[Variable] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names of the variables that hold no value in the session, when this runs: text of shape (n,).

    Args:
        var_list: default: the global and local variables that exist now.
    """
    variables = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    names = [variable.op.name.encode() for variable in variables]

    def missing(*flags: np.ndarray) -> np.ndarray:
        return np.array([n for n, flag in zip(names, flags, strict=True) if not flag], object)

    flags = [is_variable_initialized(variable) for variable in variables]
    result = py_func(missing, flags, dt.string, name=name)
    result.set_shape([None])
    return result
