"""Variables: reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable, need_variable
from labkit.errors import ShapeError
from labkit.ops.rules import same_dtype, same_shape

_STATE = NotDifferentiable("a write is no function of its inputs")


def _same_dtypes(inputs: Any, attrs: Any) -> Sequence[dt.DType]:
    return same_dtype(dt.ALL)(inputs, attrs)


register(
    OpDef(
        name="VariableV2",
        inputs=(),
        attrs={"shape": Attr("ints"), "dtype": Attr("dtype")},
        pure=False,
        dtypes=lambda inputs, attrs: [attrs["dtype"]],
        shapes=lambda c: [c.attrs["shape"]],
        gradient=NotDifferentiable("it has no input"),
        doc="A variable; as an operand, its value at the start of the run.",
    )
)
register(
    OpDef(
        name="ReadVariable",
        inputs=("variable",),
        dtypes=_same_dtypes,
        shapes=same_shape,
        pure=False,
        reads=(0,),
        kernel="copy",
        lower=lambda c: ALIAS,
        gradient=lambda op, g: [g],
        reference=lambda variable: variable,
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((), (3, 17))],
        doc="The variable's value here and now: after the writes that control dependencies put before it.",
    )
)


def _written(c: OpContext) -> list[Dims]:
    if not compatible(c.dims[0], c.dims[1]):
        raise ShapeError(
            "",
            rule="The value has the variable's shape",
            received=f"{show(c.dims[1])} for a variable of {show(c.dims[0])}",
        )
    return [c.dims[0]]


def _write(name: str, kernel: str, reference: Any, allowed: Any, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("variable", "value"),
            outputs=("new",),
            writes=(0,),
            pure=False,
            kernel=kernel,
            dtypes=same_dtype(allowed),
            shapes=_written,
            gradient=_STATE,
            reference=reference,
            samples=lambda rng: [
                Sample([rng.normal(size=dims), rng.normal(size=dims)]) for dims in ((), (0, 3), (7,), (3, 17))
            ],
            doc=doc,
        )
    )


_write("Assign", "copy", lambda variable, value: value, dt.ALL, "Sets the variable to a value; gives the new value.")
_write("AssignAdd", "assign_add", np.add, dt.NUMERIC, "Adds to the variable; gives the new value.")
_write("AssignSub", "assign_sub", np.subtract, dt.NUMERIC, "Subtracts from the variable; gives the new value.")


def assign(variable: Variable, value: Any, name: str | None = None) -> Tensor:
    """Builds the write of `value`, of the variable's shape; the result is the new value."""
    return need_variable(variable, "lk.assign").assign(value, name=name)


def assign_add(variable: Variable, delta: Any, name: str | None = None) -> Tensor:
    """Builds the addition of `delta`, of the variable's shape; the result is the new value."""
    return need_variable(variable, "lk.assign_add").assign_add(delta, name=name)


def assign_sub(variable: Variable, delta: Any, name: str | None = None) -> Tensor:
    """Builds the subtraction of `delta`, of the variable's shape; the result is the new value."""
    return need_variable(variable, "lk.assign_sub").assign_sub(delta, name=name)
