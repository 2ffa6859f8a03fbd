"""Powers."""

from __future__ import annotations

import numpy as np

from labkit.core.convert import to_tensors
from labkit.core.operation import Operation
from labkit.core.tensor import OPERATORS, Tensor
from labkit.ops.build import apply, binary, binary_record, named, positive


def _gradient(op: Operation, grad: Tensor) -> list[Tensor]:
    x, y = op.inputs
    # y x^(y - 1), where x^0 stands for x^-1 at y = 0: the product is 0 for x = 0, too.
    exponent = y - apply("Cast", [apply("NotEqual", to_tensors(y, 0))], {"dtype": y.dtype})
    # log(x) only where x > 0: the exponent's gradient at a base of 0 is 0, and a negative base has none.
    positive_base = apply("Cast", [apply("Greater", to_tensors(x, 0))], {"dtype": x.dtype})
    logarithm = apply("Log", [x * positive_base + (1 - positive_base)])
    return [grad * y * pow(x, exponent), grad * op.outputs[0] * logarithm * positive_base]


binary_record(
    "Pow",
    "pow",
    _gradient,
    np.power,
    "z = x^y",
    "x to the power of y. Whole numbers wrap around, and a negative exponent of theirs makes the run fail; a negative float "
    "to a power that is not whole is NaN.",
    draw=positive,
    refuses="The exponent of a whole number is not negative",
)

pow = binary(
    "Pow",
    "x to the power of y, broadcast; two of one dtype, any but bool. Of floats the exponents 0, 1, 2, 3, -1, 0.5 and -0.5 cost "
    "as little as the products and roots that they stand for. Whole numbers: a negative exponent raises "
    "InvalidArgumentError when the graph runs.",
)

OPERATORS.update(pow=named(pow, "pow"))
