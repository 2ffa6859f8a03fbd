"""Linear algebra, `lk.linalg`: the operations on matrices under one name. Each is defined in the module of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.missing_names import missing_in
from labkit.ops.cholesky import cholesky, cholesky_solve, logdet, lstsq
from labkit.ops.contract import outer, tensordot
from labkit.ops.diagonal import (
    diag as tensor_diag,
    diag_part as tensor_diag_part,
    matrix_band_part as band_part,
    matrix_diag as diag,
    matrix_diag_part as diag_part,
    matrix_set_diag as set_diag,
    matrix_transpose,
    trace,
)
from labkit.ops.eigen import qr, self_adjoint_eig, svd
from labkit.ops.einsum import einsum
from labkit.ops.matmul import matmul, matvec
from labkit.ops.norms import norm
from labkit.ops.solve import (
    matrix_determinant as det,
    matrix_inverse as inv,
    matrix_solve as solve,
    slogdet,
    triangular_solve,
)

eigh = self_adjoint_eig

__all__ = [
    "band_part",
    "cholesky",
    "cholesky_solve",
    "det",
    "diag",
    "diag_part",
    "eigh",
    "einsum",
    "inv",
    "logdet",
    "lstsq",
    "matmul",
    "matrix_transpose",
    "matvec",
    "norm",
    "outer",
    "qr",
    "self_adjoint_eig",
    "set_diag",
    "slogdet",
    "solve",
    "svd",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
    "triangular_solve",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # to a type checker a module with __getattr__ has every name
    __getattr__ = missing_in("linalg", __all__)
