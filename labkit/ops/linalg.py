"""Linear algebra, `lk.linalg`: the operations on matrices under one name. Each is defined in the module of its records."""

from __future__ import annotations

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
from labkit.ops.einsum import einsum
from labkit.ops.matmul import matmul, matvec

__all__ = [
    "band_part",
    "diag",
    "diag_part",
    "einsum",
    "matmul",
    "matrix_transpose",
    "matvec",
    "outer",
    "set_diag",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
]
