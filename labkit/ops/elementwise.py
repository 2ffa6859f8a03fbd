"""Arithmetic and functions, element by element; two operands are broadcast as in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.graph import Operation
from labkit.core.opdef import OpContext, OpDef, register, same_dtype
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply, away_from, binary, broadcast_shape, pairs, positive, same_shape, singles, unary


def _binary(
    name: str, kernel: str, gradient: Any, reference: Any, doc: str, *, allowed: Any = dt.NUMERIC, draw: Any = None
):
    return register(
        OpDef(
            name=name,
            inputs=("x", "y"),
            outputs=("z",),
            doc=doc,
            dtypes=same_dtype(allowed),
            shapes=broadcast_shape,
            gradient=gradient,
            kernel=kernel,
            reference=reference,
            samples=lambda rng: pairs(rng, draw),
        )
    )


def _unary(
    name: str, kernel: str, gradient: Any, reference: Any, doc: str, *, allowed: Any = dt.FLOATS, draw: Any = None
):
    return register(
        OpDef(
            name=name,
            inputs=("x",),
            doc=doc,
            dtypes=same_dtype(allowed),
            shapes=same_shape,
            gradient=gradient,
            kernel=kernel,
            reference=reference,
            samples=lambda rng: singles(rng, draw),
        )
    )


# --- gradients: (operation, gradient of the output) -> gradients of the inputs, before broadcasting is undone ---


def _pow_gradient(op: Operation, grad: Tensor) -> list[Tensor]:
    x, y = op.inputs
    # log(x) only where x > 0: the exponent's gradient at a base of 0 is 0, and a negative base has none.
    positive_base = apply("Cast", [apply("Greater", to_tensors(x, 0))], {"dtype": x.dtype})
    safe = x * positive_base + (1 - positive_base)
    return [grad * y * pow(x, y - 1), grad * op.outputs[0] * log(safe) * positive_base]


def _larger_gradient(winner: str) -> Any:
    def rule(op: Operation, grad: Tensor) -> list[Tensor]:
        x, y = op.inputs
        first = apply("Cast", [apply(winner, [x, y])], {"dtype": x.dtype})
        return [grad * first, grad * (1 - first)]

    return rule


_binary("Add", "add", lambda op, g: [g, g], lambda x, y: x + y, "z = x + y, element by element.")
_binary("Sub", "sub", lambda op, g: [g, -g], lambda x, y: x - y, "z = x - y, element by element.")
_binary(
    "Mul", "mul", lambda op, g: [g * op.inputs[1], g * op.inputs[0]], lambda x, y: x * y, "z = x y, element by element."
)
_binary(
    "RealDiv",
    "div",
    lambda op, g: [g / op.inputs[1], -g * op.outputs[0] / op.inputs[1]],
    lambda x, y: x / y,
    "z = x / y of floats, element by element.",
    allowed=dt.FLOATS,
    draw=away_from(0.0, 0.3),
)
_binary(
    "Pow",
    "pow",
    _pow_gradient,
    lambda x, y: x**y,
    "z = x to the power of y, element by element.",
    allowed=dt.FLOATS,
    draw=positive,
)
_binary(
    "Maximum",
    "maximum",
    _larger_gradient("GreaterEqual"),
    np.maximum,
    "The larger of x and y, element by element; a NaN wins. Where they are equal the gradient goes to x.",
)
_binary(
    "Minimum",
    "minimum",
    _larger_gradient("LessEqual"),
    np.minimum,
    "The smaller of x and y, element by element; a NaN wins. Where they are equal the gradient goes to x.",
)

_unary("Neg", "neg", lambda op, g: [-g], lambda x: -x, "y = -x.", allowed=dt.NUMERIC)
_unary(
    "Abs",
    "abs",
    lambda op, g: [g * apply("Sign", [op.inputs[0]])],
    np.abs,
    "y = |x|.",
    allowed=dt.NUMERIC,
    draw=away_from(0.0),
)
_unary("Square", "square", lambda op, g: [g * 2 * op.inputs[0]], np.square, "y = x x.", allowed=dt.NUMERIC)
_unary(
    "Sign",
    "sign",
    lambda op, g: [g * 0],
    np.sign,
    "y = -1, 0 or 1, as x is negative, zero or positive. The gradient is 0.",
    allowed=dt.NUMERIC,
    draw=away_from(0.0),
)
_unary("Sqrt", "sqrt", lambda op, g: [g / (2 * op.outputs[0])], np.sqrt, "y = the square root of x.", draw=positive)
_unary("Exp", "exp", lambda op, g: [g * op.outputs[0]], np.exp, "y = e to the power of x.")
_unary("Log", "log", lambda op, g: [g / op.inputs[0]], np.log, "y = the natural logarithm of x.", draw=positive)
_unary(
    "Tanh",
    "tanh",
    lambda op, g: [g * (1 - apply("Square", [op.outputs[0]]))],
    np.tanh,
    "y = the hyperbolic tangent of x.",
)
_unary(
    "Sigmoid",
    "sigmoid",
    lambda op, g: [g * op.outputs[0] * (1 - op.outputs[0])],
    lambda x: 1 / (1 + np.exp(-x)),
    "y = 1 / (1 + e^-x), the logistic function.",
)
_unary(
    "Relu",
    "relu",
    lambda op, g: [apply("ReluGrad", [g, op.outputs[0]])],
    lambda x: np.maximum(x, 0),
    "y = max(x, 0), the rectifier (Nair and Hinton 2010). The gradient at 0 is 0.",
    draw=away_from(0.0),
)


def _equal_shapes(c: OpContext) -> list[Dims]:
    if not compatible(c.dims[0], c.dims[1]):
        raise ShapeError("", rule="Both have one shape", received=f"{show(c.dims[0])} and {show(c.dims[1])}")
    return [merge(c.dims[0], c.dims[1])]


register(
    OpDef(
        name="ReluGrad",
        inputs=("gradient", "y"),
        outputs=("dx",),
        kernel="relu_grad",
        dtypes=same_dtype(dt.FLOATS),
        shapes=_equal_shapes,
        gradient=lambda op, g: [apply("ReluGrad", [g, op.inputs[1]]), None],
        reference=lambda g, y: np.where(y > 0, g, 0),
        samples=lambda rng: pairs_of_one_shape(rng),
        doc="The gradient of Relu: the arriving gradient where the output y is positive, 0 elsewhere.",
    )
)


def pairs_of_one_shape(rng: np.random.Generator) -> Any:
    """Samples of two inputs of one shape, the second away from 0."""
    from labkit.core.opdef import Sample

    return [Sample([s.inputs[0], away_from(0.0)(rng, s.inputs[0].shape)]) for s in singles(rng)]


# --- functions --------------------------------------------------------------------------------------------------------

add = binary("Add", "x + y, broadcast; same dtype float32, float64, int32 or int64.")
subtract = binary("Sub", "x - y, broadcast; same dtype float32, float64, int32 or int64.")
multiply = binary("Mul", "x y, broadcast; same dtype float32, float64, int32 or int64.")
pow = binary("Pow", "x to the power of y, broadcast; floats.")
maximum = binary("Maximum", "The larger of x and y, broadcast; a NaN wins.")
minimum = binary("Minimum", "The smaller of x and y, broadcast; a NaN wins.")
negative = unary("Neg", "-x.")
abs = unary("Abs", "|x|.")
square = unary("Square", "x x.")
sign = unary("Sign", "-1, 0 or 1, as x is negative, zero or positive.")
sqrt = unary("Sqrt", "The square root of x; floats.")
exp = unary("Exp", "e to the power of x; floats.")
log = unary("Log", "The natural logarithm of x; floats. log(0) is -inf.")
tanh = unary("Tanh", "The hyperbolic tangent of x; floats.")
sigmoid = unary("Sigmoid", "1 / (1 + e^-x); floats.")
relu = unary("Relu", "max(x, 0); floats.")


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, broadcast. Two ints give float64, as in Python and NumPy."""
    a, b = to_tensors(x, y)
    if a.dtype.is_integer and b.dtype.is_integer:
        a, b = (apply("Cast", [t], {"dtype": dt.float64}) for t in (a, b))
    return apply("RealDiv", [a, b], name=name)


truediv = divide


def _operator(function: Any, name: str) -> Any:
    return lambda *operands: function(*operands, name=name)


# Operators have lower-case names in the graph, functions the type's name, as in TensorFlow 1.
OPERATORS.update(
    add=_operator(add, "add"),
    sub=_operator(subtract, "sub"),
    mul=_operator(multiply, "mul"),
    truediv=_operator(divide, "truediv"),
    pow=_operator(pow, "pow"),
    neg=_operator(negative, "Neg"),
    abs=_operator(abs, "Abs"),
)
