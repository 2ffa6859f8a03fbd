"""Initial values that are matrices as a whole: Orthogonal, Identity."""

from __future__ import annotations

import math
from typing import Any

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import ShapeError
from labkit.initializers.base import Initializer


class Orthogonal(Initializer):
    """Columns (or rows, where they are fewer) that are orthogonal and have the length `gain`, drawn evenly from all such
    matrices (Saxe, McClelland and Ganguli 2014): Q of the QR decomposition of normal numbers, signed as the diagonal of R.

    Weights of more dimensions are matrices of the last dimension against all others.

    Args:
        gain: a number.
        seed: None, or a whole number that makes two initializers of the same seed draw the same numbers.

    Raises:
        ShapeError: (when called) the weights have fewer than two dimensions.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = check_number(self, "gain", gain), seed

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        dims = _dims(self, shape, "at least two dimensions", lambda rank: rank >= 2)
        rows, columns = math.prod(dims[:-1]), dims[-1]
        drawn = lk.random.normal(
            (max(rows, columns), min(rows, columns)), 0.0, 1.0, dtype, seed=self.seed if seed is None else seed
        )
        q, r = lk.linalg.qr(drawn)
        q = q * lk.sign(lk.linalg.diag_part(r))
        return lk.reshape(self.gain * (lk.transpose(q) if rows < columns else q), dims)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Raises:
        ShapeError: (when called) the weights are no matrix.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = check_number(self, "gain", gain)

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        rows, columns = _dims(self, shape, "two dimensions", lambda rank: rank == 2)
        return self.gain * lk.eye(rows, columns, dtype=dtype)


def _dims(owner: object, shape: Any, what: str, fits: Any) -> list[int]:
    dims = lk.TensorShape(shape).plain
    if dims is None or None in dims or not fits(len(dims)):
        raise ShapeError(
            f"{type(owner).__name__} cannot make these weights",
            rule=f"They have {what}, all of them known",
            received=f"{shape}",
        )
    return [dim for dim in dims if dim is not None]
