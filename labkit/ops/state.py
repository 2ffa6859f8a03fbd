"""Variables: reading, writing, and the optimizers' fused updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import ALIAS, Attr, NotDifferentiable, OpContext, OpDef, Sample, register, same_dtype
from labkit.core.shapes import Dims, compatible, show
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable, need_variable
from labkit.errors import ShapeError
from labkit.ops.build import apply, same_shape

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
    return need_variable(variable, "lk.assign").assign(value, name)


def assign_add(variable: Variable, delta: Any, name: str | None = None) -> Tensor:
    """Builds the addition of `delta`, of the variable's shape; the result is the new value."""
    return need_variable(variable, "lk.assign_add").assign_add(delta, name)


def assign_sub(variable: Variable, delta: Any, name: str | None = None) -> Tensor:
    """Builds the subtraction of `delta`, of the variable's shape; the result is the new value."""
    return need_variable(variable, "lk.assign_sub").assign_sub(delta, name)


# --- optimizers' updates ---


def _update(
    name: str,
    kernel: str,
    variables: Sequence[str],
    operands: Sequence[str],
    reference: Any,
    doc: str,
    **attrs: Attr,
) -> None:
    first = len(variables)

    def samples(rng: np.random.Generator) -> list[Sample]:
        cases = []
        for dims in ((), (7,), (3, 17)):
            state = [rng.uniform(0.1, 1, size=dims) for _ in variables]
            given = [rng.normal(size=dims) if x == "gradient" else np.asarray(rng.uniform(0.1, 0.9)) for x in operands]
            options: list[dict[str, Any]] = [{a: True}, {a: False}] if (a := next(iter(attrs), "")) else [{}]
            cases += [Sample([*state, *given], option) for option in options]
        return cases

    def shapes(c: OpContext) -> list[Dims]:
        for i, operand in enumerate([*variables, *operands]):
            scalar = i >= first and operand != "gradient"
            if not compatible(c.dims[i], () if scalar else c.dims[0]):
                rule = f"{operand} is one number" if scalar else f"The {operand} has the variable's shape"
                raise ShapeError("", rule=rule, received=f"{show(c.dims[i])} for a variable of {show(c.dims[0])}")
        return [c.dims[0]]

    register(
        OpDef(
            name=name,
            inputs=(*variables, *operands),
            outputs=("new",),
            writes=tuple(range(first)),
            pure=False,
            attrs=attrs,
            kernel=kernel,
            dtypes=same_dtype(dt.FLOATS),
            shapes=shapes,
            gradient=_STATE,
            reference=reference,
            samples=samples,
            doc=doc,
        )
    )


def _momentum(x: Any, accumulator: Any, rate: Any, gradient: Any, momentum: Any, nesterov: bool) -> tuple[Any, Any]:
    new = momentum * accumulator + gradient
    return x - rate * (gradient + momentum * new if nesterov else new), new


def _adam(x: Any, m: Any, v: Any, rate: Any, power1: Any, power2: Any, beta1: Any, beta2: Any, eps: Any, g: Any) -> Any:
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return x - rate * np.sqrt(1 - power2) / (1 - power1) * new_m / (np.sqrt(new_v) + eps), new_m, new_v


_update(
    "ApplyGradientDescent",
    "apply_gradient_descent",
    ["variable"],
    ["learning_rate", "gradient"],
    lambda variable, learning_rate, gradient: variable - learning_rate * gradient,
    "variable -= learning_rate gradient.",
)
_update(
    "ApplyMomentum",
    "apply_momentum",
    ["variable", "accumulator"],
    ["learning_rate", "gradient", "momentum"],
    _momentum,
    "accumulator = momentum accumulator + gradient; variable -= learning_rate accumulator (Polyak 1964), or with nesterov "
    "variable -= learning_rate (gradient + momentum accumulator) (Sutskever et al. 2013).",
    nesterov=Attr("bool", False),
)
_update(
    "ApplyAdam",
    "apply_adam",
    ["variable", "m", "v"],
    ["learning_rate", "beta1_power", "beta2_power", "beta1", "beta2", "epsilon", "gradient"],
    _adam,
    "m = beta1 m + (1 - beta1) gradient; v = beta2 v + (1 - beta2) gradient²; variable -= learning_rate "
    "sqrt(1 - beta2_power) / (1 - beta1_power) m / (sqrt(v) + epsilon) (Kingma and Ba 2015, the form at the end of section 2).",
)


def apply_gradient_descent(variable: Variable, learning_rate: Any, gradient: Tensor, name: str | None = None) -> Tensor:
    """Builds variable -= learning_rate gradient; the result is the new value."""
    return _apply_update("ApplyGradientDescent", [variable], [learning_rate, gradient], name)


def apply_momentum(
    variable: Variable,
    accumulator: Variable,
    learning_rate: Any,
    gradient: Tensor,
    momentum: Any,
    nesterov: bool = False,
    name: str | None = None,
) -> Tensor:
    """Builds accumulator = momentum accumulator + gradient; variable -= learning_rate accumulator (or Nesterov's form)."""
    attrs = {"nesterov": nesterov}
    return _apply_update("ApplyMomentum", [variable, accumulator], [learning_rate, gradient, momentum], name, attrs)


def apply_adam(
    variable: Variable,
    m: Variable,
    v: Variable,
    beta1_power: Any,
    beta2_power: Any,
    learning_rate: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    gradient: Tensor,
    name: str | None = None,
) -> Tensor:
    """Builds Adam's update (Kingma and Ba 2015); the powers of beta are those of the step that is taken."""
    operands = [learning_rate, beta1_power, beta2_power, beta1, beta2, epsilon, gradient]
    return _apply_update("ApplyAdam", [variable, m, v], operands, name)


def _apply_update(
    type_name: str, variables: list[Variable], operands: list[Any], name: str | None, attrs: Any = None
) -> Tensor:
    dtype = variables[0].dtype
    return apply(type_name, [*(v.ref for v in variables), *(to_tensor(x, dtype) for x in operands)], attrs, name)
