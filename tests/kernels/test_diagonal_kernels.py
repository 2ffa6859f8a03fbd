"""Diagonals and bands of matrices, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
SHAPES = [
    (1, 1),
    (3, 5),
    (5, 3),
    (4, 1),
    (1, 4),
    (2, 3, 3),
    (3, 2, 17, 9),
    (300, 7, 7),
    (200, 210),
    (5, 40000),
    (40000, 3),
]


def numbered(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) % 251 + 1).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrix_diag(kernels, dtype):
    for shape in [(1,), (7,), (2, 3), (3, 2, 17), (300, 5), (400,)]:
        x = numbered(shape, dtype)
        expected = x[..., None] * np.eye(shape[-1], dtype=dtype)
        np.testing.assert_array_equal(
            kernels("matrix_diag", [x], [((*shape, shape[-1]), dtype)], [shape[-1]])[0], expected
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrix_diag_part_and_set_diag(kernels, dtype):
    for shape in SHAPES:
        x, (rows, columns) = numbered(shape, dtype), shape[-2:]
        place = np.arange(min(rows, columns))
        diagonal = x[..., place, place]
        part = kernels("matrix_diag_part", [x], [(diagonal.shape, dtype)], [rows, columns])[0]
        np.testing.assert_array_equal(part, diagonal)
        other = numbered(diagonal.shape, dtype)[..., ::-1]
        expected = x.copy()
        expected[..., place, place] = other
        y = kernels("matrix_set_diag", [x, np.ascontiguousarray(other)], [(shape, dtype)], [rows, columns])[0]
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrix_band_part(kernels, dtype):
    for shape in SHAPES:
        x = numbered(shape, dtype)
        row, column = np.ogrid[: shape[-2], : shape[-1]]
        for lower, upper in [(0, 0), (1, 2), (-1, 0), (0, -1), (-1, -1), (2, 2**63 - 1), (-(2**63), 1), (100, 3)]:
            kept = ((lower < 0) | (row - column <= lower)) & ((upper < 0) | (column - row <= upper))
            y = kernels("matrix_band_part", [x], [(shape, dtype)], [lower, upper])[0]
            np.testing.assert_array_equal(y, np.where(kept, x, np.zeros((), dtype)))


def test_not_even_nan_passes_outside_a_band(kernels):
    x = np.full((3, 3), np.nan, np.float32)
    y = kernels("matrix_band_part", [x], [(x.shape, np.float32)], [0, 0])[0]
    np.testing.assert_array_equal(y, np.where(np.eye(3, dtype=bool), np.nan, 0))
