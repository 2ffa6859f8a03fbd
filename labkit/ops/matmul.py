"""Products of matrices, of many at once, and of matrices with vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dim, Dims, broadcast, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply, named
from labkit.ops.rules import same_dtype
from labkit.ops.shape import expand_dims, reshape, squeeze


def need_matrices(dims: Dims, what: str = "A matrix") -> tuple[Dims, Dim, Dim]:
    """The dimensions before the last two, and these; all unknown where the rank is.

    Raises:
        ShapeError: there are fewer than two dimensions.
    """
    if dims is None:
        return None, None, None
    if len(dims) < 2:
        raise ShapeError("", rule=f"{what} has two dimensions, and any number before them", received=show(dims))
    return dims[:-2], dims[-2], dims[-1]


def _matmul_shape(c: OpContext) -> list[Dims]:
    before_a, *a = need_matrices(c.dims[0])
    before_b, *b = need_matrices(c.dims[1])
    rows, inner = reversed(a) if c.attrs["transpose_a"] else a
    other, columns = reversed(b) if c.attrs["transpose_b"] else b
    if inner is not None and other is not None and inner != other:
        raise ShapeError(
            "",
            rule="The columns of a are as many as the rows of b (after transposing where asked)",
            received=f"{show((rows, inner))} times {show((other, columns))}",
        )
    before = broadcast(before_a, before_b)
    return [None if before is None else (*before, rows, columns)]


def _matmul_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    a, b = op.inputs
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    da = matmul(b, g, transpose_a=tb, transpose_b=True) if ta else matmul(g, b, transpose_b=not tb)
    if b.dims is not None and len(b.dims) == 2 and not ta and all(x.dims and x.dims[-1] for x in (a, g)):
        a, g = _rows(a), _rows(g)  # instead of a product for each matrix and a sum over them, one product
    db = matmul(g, a, transpose_a=True, transpose_b=ta) if tb else matmul(a, g, transpose_a=not ta)
    return [da, db]


def _rows(x: Tensor) -> Tensor:
    """The rows of all matrices as one matrix; their length is known."""
    assert x.dims is not None
    return x if len(x.dims) == 2 else reshape(x, [-1, x.dims[-1]])


def _matmul_samples(rng: np.random.Generator) -> list[Sample]:
    def draw(*dims: int) -> np.ndarray:
        return rng.integers(-12, 13, size=dims) / 4.0

    cases = []
    for m, k, n in ((3, 4, 5), (1, 1, 1), (7, 17, 9), (33, 16, 31)):
        for ta, tb in ((False, False), (True, False), (False, True), (True, True)):
            operands = [draw(*((k, m) if ta else (m, k))), draw(*((n, k) if tb else (k, n)))]
            cases.append(Sample(operands, {"transpose_a": ta, "transpose_b": tb}))
    for before_a, before_b in (((2,), (2,)), ((3,), ()), ((), (3,)), ((2, 1), (1, 3)), ((0,), (1,))):
        for ta, tb in ((False, False), (True, True)):
            operands = [draw(*before_a, *((4, 3) if ta else (3, 4))), draw(*before_b, *((2, 4) if tb else (4, 2)))]
            cases.append(Sample(operands, {"transpose_a": ta, "transpose_b": tb}))
    return cases


register(
    OpDef(
        name="MatMul",
        inputs=("a", "b"),
        outputs=("product",),
        kernel="matmul",
        dtypes=same_dtype(dt.NUMERIC),
        attrs={"transpose_a": Attr("bool", False), "transpose_b": Attr("bool", False)},
        shapes=_matmul_shape,
        gradient=_matmul_gradient,
        samples=_matmul_samples,
        reference=lambda a, b, transpose_a, transpose_b: np.matmul(
            np.swapaxes(a, -1, -2) if transpose_a else a, np.swapaxes(b, -1, -2) if transpose_b else b
        ),
        formula="y[..., i, j] = sum over k of a[..., i, k] b[..., k, j]",
        doc="The product of two matrices, each transposed first where asked. Dimensions before the last two count matrices "
        "and are broadcast. Each product has the same bits whatever other matrices stand beside it; integers wrap.",
    )
)


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None) -> Tensor:
    """The product of two matrices, or of many.

    Args:
        a: shape (..., m, k), or (..., k, m) when transposed; float32, float64, int32 or int64.
        b: shape (..., k, n), or (..., n, k) when transposed; of a's dtype.

    Returns:
        Shape (..., m, n), with the dimensions before the matrices broadcast.

    Raises:
        ShapeError: the inner dimensions differ, the ones before cannot be broadcast, or an operand is no matrix.
        DTypeError: the operands differ in dtype, or it is none of the four.
    """
    return apply("MatMul", to_tensors(a, b), {"transpose_a": transpose_a, "transpose_b": transpose_b}, name)


def matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None) -> Tensor:
    """The product of a matrix (..., m, k), or (..., k, m) when transposed, and a vector (..., k): shape (..., m).

    Raises:
        ShapeError: a's columns are not as many as b's elements, or the dimensions before them cannot be broadcast.
    """
    matrix, vector = to_tensors(a, b)
    return squeeze(matmul(matrix, expand_dims(vector, -1), transpose_a=transpose_a), -1, name)


OPERATORS.update(matmul=named(matmul, "matmul"))
