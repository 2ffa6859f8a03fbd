"""Orthogonal: a penalty on vectors of weights that point the same way."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.plugins import show


class Orthogonal:
    """penalty = factor · mean over pairs i < j of |vᵢ·vⱼ| / (‖vᵢ‖ ‖vⱼ‖), for the rows or the columns v of a matrix.

    It is 0 where they are orthogonal, whatever their lengths, and `factor` where they are parallel; a vector of zeros
    counts as orthogonal to all, and fewer than two vectors have no pair and no penalty. (Keras's OrthogonalRegularizer;
    on what it is good for: Bansal, Chen and Wang 2018.)

    Args:
        factor: a number from 0 on.
        mode: "rows" or "columns". Of a Dense layer's weights, [inputs, units], "columns" are what the units weigh their
            inputs by.

    Raises:
        InvalidArgumentError: a setting is not allowed.
        ShapeError: (when called) the weights are no matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = check_number(self, "factor", factor, 0.0)
        if mode not in ("rows", "columns"):
            raise InvalidArgumentError(
                "Orthogonal has no such mode", rule='It is "rows" or "columns"', received=f"mode={mode!r}"
            )
        self.mode = mode

    def __call__(self, weights: Any) -> lk.Tensor:
        """The penalty of a variable or tensor [m, n]: a scalar of its dtype."""
        matrix = lk.convert_to_tensor(weights)
        if matrix.shape.rank != 2:
            raise ShapeError(
                "Orthogonal cannot judge these weights",
                rule="They are a matrix",
                received=repr(matrix),
                fix="Reshape them in a regularizer of your own: lambda w: regularizer(lk.reshape(w, [-1, n])).",
            )
        rows = self.mode == "rows"
        unit = lk.nn.l2_normalize(matrix, axis=1 if rows else 0)
        cosines = lk.matmul(unit, unit, transpose_a=not rows, transpose_b=rows)
        others = lk.matrix_set_diag(cosines, lk.zeros_like(lk.matrix_diag_part(cosines)))
        n = lk.cast(lk.shape(cosines)[0], matrix.dtype)
        # each pair stands in the matrix twice
        return self.factor * lk.divide_no_nan(lk.reduce_sum(lk.abs(others)), n * (n - 1.0))

    def __repr__(self) -> str:
        return show(self)
