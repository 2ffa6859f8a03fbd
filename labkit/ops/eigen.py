"""Eigenvalues, singular values and orthogonal factors of matrices, by LAPACK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.shapes import Dim, Dims
from labkit.core.tensor import Tensor
from labkit.ops import lapack
from labkit.ops.broadcast import ones_like, zeros_like
from labkit.ops.diagonal import matrix_set_diag, matrix_transpose
from labkit.ops.matmul import matmul, need_matrices
from labkit.ops.rules import same_dtype
from labkit.ops.shape import expand_dims
from labkit.ops.solve import need_square

_CONVERGES = "The iteration for each matrix converges"


def _several(count: int) -> Any:
    def rule(inputs: Sequence[dt.DType], attrs: Any) -> list[dt.DType]:
        return count * list(same_dtype(dt.FLOATS)(inputs, attrs))

    return rule


# --- symmetric matrices ---


def _eig_shape(c: OpContext) -> list[Dims]:
    before, n = need_square(c.dims[0])
    return [None, None] if before is None else [(*before, n), (*before, n, n)]


def _eig_gradient(op: Operation, values: Tensor | None, vectors: Tensor | None) -> list[Tensor]:
    e, v = op.outputs
    inner = zeros_like(v)
    if vectors is not None:
        apart = matrix_set_diag(expand_dims(e, -2) - expand_dims(e, -1), ones_like(e))  # e_j - e_i in row i, column j
        inner = matmul(v, vectors, transpose_a=True) / apart
    inner = matrix_set_diag(inner, zeros_like(e) if values is None else values)
    whole = matmul(matmul(v, inner), v, transpose_b=True)
    return [0.5 * (whole + matrix_transpose(whole))]


def _eigh(a: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.linalg.eigh(lapack.symmetric(a)))


def _apart(rng: np.random.Generator, *dims: int) -> np.ndarray:
    """Matrices whose eigenvalues keep a distance, for samples."""
    x = rng.normal(size=dims) / 8
    return (x + np.swapaxes(x, -1, -2)) / 2 + np.diag(np.arange(dims[-1]) - 1.5)


register(
    OpDef(
        name="SelfAdjointEig",
        inputs=("matrix",),
        outputs=("values", "vectors"),
        host=lapack.host(_eigh, _CONVERGES, kept=(1, 2)),
        dtypes=_several(2),
        shapes=_eig_shape,
        gradient=_eig_gradient,
        reference=lapack.host(_eigh, _CONVERGES, kept=(1, 2)),  # where values meet, vectors are LAPACK's choice
        samples=lambda rng: [Sample([_apart(rng, *dims)]) for dims in ((3, 3), (1, 1), (2, 3, 3), (7, 7), (2, 0, 0))],
        formula="A = V diag(e) V^T",
        source="M. Giles, An extended collection of matrix derivative results (2008), section 3.1",
        doc="The eigenvalues of symmetric matrices in rising order, and eigenvectors of length 1 as the columns of V; their "
        "signs are LAPACK's. Of a matrix that is not symmetric its symmetric part is taken. The gradient of an eigenvector "
        "exists where its eigenvalue differs from all others: elsewhere it is not finite. NaN or infinity in a matrix gives "
        "NaN.",
    )
)


def self_adjoint_eig(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues (..., n) of symmetric matrices (..., n, n) in rising order, and their eigenvectors (..., n, n) as
    columns; float32 or float64. Of a matrix that is not symmetric the symmetric part is taken.

    Raises:
        ShapeError: the matrices are not square.
    """
    matrix = to_tensor(x)
    values, vectors = matrix.graph.apply("SelfAdjointEig", [matrix], {}, name or "SelfAdjointEigV2").outputs
    return values, vectors


# --- any matrices ---


def _shorter(rows: Dim, columns: Dim) -> Dim:
    return None if rows is None or columns is None else min(rows, columns)


