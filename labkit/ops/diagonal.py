"""Diagonals, bands and transposes of matrices, which are the last two dimensions of a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import Attr, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dim, Dims, compatible, count, is_known, show
from labkit.core.tensor import Tensor
from labkit.errors import ShapeError
from labkit.ops.broadcast import zeros_like
from labkit.ops.build import apply, scoped
from labkit.ops.matmul import need_matrices
from labkit.ops.reduce import reduce_sum
from labkit.ops.rules import same_dtype


def _shorter(rows: Dim, columns: Dim) -> Dim:
    return None if rows is None or columns is None else min(rows, columns)


def _diagonal_dims(dims: Dims) -> Dims:
    before, rows, columns = need_matrices(dims)
    return None if before is None else (*before, _shorter(rows, columns))


def _diag_shape(c: OpContext) -> list[Dims]:
    dims = c.dims[0]
    if dims is not None and not dims:
        raise ShapeError("", rule="A diagonal has at least one dimension", received=show(dims))
    return [None if dims is None else (*dims, dims[-1])]


def _set_diag_shape(c: OpContext) -> list[Dims]:
    wanted = _diagonal_dims(c.dims[0])
    if not compatible(wanted, c.dims[1]):
        raise ShapeError("", rule=f"The diagonal has the shape {show(wanted)}", received=show(c.dims[1]))
    return [c.dims[0]]


def _sides(c: OpContext) -> tuple[list[int], tuple[float, ...]]:
    return [n or 0 for n in (c.dims[0] or ())[-2:]], ()


def _on_diagonal(x: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    result = np.array(x)
    place = np.arange(min(x.shape[-2:]))
    result[..., place, place] = diagonal
    return result


def _matrices(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(size=dims) for dims in ((3, 3), (2, 3, 5), (2, 1, 4, 2), (7, 1), (1, 17), (2, 0, 3))]


register(
    OpDef(
        name="MatrixDiag",
        inputs=("diagonal",),
        kernel="matrix_diag",
        dtypes=same_dtype(dt.ALL),
        shapes=_diag_shape,
        lower=lambda c: ([(c.dims[0] or (0,))[-1] or 0], ()),
        gradient=lambda op, g: [matrix_diag_part(g)],
        reference=lambda diagonal: diagonal[..., None] * np.eye(diagonal.shape[-1]),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((3,), (1,), (2, 17), (2, 3, 4), (2, 0))],
        formula="y[..., i, i] = diagonal[..., i]",
        doc="Square matrices with the given diagonals, and zeros elsewhere.",
    )
)
register(
    OpDef(
        name="MatrixDiagPart",
        inputs=("x",),
        kernel="matrix_diag_part",
        dtypes=same_dtype(dt.ALL),
        shapes=lambda c: [_diagonal_dims(c.dims[0])],
        lower=_sides,
        gradient=lambda op, g: [matrix_set_diag(zeros_like(op.inputs[0]), g)],
        reference=lambda x: np.diagonal(x, axis1=-2, axis2=-1),
        samples=lambda rng: [Sample([x]) for x in _matrices(rng)],
        formula="y[..., i] = x[..., i, i]",
        doc="The diagonals of matrices, as long as their shorter side.",
    )
)
register(
    OpDef(
        name="MatrixSetDiag",
        inputs=("x", "diagonal"),
        kernel="matrix_set_diag",
        dtypes=same_dtype(dt.ALL),
        shapes=_set_diag_shape,
        lower=_sides,
        gradient=lambda op, g: [matrix_set_diag(g, zeros_like(op.inputs[1])), matrix_diag_part(g)],
        reference=_on_diagonal,
        samples=lambda rng: [Sample([x, rng.normal(size=(*x.shape[:-2], min(x.shape[-2:])))]) for x in _matrices(rng)],
        formula="y[..., i, i] = diagonal[..., i], y[..., i, j] = x[..., i, j]",
        doc="Matrices with their diagonals replaced.",
    )
)


def _band(x: np.ndarray, lower: int, upper: int) -> np.ndarray:
    row, column = np.ogrid[: x.shape[-2], : x.shape[-1]]
    return np.where(((lower < 0) | (row - column <= lower)) & ((upper < 0) | (column - row <= upper)), x, 0)


def _same_matrices(c: OpContext) -> list[Dims]:
    need_matrices(c.dims[0])
    return [c.dims[0]]


register(
    OpDef(
        name="MatrixBandPart",
        inputs=("x",),
        attrs={
            "num_lower": Attr("int", low=-(2**63), high=2**63 - 1),
            "num_upper": Attr("int", low=-(2**63), high=2**63 - 1),
        },
        kernel="matrix_band_part",
        dtypes=same_dtype(dt.ALL),
        shapes=_same_matrices,
        gradient=lambda op, g: [matrix_band_part(g, op.attrs["num_lower"], op.attrs["num_upper"])],
        reference=lambda x, num_lower, num_upper: _band(x, num_lower, num_upper),
        samples=lambda rng: [
            Sample([x], {"num_lower": lower, "num_upper": upper})
            for x in _matrices(rng)
            for lower, upper in ((0, 0), (-1, 0), (1, 2), (0, -1))
        ],
        formula="y[..., i, j] = x[..., i, j] where i - j <= num_lower and j - i <= num_upper, else 0",
        doc="Matrices of which num_lower diagonals below the main one and num_upper above it are kept, and zeros elsewhere; a "
        "negative number keeps them all.",
    )
)


def _swapped(c: OpContext) -> list[Dims]:
    before, rows, columns = need_matrices(c.dims[0])
    return [None if before is None else (*before, columns, rows)]


def _swap(c: OpContext) -> tuple[list[int], tuple[float, ...]]:
    rank = len(c.dims[0] or ())
    return [*range(rank - 2), rank - 1, rank - 2], ()


register(
    OpDef(
        name="MatrixTranspose",
        inputs=("x",),
        kernel="transpose",
        dtypes=same_dtype(dt.ALL),
        shapes=_swapped,
        lower=_swap,
        gradient=lambda op, g: [matrix_transpose(g)],
        reference=lambda x: np.swapaxes(x, -1, -2),
        samples=lambda rng: [Sample([x]) for x in _matrices(rng)],
        formula="y[..., i, j] = x[..., j, i]",
        doc="Matrices with rows and columns exchanged, for any number of dimensions before them.",
    )
)


def _tensor_diag_shape(c: OpContext) -> list[Dims]:
    dims = c.dims[0]
    if dims is not None and not 1 <= len(dims) <= 4:
        raise ShapeError("", rule="A diagonal has from 1 to 4 dimensions", received=show(dims))
    return [None if dims is None else (*dims, *dims)]


def _tensor_diag_part_shape(c: OpContext) -> list[Dims]:
    dims = c.dims[0]
    if dims is None:
        return [None]
    half = len(dims) // 2
    if not dims or len(dims) % 2 or not compatible(dims[:half], dims[half:]):
        raise ShapeError("", rule="The second half of the dimensions repeats the first half", received=show(dims))
    return [tuple(n if m is None else m for m, n in zip(dims[:half], dims[half:], strict=True))]


def _elements(dims: Dims) -> int:
    assert is_known(dims)
    return count(dims)  # type: ignore[arg-type]


register(
    OpDef(
        name="Diag",
        inputs=("diagonal",),
        kernel="matrix_diag",
        dtypes=same_dtype(dt.ALL),
        shapes=_tensor_diag_shape,
        lower=lambda c: ([_elements(c.dims[0])], ()),
        gradient=lambda op, g: [diag_part(g)],
        reference=lambda diagonal: np.diag(diagonal.reshape(-1)).reshape(2 * diagonal.shape),
        samples=lambda rng: [Sample([rng.normal(size=dims)]) for dims in ((3,), (1,), (17,), (2, 3), (0,))],
        formula="y[i, ..., k, i, ..., k] = diagonal[i, ..., k]",
        doc="A tensor of twice as many dimensions that holds the given numbers where the second half of the index repeats the "
        "first, and zeros elsewhere; of a vector, a diagonal matrix.",
    )
)
register(
    OpDef(
        name="DiagPart",
        inputs=("x",),
        kernel="matrix_diag_part",
        dtypes=same_dtype(dt.ALL),
        shapes=_tensor_diag_part_shape,
        lower=lambda c: (2 * [_elements(c.out_dims[0])], ()),
        gradient=lambda op, g: [diag(g)],
        reference=lambda x: np.diagonal(x.reshape(2 * [_elements(x.shape[: x.ndim // 2])])).reshape(
            x.shape[: x.ndim // 2]
        ),
        samples=lambda rng: [Sample([rng.normal(size=dims + dims)]) for dims in ((3,), (1,), (17,), (2, 3), (0,))],
        formula="y[i, ..., k] = x[i, ..., k, i, ..., k]",
        doc="The reverse of Diag: the numbers where the second half of the index repeats the first; of a square matrix, its "
        "diagonal.",
    )
)


# --- functions --------------------------------------------------------------------------------------------------------


def matrix_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Square matrices (..., n, n) with the diagonals (..., n), and zeros elsewhere; any dtype.

    Raises:
        ShapeError: diagonal has no dimension.
    """
    return apply("MatrixDiag", [to_tensor(diagonal)], name=name or "diag")


