"""Reductions against NumPy in float64, and the promise that a sum's bits depend on the reduced elements alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

REALS = [np.float32, np.float64]
NUMBERS = [*REALS, np.int32, np.int64]
ORACLES = {
    "reduce_sum": np.sum,
    "reduce_mean": np.mean,
    "reduce_prod": np.prod,
    "reduce_max": np.max,
    "reduce_min": np.min,
}
OF_REALS = {
    "euclidean_norm": lambda x, axis: np.sqrt(np.sum(x**2, axis=axis)),
    "l2_loss": lambda x, axis: np.sum(x**2, axis=axis) / 2,
}
SHAPES = [(), (1,), (17,), (3, 5), (5, 70), (70, 5), (2, 3, 4), (4, 1, 33, 2), (2, 3, 2, 3, 2)]


def numbers(dtype: type, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0 if dtype is np.uint8 else -100, 100, shape, dtype)


def reduced(kernels, name: str, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    shape = [n for d, n in enumerate(x.shape) if d not in axes]
    return kernels(name, [x], [(shape, x.dtype)], axes)[0]


def every_choice(rank: int):
    return itertools.chain.from_iterable(itertools.combinations(range(rank), n) for n in range(rank + 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_choice_of_axes(kernels, shape):
    for name, oracle in {**ORACLES, **OF_REALS}.items():
        for dtype in REALS if name in OF_REALS else [*NUMBERS, np.uint8]:
            x = numbers(dtype, shape)
            for axes in every_choice(len(shape)):
                wide = x.astype(np.float64) if np.dtype(dtype).kind == "f" else x
                with np.errstate(over="ignore"):
                    expected = oracle(wide, axis=axes)
                expected = np.asarray(expected).astype(
                    dtype if wide is x else np.float64
                )  # whole means lose their fraction
                tolerance = 1e-5 if dtype is np.float32 else 1e-13
                np.testing.assert_allclose(reduced(kernels, name, x, axes), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 1023, 1024, 1025, 5000])
def test_sums_are_accurate_at_any_length(kernels, length):
    """|error| <= 2^-23 * (64 + 6) * sum |x|: 64 additions in a lane, 4 to join lanes, and the final rounding."""
    for shape, axis in [((length,), 0), ((length, 3), 0), ((3, length), 1), ((2, length, 5), 1)]:
        x = numbers(np.float32, shape) + np.float32(0.5)
        exact, size = x.astype(np.float64).sum(axis), np.abs(x.astype(np.float64)).sum(axis)
        assert (np.abs(reduced(kernels, "reduce_sum", x, (axis,)) - exact) <= 70 * 2.0**-24 * size).all()


def test_long_sum_keeps_six_digits(kernels):
    x = np.full(3_000_000, 0.1, np.float32)
    assert abs(reduced(kernels, "reduce_sum", x, (0,)) / (3_000_000 * float(np.float32(0.1))) - 1) < 1e-6


@pytest.mark.parametrize("length", [1, 9, 16, 100, 1024, 2500])
@pytest.mark.parametrize("name", ["reduce_sum", "reduce_mean", "reduce_prod", "euclidean_norm", "l2_loss"])
def test_bits_depend_on_the_reduced_elements_alone(kernels, name, length):
    for dtype in REALS:
        row = numbers(dtype, (length,))
        alone = reduced(kernels, name, row, (0,)).tobytes()
        for others in (2, 7, 300):
            matrix = numbers(dtype, (others, length), 1)
            matrix[others // 2] = row
            assert reduced(kernels, name, matrix, (1,))[others // 2].tobytes() == alone
            columns = np.ascontiguousarray(matrix.T)
            assert reduced(kernels, name, columns, (0,))[others // 2].tobytes() == alone
            both = np.ascontiguousarray(np.stack([columns, columns]))
            assert reduced(kernels, name, both, (1,))[1, others // 2].tobytes() == alone
        if length % 4 == 0:
            block = np.ascontiguousarray(np.broadcast_to(row.reshape(4, 1, -1), (4, 3, length // 4)))
            assert reduced(kernels, name, block, (0, 2))[1].tobytes() == alone


def test_sums_have_the_same_bits_on_every_target(all_kernels):
    for shape, axes in [((4000,), (0,)), ((3000, 70), (0,)), ((70, 300), (1,)), ((20, 30, 40), (0, 2))]:
        x = numbers(np.float32, shape)
        assert len({reduced(k, "reduce_sum", x, axes).tobytes() for k in all_kernels}) == 1


def test_integer_sums_wrap(kernels):
    for dtype in (np.int32, np.int64):
        x = np.full(2100, np.iinfo(dtype).max, dtype)
        assert reduced(kernels, "reduce_sum", x, (0,)) == np.sum(x, dtype=dtype)


def test_whole_means_do_not_wrap(kernels):
    for dtype in (np.int32, np.uint8):
        x = np.full((3, 2100), np.iinfo(dtype).max, dtype)
        assert (reduced(kernels, "reduce_mean", x, (1,)) == np.iinfo(dtype).max).all()
    assert reduced(kernels, "reduce_mean", np.array([-7, 2], np.int64), (0,)) == -2


def test_products_and_norms_pass_through_numbers_beyond_float32(kernels):
    x = np.array([1e30, 1e30, 1e-30, 1e-30] * 5, np.float32)
    np.testing.assert_allclose(reduced(kernels, "reduce_prod", x, (0,)), 1, rtol=1e-5)
    np.testing.assert_allclose(reduced(kernels, "euclidean_norm", np.array([3e30, 4e30], np.float32), (0,)), 5e30)
    np.testing.assert_allclose(reduced(kernels, "euclidean_norm", np.array([3e-30, 4e-30], np.float32), (0,)), 5e-30)


@pytest.mark.parametrize("rows", [1, 5, 15, 16, 17, 63, 64, 65, 130, 1090])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 65, 255, 256, 257, 600])
def test_columns_have_the_bits_of_rows(kernels, rows, width):
    """Whatever way through memory a reduction takes: rows alone or side by side, short ones, columns with or without gaps."""
    for dtype in (np.float32, np.float64, np.int32):
        x = numbers(dtype, (rows, width))
        turned = np.ascontiguousarray(x.T)
        wider = np.zeros((2, rows, width + 3), dtype)
        wider[..., :width] = x
        for name in ("reduce_sum", "reduce_max", "reduce_prod"):
            if name == "reduce_prod" and dtype is np.int32:
                continue
            columns = reduced(kernels, name, x, (0,))
            assert columns.tobytes() == reduced(kernels, name, turned, (1,)).tobytes(), name
            with_gaps = reduced(kernels, name, wider, (1,))
            assert columns.tobytes() == np.ascontiguousarray(with_gaps[0, :width]).tobytes(), name


@pytest.mark.parametrize("shape", SHAPES)
def test_variance_about_given_means(kernels, shape):
    for dtype in REALS:
        x = numbers(dtype, shape) + dtype(1000)
        for axes in every_choice(len(shape)):
            mean = np.asarray(np.mean(x.astype(np.float64), axis=axes)).astype(dtype)
            kept = np.mean(x, axis=axes, keepdims=True).shape
            expected = np.mean((x.astype(np.float64) - mean.reshape(kept)) ** 2, axis=axes)
            (result,) = kernels("variance", [x, mean], [(mean.shape, dtype)], axes)
            np.testing.assert_allclose(result, expected, rtol=1e-6 if dtype is np.float32 else 1e-13)


def test_variance_of_long_rows_and_columns_agree(kernels):
    x = numbers(np.float32, (3, 5000))
    mean = x.mean(axis=1)
    (rows,) = kernels("variance", [x, mean], [((3,), np.float32)], [1])
    (columns,) = kernels("variance", [np.ascontiguousarray(x.T), mean], [((3,), np.float32)], [0])
    assert rows.tobytes() == columns.tobytes()


def test_extremes_pass_nan_on(kernels):
    for dtype in REALS:
        for place in (0, 3, 16, 40, 99):
            x = numbers(dtype, (3, 100))
            x[1, place] = np.nan
            x[2, place] = np.inf
            for name in ("reduce_max", "reduce_min"):
                for array, axis in ((x, 1), (np.ascontiguousarray(x.T), 0)):
                    np.testing.assert_array_equal(reduced(kernels, name, array, (axis,)), ORACLES[name](x, axis=1))


def test_over_nothing(kernels):
    x = np.empty((3, 0, 2), np.float32)
    np.testing.assert_array_equal(reduced(kernels, "reduce_sum", x, (1,)), np.zeros((3, 2)))
    assert np.isnan(reduced(kernels, "reduce_mean", x, (1,))).all()
    np.testing.assert_array_equal(reduced(kernels, "reduce_max", x, (0, 1)), [-np.inf, -np.inf])
    np.testing.assert_array_equal(reduced(kernels, "reduce_min", x.astype(np.int32), (1,)), np.full((3, 2), 2**31 - 1))
    empty = np.empty((0, 4), np.bool_)
    assert reduced(kernels, "reduce_all", empty, (0,)).all()
    assert not reduced(kernels, "reduce_any", empty, (0,)).any()


def test_all_and_any(kernels):
    rng = np.random.default_rng(0)
    for shape in [(), (1,), (100,), (40, 33), (3, 2000), (2000, 3), (4, 5, 6)]:
        for density in (0.02, 0.98):
            x = rng.random(shape) < density
            for axes in every_choice(len(shape)):
                np.testing.assert_array_equal(reduced(kernels, "reduce_all", x, axes), np.all(x, axis=axes))
                np.testing.assert_array_equal(reduced(kernels, "reduce_any", x, axes), np.any(x, axis=axes))


@pytest.mark.parametrize(("name", "oracle"), [("argmax", np.argmax), ("argmin", np.argmin)])
@pytest.mark.parametrize("dtype", [*NUMBERS, np.uint8])
def test_arg(kernels, name, oracle, dtype):
    rng = np.random.default_rng(0)
    for shape in [(1,), (10,), (37,), (50, 10), (10, 50), (3, 17, 5), (2, 3, 4, 5), (700, 60)]:
        x = rng.integers(0, 6, shape).astype(dtype)  # with ties: the first one counts
        for axis in range(len(shape)):
            expected = oracle(x, axis=axis)
            (result,) = kernels(name, [x], [(expected.shape, np.int64)], [axis])
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("name", "oracle"), [("argmax", np.argmax), ("argmin", np.argmin)])
def test_arg_of_special_values(kernels, name, oracle):
    rng = np.random.default_rng(0)
    for dtype in REALS:
        x = rng.choice(np.array([1, 2, np.inf, -np.inf, np.nan], dtype), (300, 20), p=[0.4, 0.3, 0.14, 0.14, 0.02])
        x[0], x[1], x[2] = np.nan, -np.inf, np.inf
        for array, axis in ((x, 1), (np.ascontiguousarray(x.T), 0)):
            np.testing.assert_array_equal(kernels(name, [array], [((300,), np.int64)], [axis])[0], oracle(x, axis=1))


@pytest.mark.parametrize("length", [1, 15, 16, 127, 128, 131, 1023, 1024, 1025, 5003])
def test_extremes_of_a_row_are_those_of_a_column(kernels, length):
    # also which of two zeros, and which of several NaNs, is found
    random = np.random.default_rng(length)
    x = random.choice(np.array([-0.0, 0.0, -1.0, -2.0], np.float32), (5, length))
    x[2:4, random.integers(length, size=9)] = np.nan
    x[3, 0] = -np.nan
    for name in ("reduce_max", "reduce_min"):
        rows = kernels(name, [x], [((5,), np.float32)], [1])[0]
        columns = kernels(name, [np.ascontiguousarray(x.T)], [((5,), np.float32)], [0])[0]
        assert rows.tobytes() == columns.tobytes()