def _svd_shape(c: OpContext) -> list[Dims]:
    before, m, n = need_matrices(c.dims[0])
    if before is None:
        return [None, None, None]
    k = _shorter(m, n)
    full = c.attrs["full_matrices"]
    return [(*before, k), (*before, m, m if full else k), (*before, n, n if full else k)]


def _svd(a: np.ndarray, full_matrices: bool) -> tuple[np.ndarray, ...]:
    u, s, vt = np.linalg.svd(a, full_matrices=full_matrices)
    return s, u, np.swapaxes(vt, -1, -2)


def _any_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample([rng.normal(size=dims)], {"full_matrices": full})
        for dims in ((3, 3), (1, 1), (5, 3), (2, 3, 4), (7, 17), (0, 3, 2))
        for full in (False, True)
    ]


register(
    OpDef(
        name="Svd",
        inputs=("matrix",),
        outputs=("s", "u", "v"),
        attrs={"full_matrices": Attr("bool", False)},
        host=lapack.host(_svd, _CONVERGES, kept=(1, 2, 2)),
        dtypes=_several(3),
        shapes=_svd_shape,
        gradient=NotDifferentiable(
            "singular vectors have no derivative where values meet; lk.linalg.self_adjoint_eig of A^T A has one"
        ),
        reference=lapack.host(_svd, _CONVERGES, kept=(1, 2, 2)),  # LAPACK may not come back from NaN
        samples=_any_samples,
        formula="A = U diag(s) V^T",
        doc="The singular values of matrices in falling order, and the left and right singular vectors as columns of U and V: "
        "as many as there are values, or all of them where `full_matrices` is set. NaN or infinity in a matrix gives NaN.",
    )
)


def svd(x: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """The singular value decomposition of matrices (..., m, n); float32 or float64. It has no gradient.

    Args:
        full_matrices: whether u and v are square.
        compute_uv: whether the vectors are wanted.

    Returns:
        (s, u, v) with `x = u diag(s) v^T`: values (..., k) in falling order, k the smaller of m and n, and vectors
        (..., m, k) and (..., n, k); s alone without compute_uv.

    Raises:
        ShapeError: x has fewer than two dimensions.
    """
    matrix = to_tensor(x)
    outputs = matrix.graph.apply("Svd", [matrix], {"full_matrices": full_matrices}, name).outputs
    return tuple(outputs) if compute_uv else outputs[0]


def _qr_shape(c: OpContext) -> list[Dims]:
    before, m, n = need_matrices(c.dims[0])
    if before is None:
        return [None, None]
    k = m if c.attrs["full_matrices"] else _shorter(m, n)
    return [(*before, m, k), (*before, k, n)]


def _qr(a: np.ndarray, full_matrices: bool) -> tuple[np.ndarray, ...]:
    return tuple(np.linalg.qr(a, "complete" if full_matrices else "reduced"))


register(
    OpDef(
        name="Qr",
        inputs=("matrix",),
        outputs=("q", "r"),
        attrs={"full_matrices": Attr("bool", False)},
        host=lapack.host(_qr, _CONVERGES, kept=(2, 2)),
        dtypes=_several(2),
        shapes=_qr_shape,
        gradient=NotDifferentiable(
            "it is not written; for full column rank use Cholesky's factor of A^T A, which has one"
        ),
        reference=lapack.host(_qr, _CONVERGES, kept=(2, 2)),
        samples=_any_samples,
        formula="A = Q R",
        doc="Matrices as products of one with orthogonal columns of length 1 and an upper triangular one; signs are LAPACK's. "
        "NaN or infinity in a matrix gives NaN.",
    )
)


def qr(x: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Matrices (..., m, n) as products q r: q (..., m, k) with orthogonal columns of length 1, r (..., k, n) upper triangular,
    k the smaller of m and n, or m with full_matrices; float32 or float64. It has no gradient.

    Raises:
        ShapeError: x has fewer than two dimensions.
    """
    q, r = to_tensor(x).graph.apply("Qr", [to_tensor(x)], {"full_matrices": full_matrices}, name).outputs
    return q, r