def matrix_diag_part(x: Any, name: str | None = None) -> Tensor:
    """The diagonals (..., min(m, n)) of matrices (..., m, n); any dtype.

    Raises:
        ShapeError: x has fewer than two dimensions.
    """
    return apply("MatrixDiagPart", [to_tensor(x)], name=name or "diag_part")


def matrix_set_diag(x: Any, diagonal: Any, name: str | None = None) -> Tensor:
    """Matrices (..., m, n) whose diagonals are replaced by the given ones (..., min(m, n)); any dtype.

    Raises:
        ShapeError: x has fewer than two dimensions, or the diagonals do not fit.
    """
    return apply("MatrixSetDiag", to_tensors(x, diagonal), name=name or "set_diag")


def matrix_band_part(x: Any, num_lower: int, num_upper: int, name: str | None = None) -> Tensor:
    """Matrices (..., m, n) of which some diagonals are kept, and zeros elsewhere; any dtype.

    Args:
        num_lower: how many diagonals below the main one are kept; a negative number keeps all of them.
        num_upper: how many above it.

    Raises:
        ShapeError: x has fewer than two dimensions.
    """
    return apply("MatrixBandPart", [to_tensor(x)], {"num_lower": num_lower, "num_upper": num_upper}, name)


def matrix_transpose(x: Any, name: str | None = None) -> Tensor:
    """Matrices (..., m, n) with rows and columns exchanged: (..., n, m); any dtype.

    Raises:
        ShapeError: x has fewer than two dimensions.
    """
    return apply("MatrixTranspose", [to_tensor(x)], name=name or "matrix_transpose")


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of shape s + s with `diagonal`, of shape s, where both halves of the index agree; a diagonal matrix of a
    vector. Any dtype.

    Raises:
        ShapeError: diagonal has no dimension, or more than 4.
    """
    return apply("Diag", [to_tensor(diagonal)], name=name)


def diag_part(x: Any, name: str | None = None) -> Tensor:
    """The reverse of `diag`: of a tensor of shape s + s its elements, of shape s, where both halves of the index agree.

    Raises:
        ShapeError: x's dimensions are no sequence that is repeated once.
    """
    return apply("DiagPart", [to_tensor(x)], name=name)


@scoped("Trace")
def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the diagonals of matrices (..., m, n): shape (...); float32, float64, int32 or int64.

    Raises:
        ShapeError: x has fewer than two dimensions.
    """
    return reduce_sum(matrix_diag_part(x), -1, name=name)
