"""The matmul kernels of every target against NumPy in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from labkit import _native

TARGETS = _native.targets()
DTYPES = {"f32": np.float32, "f64": np.float64}

# Just below, at and above: a vector (2 to 16 lanes), a register tile (4, 6 or 14 rows of two vectors), the rows that are
# multiplied without packing (42), a block (168 rows, 128 or 256 columns), a step of the reduced dimension (128 or 256), where
# a result counts as narrow (up to 4 columns, from 64 terms on) and its chunks (2,048 terms), rows that collide in a cache.
SHAPES = [
    (1, 1, 1),
    (10, 2, 20),
    (3, 7, 15),
    (6, 127, 16),
    (7, 128, 17),
    (13, 129, 31),
    (14, 255, 32),
    (15, 256, 33),
    (28, 257, 65),
    (29, 512, 64),
    (41, 513, 63),
    (42, 61, 48),
    (43, 97, 47),
    (100, 257, 10),
    (111, 64, 127),
    (113, 40, 129),
    (167, 33, 255),
    (168, 17, 256),
    (169, 31, 257),
    (225, 30, 260),
    (5, 600, 64),
    (4, 0, 5),
    (1, 63, 1),
    (7, 64, 1),
    (9, 65, 2),
    (70, 79, 3),
    (67, 130, 4),
    (40, 200, 5),
    (17, 2047, 1),
    (2, 2048, 4),
    (65, 2049, 1),
    (3, 4100, 3),
    (1, 300, 300),
    (30, 1024, 20),
    (60, 1024, 40),
    (20, 50, 1024),
    (60, 50, 1024),
    (1024, 50, 40),
]


# Dimensions before the matrices: equal, broadcast on either side, in the middle, on both.
BATCHES = [
    ((3,), (3,)),
    ((5,), ()),
    ((), (5,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((2, 1, 2), (4, 1)),
    ((300,), (300,)),
    ((4, 2), (4, 1)),
]


def shifted(values: np.ndarray) -> np.ndarray:
    """The same numbers, starting one element after an allocation: aligned to an element only."""
    room = np.empty(values.size + 1, values.dtype)
    room[1:] = values.ravel()
    return room[1:].reshape(values.shape)


def matmul(target: str, dtype: str, a: np.ndarray, b: np.ndarray, ta: int = 0, tb: int = 0) -> np.ndarray:
    shape = (a.shape[1 if ta else 0], b.shape[0 if tb else 1])
    y = shifted(np.full(shape, np.nan, DTYPES[dtype]))
    _native.call_kernel(target, f"matmul.{dtype}", [a, b], [y], [ta, tb])
    return y


def operands(dtype: str, m: int, k: int, n: int, ta: int, tb: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, m, k, n])
    a, b = rng.standard_normal((m, k)).astype(DTYPES[dtype]), rng.standard_normal((k, n)).astype(DTYPES[dtype])
    return shifted(a.T if ta else a), shifted(b.T if tb else b)


def assert_product(y: np.ndarray, a: np.ndarray, b: np.ndarray, ta: int, tb: int) -> None:
    """|error| <= 2 K eps |a| |b|, element by element (Higham, Accuracy and Stability of Numerical Algorithms, 3.5)."""
    left, right = (a.T if ta else a).astype(np.float64), (b.T if tb else b).astype(np.float64)
    bound = 2 * max(left.shape[1], 1) * np.finfo(y.dtype).eps * (np.abs(left) @ np.abs(right))
    error = np.abs(y - left @ right)
    assert (error <= bound).all(), f"error {error.max()} above its bound, shape {y.shape}, K {left.shape[1]}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_products_and_all_transposes(target: str, dtype: str) -> None:
    for (m, k, n), ta, tb in itertools.product(SHAPES, (0, 1), (0, 1)):
        a, b = operands(dtype, m, k, n, ta, tb)
        assert_product(matmul(target, dtype, a, b, ta, tb), a, b, ta, tb)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_random_shapes_one_after_another(target: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    for case in range(40):
        m, k, n = (int(2 ** rng.uniform(0, 8.3)) for _ in range(3))
        ta, tb = (int(flag) for flag in rng.integers(0, 2, 2))
        a, b = operands(dtype, m, k, n, ta, tb, case)
        assert_product(matmul(target, dtype, a, b, ta, tb), a, b, ta, tb)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_a_row_has_the_same_bits_in_any_batch(target: str, dtype: str) -> None:
    for k, n in [(2, 20), (300, 10), (257, 64), (520, 133), (100, 1), (2100, 1), (70, 2), (300, 4), (300, 1024)]:
        for ta, tb in itertools.product((0, 1), (0, 1)):
            a, b = operands(dtype, 230, k, n, ta, tb)
            whole = matmul(target, dtype, a, b, ta, tb)
            for first, rows in [
                (0, 1),
                (3, 4),
                (7, 5),
                (50, 8),
                (9, 43),
                (100, 100),
                (229, 1),
                *((i, i) for i in range(1, 8)),
            ]:
                part = a[:, first : first + rows] if ta else a[first : first + rows]
                again = matmul(target, dtype, np.ascontiguousarray(part), b, ta, tb)
                assert np.array_equal(again, whole[first : first + rows]), (k, n, ta, tb, first, rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", TARGETS)
def test_transposes_have_the_same_bits(target: str, dtype: str) -> None:
    for m, k, n in [
        (120, 300, 70),
        (300, 20, 10),
        (1, 500, 40),
        (50, 1, 20),
        (150, 2100, 1),
        (77, 64, 2),
        (80, 333, 3),
        (9, 90, 4),
    ]:
        a, b = operands(dtype, m, k, n, 0, 0)
        plain = matmul(target, dtype, a, b)
        for ta, tb in [(0, 1), (1, 0), (1, 1)]:
            left, right = np.ascontiguousarray(a.T if ta else a), np.ascontiguousarray(b.T if tb else b)
            assert matmul(target, dtype, left, right, ta, tb).tobytes() == plain.tobytes(), (m, k, n, ta, tb)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_many_blocks_have_the_same_bits_for_any_number_of_threads(kernels, dtype) -> None:
    for (m, k, n), ta, tb in itertools.product(
        [(400, 300, 530), (100, 520, 1030), (2000, 300, 3), (1500, 90, 20)], (0, 1), (0, 1)
    ):
        a = many(dtype, (), *((k, m) if ta else (m, k)), seed=1)
        b = many(dtype, (), *((n, k) if tb else (k, n)), seed=2)
        y = batched(kernels, a, b, ta, tb)  # with one thread and with three
        if dtype == np.int32:
            with np.errstate(over="ignore"):
                np.testing.assert_array_equal(y, (a.T if ta else a) @ (b.T if tb else b))
        else:
            assert_product(y, a, b, ta, tb)


@pytest.mark.parametrize("target", TARGETS)
def test_nan_and_infinity_stay_in_their_row_and_column(target: str) -> None:
    a, b = operands("f32", 20, 40, 35, 0, 0)
    a[3, 5], b[7, 34] = np.nan, np.inf
    y = matmul(target, "f32", a, b)
    assert np.isnan(y[3]).all()
    assert np.isinf(np.delete(y[:, 34], 3)).all()
    assert np.isfinite(np.delete(np.delete(y, 3, 0), 34, 1)).all()


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_written_around_the_result(target: str) -> None:
    for m, n in [(1, 1), (5, 9), (14, 33), (113, 129)]:
        a, b = operands("f32", m, 30, n, 0, 0)
        room = np.full(m * n + 64, 7, np.float32)
        y = room[32 : 32 + m * n].reshape(m, n)
        _native.call_kernel(target, "matmul.f32", [a, b], [y], [0, 0])
        assert (room[:32] == 7).all()
        assert (room[32 + m * n :] == 7).all()


def batched(kernels, a: np.ndarray, b: np.ndarray, ta: int = 0, tb: int = 0) -> np.ndarray:
    before = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*before, a.shape[-1 if ta else -2], b.shape[-2 if tb else -1])
    return kernels("matmul", [a, b], [(shape, a.dtype.type)], [ta, tb])[0]


def many(dtype: type, before: tuple[int, ...], rows: int, columns: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, size=(*before, rows, columns), dtype=dtype, endpoint=True)
    return rng.standard_normal((*before, rows, columns)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize(("before_a", "before_b"), BATCHES)
def test_each_product_of_a_batch_has_the_bits_of_the_product_alone(kernels, dtype, before_a, before_b) -> None:
    for (m, k, n), ta, tb in itertools.product([(3, 5, 4), (17, 300, 33), (1, 2, 1)], (0, 1), (0, 1)):
        a = many(dtype, before_a, *((k, m) if ta else (m, k)), seed=1)
        b = many(dtype, before_b, *((n, k) if tb else (k, n)), seed=2)
        y = batched(kernels, a, b, ta, tb)
        left = np.broadcast_to(a, (*y.shape[:-2], *a.shape[-2:]))
        right = np.broadcast_to(b, (*y.shape[:-2], *b.shape[-2:]))
        for place in list(np.ndindex(y.shape[:-2]))[:: 1 if y.size < 20_000 else 37]:
            assert np.array_equal(y[place], batched(kernels, left[place], right[place], ta, tb))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_integers_wrap(kernels, dtype) -> None:
    for (m, k, n), ta, tb in itertools.product([(3, 5, 4), (15, 300, 35), (130, 17, 70)], (0, 1), (0, 1)):
        a = many(dtype, (2,), *((k, m) if ta else (m, k)), seed=3)
        b = many(dtype, (2,), *((n, k) if tb else (k, n)), seed=4)
        with np.errstate(over="ignore"):
            expected = np.matmul(a.swapaxes(1, 2) if ta else a, b.swapaxes(1, 2) if tb else b)
        np.testing.assert_array_equal(batched(kernels, a, b, ta, tb), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_a_sum_over_nothing_is_zero(kernels, dtype) -> None:
    for ta, tb in itertools.product((0, 1), (0, 1)):
        a = np.zeros((3, 0, 4) if ta else (3, 4, 0), dtype)
        b = np.zeros((1, 5, 0) if tb else (1, 0, 5), dtype)
        np.testing.assert_array_equal(batched(kernels, a, b, ta, tb), np.zeros((3, 4, 5), dtype))


# Sizes of every path: a column, few columns, one and a few rows, small, and blocked with one, two and three steps of K.
EPILOGUE_SHAPES = [
    (1, 1, 1),
    (9, 300, 1),
    (33, 2070, 3),
    (5, 2, 20),
    (1, 300, 200),
    (3, 130, 40),
    (40, 700, 10),
    (130, 520, 65),
    (113, 256, 129),
    (6, 0, 5),
]


def with_epilogue(kernels, a, b, ta, tb, bias, relu) -> np.ndarray:
    """The separate kernels."""
    y = batched(kernels, a, b, ta, tb)
    if bias is not None:
        y = kernels("bias_add", [y, bias], [(y.shape, y.dtype.type)])[0]
    return kernels("relu", [y], [(y.shape, y.dtype.type)])[0] if relu else y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("before_a", "before_b"), [((), ()), ((3,), ()), ((2, 1), (1, 3)), ((60,), (60,))])
def test_an_epilogue_has_the_bits_of_separate_kernels(kernels, dtype, before_a, before_b) -> None:
    rng = np.random.default_rng(6)
    for (m, k, n), ta, tb in itertools.product(EPILOGUE_SHAPES[: 10 if not before_a else 4], (0, 1), (0, 1)):
        a = many(dtype, before_a, *((k, m) if ta else (m, k)), seed=7)
        b = many(dtype, before_b, *((n, k) if tb else (k, n)), seed=8)
        bias = rng.standard_normal(n).astype(dtype)
        y = batched(kernels, a, b, ta, tb)
        a[..., :1, : a.shape[-1] // 9], bias[: n // 7], bias[n // 7 : n // 3] = np.nan, np.inf, -0.0
        for given, relu in [(bias, 0), (None, 1), (bias, 1)]:
            inputs = [a, b] if given is None else [a, b, given]
            fused = kernels("matmul", inputs, [(y.shape, dtype)], [ta, tb, relu])[0]
            assert fused.tobytes() == with_epilogue(kernels, a, b, ta, tb, given, relu).tobytes(), (
                m,
                k,
                n,
                ta,
                tb,
                relu,
            )
        mask = rng.standard_normal(y.shape).astype(dtype)
        mask.reshape(-1)[::5], mask.reshape(-1)[::7], mask.reshape(-1)[::11] = 0, -0.0, np.nan
        fused = kernels("matmul", [a, b, mask], [(y.shape, dtype)], [ta, tb, 2])[0]
        apart = kernels("relu_grad", [batched(kernels, a, b, ta, tb), mask], [(y.shape, dtype)])[0]
        assert fused.tobytes() == apart.tobytes(), (m, k, n, ta, tb)


def test_epilogues_that_do_not_fit_are_refused(kernels) -> None:
    a, b = np.ones((3, 4), np.float32), np.ones((4, 5), np.float32)
    for extra, ints in [
        (np.ones(3, np.float32), [0, 0]),
        (np.ones((1, 5), np.float32), [0, 0]),
        (np.ones(5, np.float64), [0, 0]),
        (np.ones(5, np.float32), [0, 0, 2]),
        (np.ones((3, 5), np.float32), [0, 0, 1]),
        (np.ones((3, 5), np.float32), [0, 0, 3]),
        (None, [0, 0, 2]),
    ]:
        with pytest.raises(ValueError, match="matmul"):
            kernels("matmul", [a, b] if extra is None else [a, b, extra], [((3, 5), np.float32)], ints)
    whole = np.ones((2, 2), np.int32)
    with pytest.raises(ValueError, match="real"):
        kernels("matmul", [whole, whole], [((2, 2), np.int32)], [0, 0, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_has_the_same_bits_whichever_way_the_rows_lie(kernels, dtype):
    rng = np.random.default_rng(0)
    for rows, length in ((300, 5000), (129, 64), (128, 2049)):
        a, b = rng.standard_normal((rows, length)).astype(dtype), rng.standard_normal((length, 1)).astype(dtype)
        (expected,) = kernels("matmul", [a, b], [((rows, 1), dtype)], ints=[0, 0])
        (result,) = kernels("matmul", [np.ascontiguousarray(a.T), b], [((rows, 1), dtype)], ints=[1, 0])
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_allclose(result, a.astype(np.float64) @ b, rtol=0, atol=1e-2 if dtype is np.float32 else 1e-9)
