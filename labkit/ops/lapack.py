"""LAPACK, by NumPy and SciPy: on one thread, batch by batch, with labkit's errors.

How LAPACK splits its sums depends on its number of threads, so it gets one: results have the same bits for any
LABKIT_NUM_THREADS. (Accelerate on macOS cannot be told so.) NumPy computes float32 in float64 and rounds the result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from labkit.errors import InvalidArgumentError


class _OneThread:
    """Holds the BLAS libraries of this process to one thread; 10 microseconds a time. One caller after the other: for
    OpenBLAS the number of threads is one for the whole process, and may be set by one thread at a time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.libraries: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.lock:
            if self.libraries is None:
                from threadpoolctl import ThreadpoolController

                self.libraries = ThreadpoolController()
            with self.libraries.limit(limits=1, user_api="blas"):
                yield


one_thread = _OneThread()


def host(function: Callable[..., Any], what: str, *, kept: tuple[int, ...] = ()) -> Callable[..., Any]:
    """A host function that calls `function` on one thread.

    Args:
        what: the rule that is broken where LAPACK gives up (LinAlgError).
        kept: for each result how many of its last dimensions belong to one matrix. Where this is given, all results for a
            matrix that holds NaN or infinity are NaN; what LAPACK makes of it would depend on the library.
    """

    def run(matrices: np.ndarray, *others: np.ndarray, **attrs: Any) -> Any:
        dtype = matrices.dtype
        spoilt = ~np.isfinite(matrices).all(axis=(-2, -1)) if kept else np.zeros(matrices.shape[:-2], bool)
        if spoilt.any():
            unit = np.eye(*matrices.shape[-2:], dtype=matrices.dtype)
            matrices = np.where(spoilt[..., None, None], unit, matrices)
        with one_thread(), np.errstate(all="ignore"):
            try:
                results = function(matrices, *others, **attrs)
            except np.linalg.LinAlgError as error:
                *before, rows, columns = matrices.shape
                received = f"{error} (matrices of {rows} x {columns}, {int(np.prod(before))} of them)"
                raise InvalidArgumentError("", rule=what, received=received) from None
        several = tuple(np.asarray(x, dtype) for x in (results if isinstance(results, tuple) else (results,)))
        if spoilt.any():
            several = tuple(_spoil(x, spoilt, n) for x, n in zip(several, kept, strict=True))
        return several

    return run


def _spoil(result: np.ndarray, spoilt: np.ndarray, kept: int) -> np.ndarray:
    return np.where(spoilt.reshape(spoilt.shape + (1,) * kept), result.dtype.type(np.nan), result)


def symmetric(x: np.ndarray) -> np.ndarray:
    """The symmetric part of matrices, in float64; symmetric ones themselves."""
    wide = x.astype(np.float64)
    return wide / 2 + np.swapaxes(wide, -1, -2) / 2


def triangular(matrix: np.ndarray, rhs: np.ndarray, lower: bool, adjoint: bool) -> np.ndarray:
    """The solutions of triangular systems, matrix by matrix.

    Raises:
        LinAlgError: a diagonal holds a zero.
    """
    from scipy.linalg.lapack import dtrtrs

    before = np.broadcast_shapes(matrix.shape[:-2], rhs.shape[:-2])
    left = np.broadcast_to(matrix, before + matrix.shape[-2:]).astype(np.float64)
    right = np.broadcast_to(rhs, before + rhs.shape[-2:]).astype(np.float64)
    result = np.empty_like(right)
    if not result.size:
        return result
    for place in np.ndindex(before):
        # LAPACK counts columns first: what it is given is the transpose, which has the other triangle
        result[place], info = dtrtrs(left[place].T, right[place], lower=not lower, trans=not adjoint)
        if info > 0:
            raise np.linalg.LinAlgError(f"a zero on the diagonal, in row {info - 1}")
    return result
