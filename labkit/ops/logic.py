"""Logic of truth values, and the choice between two operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, broadcast
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, InvalidArgumentError
from labkit.ops.build import BROADCAST_CASES, SHAPES, apply
from labkit.ops.rules import broadcast_shape, same_dtype, same_shape

_STEP = NotDifferentiable("a truth value does not change smoothly")


def truths(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws truth values."""
    return np.asarray(rng.random(shape) < 0.5)


def _logical(name: str, kernel: str, reference: Any, words: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("x", "y"),
            outputs=("z",),
            kernel=kernel,
            dtypes=same_dtype((dt.bool_,)),
            shapes=broadcast_shape,
            gradient=_STEP,
            formula=f"z = {words}",
            reference=reference,
            samples=lambda rng: [Sample([truths(rng, a), truths(rng, b)]) for a, b in BROADCAST_CASES],
            doc=f'The truth of "{words}", element by element; both sides are always computed.',
        )
    )


_logical("LogicalAnd", "logical_and", np.logical_and, "x and y")
_logical("LogicalOr", "logical_or", np.logical_or, "x or y")
_logical("LogicalXor", "logical_xor", np.logical_xor, "exactly one of x and y")
register(
    OpDef(
        name="LogicalNot",
        inputs=("x",),
        kernel="logical_not",
        dtypes=same_dtype((dt.bool_,)),
        shapes=same_shape,
        gradient=_STEP,
        formula="y = not x",
        reference=np.logical_not,
        samples=lambda rng: [Sample([truths(rng, shape)]) for shape in SHAPES],
        doc="Whether x does not hold, element by element.",
    )
)


# --- choice ---


def _chosen_dtype(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    if inputs[0] is not dt.bool_ or inputs[1] is not inputs[2]:
        raise DTypeError(
            "",
            rule="The condition is bool, and x and y have one dtype",
            received=", ".join(d.name for d in inputs),
            fix="Convert one of them with lk.cast; compare numbers with lk.not_equal(x, 0).",
        )
    return [inputs[1]]


def _chosen_shape(c: OpContext) -> list[Dims]:
    return [broadcast(broadcast(c.dims[0], c.dims[1]), c.dims[2])]


def _chosen_gradient(op: Operation, g: Tensor) -> list[Tensor | None]:
    # A product with the condition would carry a NaN or infinity of g over to the side that was not chosen.
    condition, zero = op.inputs[0], to_tensor(0, op.outputs[0].dtype)
    return [None, apply("Select", [condition, g, zero]), apply("Select", [condition, zero, g])]


def _choices(rng: np.random.Generator) -> list[Sample]:
    shapes = (
        *((a, a, a) for a in ((), (7,), (3, 17), (2, 3, 33))),
        *(((3, 1), (4,), (2, 1, 1)), ((5,), (), (5,)), ((), (2, 3), (3,)), ((2, 1, 17), (3, 1), ())),
    )
    return [
        Sample([truths(rng, c), np.asarray(rng.normal(size=a)), np.asarray(rng.normal(size=b))]) for c, a, b in shapes
    ]


register(
    OpDef(
        name="Select",
        inputs=("condition", "x", "y"),
        outputs=("z",),
        kernel="select",
        kernel_dtype="output",
        dtypes=_chosen_dtype,
        shapes=_chosen_shape,
        gradient=_chosen_gradient,
        formula="z = x where the condition holds, y elsewhere",
        reference=np.where,
        samples=_choices,
        text=True,
        doc="x where the condition holds and y elsewhere; the three are broadcast as in NumPy. The gradient flows to the side "
        "that was chosen, and is exactly 0 on the other, whatever its numbers are.",
    )
)


register(
    OpDef(
        name="Where",
        inputs=("condition",),
        outputs=("indices",),
        host=lambda condition: np.argwhere(condition).astype(np.int64),
        dtypes=lambda inputs, attrs: [dt.int64],
        shapes=lambda c: [(None, None if c.dims[0] is None else len(c.dims[0]))],
        gradient=NotDifferentiable("an index does not change smoothly"),
        formula="indices[k] = the place of the k-th true element",
        reference=np.argwhere,
        samples=lambda rng: [
            Sample([np.asarray(rng.integers(0, 2, size=shape).astype(float))])
            for shape in ((), (7,), (3, 17), (0, 2), (2, 3, 4))
        ],
        doc="The indices of the elements that are true, or not 0, one row each, in the order in which they lie in memory; "
        "int64. How many there are is known when it runs.",
    )
)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """x where the condition holds and y elsewhere; without x and y, the indices of the true elements.

    Args:
        condition: bool. It, x and y are broadcast as in NumPy. Without x and y any dtype will do: what is not 0 is true.
        x, y: of one dtype, any; what is no tensor takes the other's dtype.

    Returns:
        The choice, of x's dtype; or the indices, int64 of shape (number of true elements, rank of condition), in
        row-major order.

    Raises:
        DTypeError: the condition is not bool, or x and y differ in dtype.
        ShapeError: the shapes cannot be broadcast.
        InvalidArgumentError: one of x and y is given without the other.
    """
    if (x is None) != (y is None):
        raise InvalidArgumentError(
            "where got one of x and y",
            rule="Both are given (a choice), or none (the indices of true elements)",
            received="x" if y is None else "y",
            fix="Give the other one too, e.g. lk.zeros_like(x).",
        )
    if x is None:
        return apply("Where", [to_tensor(condition)], name=name)
    return apply("Select", [to_tensor(condition), *to_tensors(x, y)], name=name)


# --- functions ---


def _function(type_name: str, doc: str) -> Any:
    def build(x: Any, y: Any, name: str | None = None) -> Tensor:
        return apply(type_name, to_tensors(x, y, dtype=dt.bool_), name=name)

    build.__doc__ = doc
    return build


logical_and = _function("LogicalAnd", "Whether x and y hold, broadcast; both bool, and so is the result.")
logical_or = _function("LogicalOr", "Whether x or y or both hold, broadcast; both bool, and so is the result.")
logical_xor = _function(
    "LogicalXor", "Whether exactly one of x and y holds, broadcast; both bool, and so is the result."
)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Whether x does not hold; bool.

    Raises:
        DTypeError: x is not bool.
    """
    return apply("LogicalNot", [to_tensor(x)], name=name)


def _operator(type_name: str, name: str) -> Any:
    return lambda x, y: apply(type_name, to_tensors(x, y), name=name)


OPERATORS.update(
    {"and": _operator("LogicalAnd", "and"), "or": _operator("LogicalOr", "or"), "xor": _operator("LogicalXor", "xor")},
    invert=lambda x: logical_not(x),
)
