"""Cholesky's factor of symmetric positive definite matrices, and what it solves; by LAPACK."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops import lapack
from labkit.ops.broadcast import ones_like
from labkit.ops.build import apply, scoped
from labkit.ops.diagonal import matrix_band_part, matrix_diag, matrix_diag_part, matrix_transpose
from labkit.ops.elementwise import log
from labkit.ops.matmul import matmul
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import same_dtype
from labkit.ops.shape import stop_gradient
from labkit.ops.solve import square_shape, triangular_solve


def _gradient(op: Operation, g: Tensor) -> list[Tensor]:
    # With Phi(X) the lower triangle of X with half its diagonal: P = Phi(L^T dL), S = L^-T P L^-1, dA = (S + S^T) / 2.
    # P + P^T is made first, from L^T dL and its transpose, so that no more than one transpose is needed.
    factor, g = op.outputs[0], matrix_band_part(g, -1, 0)
    m = matmul(factor, g, transpose_a=True)
    both = matrix_band_part(m, -1, 0) + matrix_band_part(matmul(g, factor, transpose_a=True), 0, -1)
    both = both - matrix_band_part(m, 0, 0)
    half = triangular_solve(factor, both, adjoint=True)
    return [0.5 * triangular_solve(factor, matrix_transpose(half), adjoint=True)]


def positive_definite(rng: np.random.Generator, *dims: int) -> np.ndarray:
    """Symmetric positive definite matrices, for samples."""
    x = rng.normal(size=dims)
    return x @ np.swapaxes(x, -1, -2) / dims[-1] + np.eye(dims[-1]) if dims[-1] else x


register(
    OpDef(
        name="Cholesky",
        inputs=("matrix",),
        outputs=("factor",),
        host=lapack.host(
            lambda a: np.linalg.cholesky(lapack.symmetric(a)), "Each matrix is positive definite", kept=(2,)
        ),
        dtypes=same_dtype(dt.FLOATS),
        shapes=square_shape,
        gradient=_gradient,
        reference=lambda a: np.linalg.cholesky((a + np.swapaxes(a, -1, -2)) / 2),
        samples=lambda rng: [
            Sample([positive_definite(rng, *dims)])
            for dims in ((3, 3), (1, 1), (2, 3, 3), (7, 7), (17, 17), (2, 0, 0), (0, 3, 3))
        ],
        formula="A = L L^T",
        source="I. Murray, Differentiation of the Cholesky decomposition (2016), equations 9 and 10",
        doc="The lower triangular factors L with positive diagonals of symmetric positive definite matrices A = L L^T. Of a "
        "matrix that is not symmetric its symmetric part (A + A^T) / 2 is taken, which makes the gradient symmetric. A matrix "
        "that is not positive definite is an error; one that holds NaN or infinity gives NaN.",
    )
)


def cholesky(x: Any, name: str | None = None) -> Tensor:
    """The lower triangular factors L of symmetric positive definite matrices L L^T, shape (..., n, n); float32 or float64.
    Of a matrix that is not symmetric the symmetric part is taken.

    Raises:
        ShapeError: the matrices are not square.
        InvalidArgumentError: when run, a matrix is not positive definite.
    """
    return apply("Cholesky", [to_tensor(x)], name=name)


@scoped("cholesky_solve")
def cholesky_solve(factor: Any, rhs: Any, name: str | None = None) -> Tensor:
    """The solutions y of `L L^T y = rhs`, where `factor` holds the lower triangular L that `cholesky` gives.

    Args:
        factor: (..., n, n); float32 or float64.
        rhs: (..., n, m) of the same dtype; dimensions before the last two are broadcast.

    Raises:
        ShapeError: the matrices are not square, or rhs has another number of rows.
        InvalidArgumentError: when run, a diagonal of the factor holds a zero.
    """
    left, right = to_tensors(factor, rhs)
    return triangular_solve(left, triangular_solve(left, right), adjoint=True, name=name)


@scoped("logdet")
def logdet(x: Any, name: str | None = None) -> Tensor:
    """The logarithms of the determinants of symmetric positive definite matrices (..., n, n): twice the sum of the logarithms
    of the diagonal of Cholesky's factor.

    Raises:
        ShapeError: the matrices are not square.
        InvalidArgumentError: when run, a matrix is not positive definite.
    """
    return reduce_sum(2 * log(matrix_diag_part(cholesky(x))), -1, name=name)


def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, name: str | None = None) -> Tensor:
    """The y that minimises |matrix y - rhs|^2 + l2_regularizer |y|^2, column by column of rhs.

    Solved by Cholesky's factor of the normal equations matrix^T matrix + l2_regularizer I; where the matrix has fewer rows
    than columns by those of its transpose, which gives the shortest y. The squares double the digits that a matrix close to
    lower rank loses: in float32 a condition number above 1,000 leaves none.

    Args:
        matrix: (..., m, n), of full rank unless there is a regularizer; float32 or float64. Where m and n are unknown while
            the graph is built, m >= n is taken for granted.
        rhs: (..., m, k) of the same dtype; dimensions before the last two are broadcast.

    Returns:
        Shape (..., n, k).

    Raises:
        ShapeError: rhs has another number of rows.
        InvalidArgumentError: when run, the normal equations turn out not to be positive definite: the matrix has not full
            rank. Rounding can hide that; a regularizer makes the answer unique in any case.
    """
    a, b = to_tensors(matrix, rhs)
    if any(x.dims is not None and len(x.dims) < 2 for x in (a, b)):
        raise ShapeError(
            "lk.linalg.lstsq takes matrices",
            rule="matrix is (..., m, n) and rhs (..., m, k)",
            received=f"{show(a.dims)} and {show(b.dims)}",
            fix="Write rhs[:, None] for one column.",
        )
    with a.graph.name_scope(name or "matrix_solve_ls"):
        rows, columns = (a.dims or (None, None))[-2:]
        tall = rows is None or columns is None or rows >= columns
        normal = matmul(a, a, transpose_a=tall, transpose_b=not tall)
        unit = stop_gradient(matrix_diag(ones_like(matrix_diag_part(normal))))
        factor = cholesky(normal + l2_regularizer * unit)
        if tall:
            return cholesky_solve(factor, matmul(a, b, transpose_a=True))
        return matmul(a, cholesky_solve(factor, b), transpose_a=True)
