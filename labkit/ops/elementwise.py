"""Arithmetic and functions, element by element; two operands are broadcast as in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import OpDef, register
from labkit.core.operation import Operation
from labkit.core.tensor import OPERATORS, Tensor
from labkit.ops.build import apply, away_from, binary, binary_record, named, positive, singles, unary, unary_record
from labkit.ops.rules import equal_shapes, same_dtype

# --- gradients: (operation, gradient of the output) -> gradients of the inputs, before broadcasting is undone ---


def _larger_gradient(winner: str) -> Any:
    def rule(op: Operation, grad: Tensor) -> list[Tensor]:
        # A product with 0 and 1 would carry a NaN or infinity of the gradient over to the side that lost.
        first, zero = apply(winner, list(op.inputs)), to_tensor(0, grad.dtype)
        return [apply("Select", [first, grad, zero]), apply("Select", [first, zero, grad])]

    return rule


def _squared_difference_gradient(op: Operation, grad: Tensor) -> list[Tensor]:
    scaled = grad * 2 * (op.inputs[0] - op.inputs[1])
    return [scaled, -scaled]


binary_record("Add", "add", lambda op, g: [g, g], np.add, "z = x + y", "The sum of x and y; whole numbers wrap around.")
binary_record(
    "Sub",
    "sub",
    lambda op, g: [g, -g],
    np.subtract,
    "z = x - y",
    "The difference of x and y; whole numbers wrap around.",
)
binary_record(
    "Mul",
    "mul",
    lambda op, g: [g * op.inputs[1], g * op.inputs[0]],
    np.multiply,
    "z = x y",
    "The product of x and y; whole numbers wrap around.",
)
binary_record(
    "Maximum",
    "maximum",
    _larger_gradient("GreaterEqual"),
    np.maximum,
    "z = max(x, y)",
    "The larger of x and y; a NaN wins. Where they are equal the gradient goes to x.",
)
binary_record(
    "Minimum",
    "minimum",
    _larger_gradient("LessEqual"),
    np.minimum,
    "z = min(x, y)",
    "The smaller of x and y; a NaN wins. Where they are equal the gradient goes to x.",
)
binary_record(
    "SquaredDifference",
    "squared_difference",
    _squared_difference_gradient,
    lambda x, y: np.square(x - y),
    "z = (x - y)²",
    "The square of the difference of x and y; whole numbers wrap around.",
)

unary_record(
    "Neg",
    "neg",
    lambda op, g: [-g],
    np.negative,
    "y = -x",
    "x with the other sign; whole numbers wrap around.",
    allowed=dt.NUMBERS,
)
unary_record(
    "Abs",
    "abs",
    lambda op, g: [g * apply("Sign", [op.inputs[0]])],
    np.abs,
    "y = |x|",
    "The absolute value of x; that of the smallest whole number wraps around to itself. The gradient at 0 is 0.",
    allowed=dt.NUMBERS,
    draw=away_from(0.0),
)
unary_record(
    "Square",
    "square",
    lambda op, g: [g * 2 * op.inputs[0]],
    np.square,
    "y = x²",
    "The square of x; whole numbers wrap around.",
    allowed=dt.NUMBERS,
)
unary_record(
    "Sign",
    "sign",
    lambda op, g: [g * 0],
    np.sign,
    "y = x / |x|, and 0 at 0",
    "-1, 0 or 1, as x is negative, zero or positive; NaN stays. The gradient is 0.",
    allowed=dt.NUMBERS,
    draw=away_from(0.0),
)
unary_record(
    "Reciprocal",
    "reciprocal",
    lambda op, g: [-g * apply("Square", [op.outputs[0]])],
    lambda x: 1 / x,
    "y = 1 / x",
    "The reciprocal of x; that of 0 is infinite.",
    draw=away_from(0.0, 0.3),
)
unary_record(
    "Sqrt", "sqrt", lambda op, g: [g / (2 * op.outputs[0])], np.sqrt, "y = √x", "The square root of x.", draw=positive
)
unary_record(
    "Rsqrt",
    "rsqrt",
    lambda op, g: [g * -0.5 * op.outputs[0] / op.inputs[0]],
    lambda x: 1 / np.sqrt(x),
    "y = 1 / √x",
    "The reciprocal of the square root of x.",
    draw=positive,
)
unary_record("Exp", "exp", lambda op, g: [g * op.outputs[0]], np.exp, "y = e^x", "e to the power of x.")
unary_record(
    "Log", "log", lambda op, g: [g / op.inputs[0]], np.log, "y = log(x)", "The natural logarithm of x.", draw=positive
)
unary_record(
    "Tanh",
    "tanh",
    lambda op, g: [g * (1 - apply("Square", [op.outputs[0]]))],
    np.tanh,
    "y = (e^x - e^-x) / (e^x + e^-x)",
    "The hyperbolic tangent of x.",
)
unary_record(
    "Sigmoid",
    "sigmoid",
    lambda op, g: [g * op.outputs[0] * (1 - op.outputs[0])],
    lambda x: 1 / (1 + np.exp(-x)),
    "y = 1 / (1 + e^-x)",
    "The logistic function of x.",
)
unary_record(
    "Relu",
    "relu",
    lambda op, g: [apply("ReluGrad", [g, op.outputs[0]])],
    lambda x: np.maximum(x, 0),
    "y = max(x, 0)",
    "The rectifier. The gradient at 0 is 0.",
    draw=away_from(0.0),
    source="Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML 2010",
)


register(
    OpDef(
        name="ReluGrad",
        inputs=("gradient", "y"),
        outputs=("dx",),
        kernel="relu_grad",
        formula="dx = gradient where y > 0, else 0",
        dtypes=same_dtype(dt.FLOATS),
        shapes=equal_shapes,
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

add = binary("Add", "x + y, broadcast; two of one dtype, any but bool. Whole numbers wrap around.")
subtract = binary("Sub", "x - y, broadcast; two of one dtype, any but bool. Whole numbers wrap around.")
multiply = binary("Mul", "x y, broadcast; two of one dtype, any but bool. Whole numbers wrap around.")
maximum = binary("Maximum", "The larger of x and y, broadcast; a NaN wins.")
minimum = binary("Minimum", "The smaller of x and y, broadcast; a NaN wins.")
squared_difference = binary(
    "SquaredDifference", "(x - y)², broadcast; two of one dtype, any but bool. Whole numbers wrap around."
)
negative = unary("Neg", "-x.")
abs = unary("Abs", "|x|.")
square = unary("Square", "x x.")
sign = unary("Sign", "-1, 0 or 1, as x is negative, zero or positive.")
sqrt = unary("Sqrt", "The square root of x; floats.")
rsqrt = unary("Rsqrt", "1 / √x; floats. rsqrt(0) is infinite.")
reciprocal = unary("Reciprocal", "1 / x; floats. The reciprocal of 0 is infinite.")
exp = unary("Exp", "e to the power of x; floats.")
log = unary("Log", "The natural logarithm of x; floats. log(0) is -inf.")
tanh = unary("Tanh", "The hyperbolic tangent of x; floats.")
sigmoid = unary("Sigmoid", "1 / (1 + e^-x); floats.")
relu = unary("Relu", "max(x, 0); floats.")


# Operators have lower-case names in the graph, functions the type's name, as in TensorFlow 1.
OPERATORS.update(
    add=named(add, "add"),
    sub=named(subtract, "sub"),
    mul=named(multiply, "mul"),
    neg=named(negative, "Neg"),
    abs=named(abs, "Abs"),
)
