"""Systems of linear equations, inverses and determinants, by LAPACK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dims, broadcast, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops import lapack
from labkit.ops.build import apply
from labkit.ops.diagonal import matrix_band_part
from labkit.ops.matmul import matmul, need_matrices
from labkit.ops.rules import same_dtype
from labkit.ops.shape import expand_dims

_INVERTIBLE = "Each matrix is invertible"


def need_square(dims: Dims) -> tuple[Dims, int | None]:
    """The dimensions before the last two, and the size of the square matrices.

    Raises:
        ShapeError: the matrices are not square.
    """
    before, rows, columns = need_matrices(dims)
    if rows is not None and columns is not None and rows != columns:
        raise ShapeError("", rule="A matrix has as many rows as columns", received=show(dims))
    return before, columns if rows is None else rows


def square_shape(c: OpContext) -> list[Dims]:
    """Shape rule: square matrices of the input's size."""
    before, n = need_square(c.dims[0])
    return [None if before is None else (*before, n, n)]


def _number_each(c: OpContext) -> list[Dims]:
    return [need_square(c.dims[0])[0]]


def _solved_shape(c: OpContext) -> list[Dims]:
    before, n = need_square(c.dims[0])
    before_rhs, rows, columns = need_matrices(c.dims[1], "The right-hand side")
    if n is not None and rows is not None and n != rows:
        raise ShapeError(
            "",
            rule="The right-hand side has as many rows as the matrix",
            received=f"{show(c.dims[0])} and {show(c.dims[1])}",
        )
    before = broadcast(before, before_rhs)
    return [None if before is None else (*before, rows if n is None else n, columns)]


def _adjoint(x: np.ndarray, adjoint: bool) -> np.ndarray:
    return np.swapaxes(x, -1, -2) if adjoint else x


def regular(rng: np.random.Generator, *dims: int) -> np.ndarray:
    """Matrices that are far from singular, for samples."""
    return rng.normal(size=dims) / 2 + (2 + np.arange(dims[-1]) / 4) * np.eye(dims[-1])


# --- inverse ---


def _inverse_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    y = op.outputs[0]
    if op.attrs["adjoint"]:
        return [-matmul(matmul(y, g, transpose_b=True), y)]
    return [-matmul(matmul(y, g, transpose_a=True), y, transpose_b=True)]


register(
    OpDef(
        name="MatrixInverse",
        inputs=("matrix",),
        attrs={"adjoint": Attr("bool", False)},
        host=lapack.host(lambda a, adjoint: np.linalg.inv(_adjoint(a, adjoint)), _INVERTIBLE, kept=(2,)),
        dtypes=same_dtype(dt.FLOATS),
        shapes=square_shape,
        gradient=_inverse_gradient,
        reference=lambda a, adjoint: np.linalg.inv(_adjoint(a, adjoint)),
        samples=lambda rng: [
            Sample([regular(rng, *dims)], {"adjoint": adjoint})
            for dims in ((3, 3), (1, 1), (2, 7, 7), (17, 17), (2, 0, 0), (0, 3, 3))
            for adjoint in (False, True)
        ],
        formula="y = A^-1, dA = -y^T dy y^T",
        source="M. Giles, An extended collection of matrix derivative results (2008), section 2.2.3",
        doc="The inverses of square matrices, of their transposes where `adjoint` is set. A singular matrix is an error; one "
        "that holds NaN or infinity gives NaN.",
    )
)


# --- solving ---


def _solve_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    (a, _), x, adjoint = op.inputs, op.outputs[0], op.attrs["adjoint"]
    db = matrix_solve(a, g, adjoint=not adjoint)
    return [-matmul(x, db, transpose_b=True) if adjoint else -matmul(db, x, transpose_b=True), db]


