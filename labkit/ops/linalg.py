"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensors
from labkit.core.graph import Operation
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, need_rank, register, same_dtype
from labkit.core.shapes import Dims, show
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import ShapeError
from labkit.ops.build import apply


def _matmul_shape(c: OpContext) -> list[Dims]:
    a, b = need_rank(c, 0, 2, "A matrix"), need_rank(c, 1, 2, "A matrix")
    rows, inner = reversed(a) if c.attrs["transpose_a"] else a
    other, columns = reversed(b) if c.attrs["transpose_b"] else b
    if inner is not None and other is not None and inner != other:
        raise ShapeError(
            "",
            rule="The columns of a are as many as the rows of b (after transposing where asked)",
            received=f"{show((rows, inner))} times {show((other, columns))}",
        )
    return [(rows, columns)]


def _matmul_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    a, b = op.inputs
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    da = matmul(b, g, transpose_a=tb, transpose_b=True) if ta else matmul(g, b, transpose_b=not tb)
    db = matmul(g, a, transpose_a=True, transpose_b=ta) if tb else matmul(a, g, transpose_a=not ta)
    return [da, db]


def _matmul_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for m, k, n in ((1, 1, 1), (3, 4, 5), (7, 17, 9), (33, 16, 31)):
        for ta, tb in ((False, False), (True, False), (False, True), (True, True)):
            a = rng.normal(size=(k, m) if ta else (m, k))
            b = rng.normal(size=(n, k) if tb else (k, n))
            cases.append(Sample([a, b], {"transpose_a": ta, "transpose_b": tb}))
    return cases


register(
    OpDef(
        name="MatMul",
        inputs=("a", "b"),
        outputs=("product",),
        kernel="matmul",
        dtypes=same_dtype(dt.FLOATS),
        attrs={"transpose_a": Attr("bool", False), "transpose_b": Attr("bool", False)},
        shapes=_matmul_shape,
        gradient=_matmul_gradient,
        samples=_matmul_samples,
        reference=lambda a, b, transpose_a, transpose_b: (a.T if transpose_a else a) @ (b.T if transpose_b else b),
        doc="The product of two matrices, each transposed first where asked.",
    )
)


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None) -> Tensor:
    """The product of two matrices.

    Args:
        a: shape (m, k), or (k, m) when transposed; float32 or float64.
        b: shape (k, n), or (n, k) when transposed; of a's dtype.

    Returns:
        Shape (m, n).

    Raises:
        ShapeError: the inner dimensions differ, or an operand is no matrix.
    """
    return apply("MatMul", to_tensors(a, b), {"transpose_a": transpose_a, "transpose_b": transpose_b}, name)


OPERATORS.update(matmul=matmul)
