"""Logic and choice against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

LOGIC = {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}
DTYPES = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
SHAPES = [
    ((), (), ()),
    ((257,), (257,), (257,)),
    ((5, 33), (33,), (5, 1)),
    ((5, 1), (33,), ()),
    ((), (70, 1000), ()),
    ((70, 1000), (), (70, 1000)),
    ((), (), (9,)),
    ((3, 1, 2), (1, 4, 1), (3, 1, 1)),
    ((1,), (0, 3), (3,)),
]


@pytest.mark.parametrize("name", LOGIC)
def test_logic(kernels, name):
    rng = np.random.default_rng(0)
    for left, right in [((), ()), ((257,), (257,)), ((5, 33), (33,)), ((5, 1), (33,)), ((70, 1000), ()), ((), (9,))]:
        a, b = rng.random(left) < 0.5, rng.random(right) < 0.5
        expected = LOGIC[name](a, b)
        np.testing.assert_array_equal(
            kernels(name, [np.asarray(a), np.asarray(b)], [(expected.shape, bool)])[0], expected
        )


def test_not(kernels):
    x = np.random.default_rng(0).random(40000) < 0.5
    np.testing.assert_array_equal(kernels("logical_not", [x], [(x.shape, bool)])[0], ~x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_select(kernels, dtype):
    rng = np.random.default_rng(0)
    name = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "b8"}[
        np.dtype(dtype).name
    ]
    for condition, left, right in SHAPES:
        c = np.asarray(rng.random(condition) < 0.5)
        a, b = (np.asarray(rng.integers(0, 100, shape)).astype(dtype) for shape in (left, right))
        expected = np.where(c, a, b)
        (result,) = kernels(f"select.{name}", [c, a, b], [(expected.shape, dtype)])
        np.testing.assert_array_equal(result, expected)


def test_select_keeps_the_bits_of_a_nan(kernels):
    a = np.full(33, 0x7FC12345, np.uint32).view(np.float32)
    (result,) = kernels("select.f32", [np.ones(33, bool), a, np.zeros(33, np.float32)], [((33,), np.float32)])
    np.testing.assert_array_equal(result.view(np.uint32), a.view(np.uint32))