def _solve_samples(rng: np.random.Generator, attrs: Sequence[dict[str, bool]]) -> list[Sample]:
    shapes = (((3, 3), (3, 2)), ((1, 1), (1, 1)), ((2, 3, 3), (3, 2)), ((4, 4), (2, 4, 1)), ((7, 7), (7, 17)))
    return [
        Sample([regular(rng, *a), rng.normal(size=b)], each)
        for a, b in (*shapes, ((2, 1, 3, 3), (2, 3, 1)), ((0, 0), (0, 2)), ((3, 3), (3, 0)))
        for each in attrs
    ]


register(
    OpDef(
        name="MatrixSolve",
        inputs=("matrix", "rhs"),
        attrs={"adjoint": Attr("bool", False)},
        host=lapack.host(lambda a, b, adjoint: np.linalg.solve(_adjoint(a, adjoint), b), _INVERTIBLE, kept=(2,)),
        dtypes=same_dtype(dt.FLOATS),
        shapes=_solved_shape,
        gradient=_solve_gradient,
        reference=lambda a, b, adjoint: np.linalg.solve(_adjoint(a, adjoint), b),
        samples=lambda rng: _solve_samples(rng, [{"adjoint": False}, {"adjoint": True}]),
        formula="y = A^-1 B, dB = A^-T dy, dA = -dB y^T",
        source="M. Giles, An extended collection of matrix derivative results (2008), section 2.3.1",
        doc="The solutions y of A y = B, or of A^T y = B where `adjoint` is set, for square matrices A; dimensions before the "
        "last two are broadcast. A singular A is an error; one that holds NaN or infinity gives NaN.",
    )
)


def _triangular_gradient(op: Operation, g: Tensor) -> list[Tensor]:
    (a, _), x = op.inputs, op.outputs[0]
    lower, adjoint = op.attrs["lower"], op.attrs["adjoint"]
    db = triangular_solve(a, g, lower=lower, adjoint=not adjoint)
    da = -matmul(x, db, transpose_b=True) if adjoint else -matmul(db, x, transpose_b=True)
    return [_triangle(da, lower), db]


def _triangle(x: Tensor, lower: bool) -> Tensor:
    return matrix_band_part(x, -1, 0) if lower else matrix_band_part(x, 0, -1)


register(
    OpDef(
        name="MatrixTriangularSolve",
        inputs=("matrix", "rhs"),
        attrs={"lower": Attr("bool", True), "adjoint": Attr("bool", False)},
        host=lapack.host(lapack.triangular, "No diagonal holds a zero"),
        dtypes=same_dtype(dt.FLOATS),
        shapes=_solved_shape,
        gradient=_triangular_gradient,
        reference=lapack.triangular,  # of an ill-conditioned matrix every other order of sums gives other numbers
        samples=lambda rng: _solve_samples(
            rng, [{"lower": lower, "adjoint": adjoint} for lower in (True, False) for adjoint in (False, True)]
        ),
        formula="y = A^-1 B, dB = A^-T dy, dA = the triangle of -dB y^T",
        source="M. Giles, An extended collection of matrix derivative results (2008), section 2.3.1",
        doc="The solutions y of A y = B, or of A^T y = B where `adjoint` is set, where A is a triangle of the given square "
        "matrices, the lower one by default; the other triangle is not read. Dimensions before the last two are broadcast. A "
        "zero on the diagonal is an error; NaN and infinity go where the substitution takes them.",
    )
)


# --- determinants ---


def _of_each(x: Tensor) -> Tensor:
    """A number for each matrix, as matrices of one row and one column."""
    return expand_dims(x, [-2, -1])


def _slogdet_gradient(op: Operation, sign: Tensor | None, log: Tensor | None) -> list[Tensor | None]:
    return [None if log is None else _of_each(log) * matrix_inverse(op.inputs[0], adjoint=True)]


def _square_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample([regular(rng, *dims)]) for dims in ((3, 3), (1, 1), (2, 3, 3), (7, 7), (2, 0, 0), (0, 3, 3))]


register(
    OpDef(
        name="MatrixDeterminant",
        inputs=("matrix",),
        host=lapack.host(np.linalg.det, "", kept=(0,)),
        dtypes=same_dtype(dt.FLOATS),
        shapes=_number_each,
        gradient=lambda op, g: [_of_each(g * op.outputs[0]) * matrix_inverse(op.inputs[0], adjoint=True)],
        reference=np.linalg.det,
        samples=_square_samples,
        formula="y = det A, dA = y A^-T dy",
        source="M. Giles, An extended collection of matrix derivative results (2008), section 2.2.4",
        doc="The determinants of square matrices; NaN where one holds NaN or infinity. Its gradient is computed with the "
        "inverse: where the matrix is singular, asking for the gradient is an error.",
    )
)
register(
    OpDef(
        name="LogMatrixDeterminant",
        inputs=("matrix",),
        outputs=("sign", "log_abs_determinant"),
        host=lapack.host(lambda a: tuple(np.linalg.slogdet(a)), "", kept=(0, 0)),
        dtypes=lambda inputs, attrs: 2 * list(same_dtype(dt.FLOATS)(inputs, attrs)),
        shapes=lambda c: 2 * _number_each(c),
        gradient=_slogdet_gradient,
        reference=lambda a: tuple(np.linalg.slogdet(a)),
        samples=_square_samples,
        formula="det A = sign e^log_abs_determinant, dA = A^-T d log_abs_determinant",
        source="M. Giles, An extended collection of matrix derivative results (2008), section 2.2.4",
        doc="The signs (-1, 0 or 1) of the determinants of square matrices, and the logarithms of their sizes: -infinity where "
        "a matrix is singular, and there the gradient is an error; NaN where it holds NaN or infinity.",
    )
)


# --- functions --------------------------------------------------------------------------------------------------------


def matrix_inverse(x: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices (..., n, n), of their transposes when `adjoint`; float32 or float64.

    To solve equations use `lk.linalg.solve`: it is quicker and more accurate than multiplying with an inverse.

    Raises:
        ShapeError: the matrices are not square.
        InvalidArgumentError: when run, a matrix is singular.
    """
    return apply("MatrixInverse", [to_tensor(x)], {"adjoint": adjoint}, name)


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The solutions y of `matrix y = rhs`, or of `matrix^T y = rhs` when `adjoint`.

    Args:
        matrix: (..., n, n); float32 or float64.
        rhs: (..., n, m) of the same dtype; dimensions before the last two are broadcast.

    Returns:
        Shape (..., n, m).

    Raises:
        ShapeError: the matrices are not square, or rhs has another number of rows.
        InvalidArgumentError: when run, a matrix is singular.
    """
    return apply("MatrixSolve", to_tensors(matrix, rhs), {"adjoint": adjoint}, name)


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """As `solve`, for the lower or upper triangle of `matrix`; the other triangle is not read.

    Raises:
        ShapeError: the matrices are not square, or rhs has another number of rows.
        InvalidArgumentError: when run, a diagonal holds a zero.
    """
    return apply("MatrixTriangularSolve", to_tensors(matrix, rhs), {"lower": lower, "adjoint": adjoint}, name)


def matrix_determinant(x: Any, name: str | None = None) -> Tensor:
    """The determinants (...) of square matrices (..., n, n); float32 or float64. See `slogdet` for large matrices, whose
    determinants overflow.

    Raises:
        ShapeError: the matrices are not square.
    """
    return apply("MatrixDeterminant", [to_tensor(x)], name=name)


def slogdet(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The signs of the determinants (...) of square matrices (..., n, n), and the logarithms of their sizes.

    Raises:
        ShapeError: the matrices are not square.
    """
    matrix = to_tensor(x)
    sign, log = matrix.graph.apply("LogMatrixDeterminant", [matrix], {}, name).outputs
    return sign, log
