"""Element-wise kernels: NumPy's values and NumPy's broadcasting, on every target."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native

NUMBERS = [np.float32, np.float64, np.int32, np.int64, np.uint8]
REALS = NUMBERS[:2]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -3.0, 1e30, -1e30, np.inf, -np.inf, np.nan]
LENGTHS = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100]

BINARY = {
    "add": (np.add, NUMBERS),
    "sub": (np.subtract, NUMBERS),
    "mul": (np.multiply, NUMBERS),
    "maximum": (np.maximum, NUMBERS),
    "minimum": (np.minimum, NUMBERS),
    "squared_difference": (lambda a, b: np.square(a - b), NUMBERS),
    "div": (np.divide, REALS),
}
UNARY = {
    "neg": (np.negative, NUMBERS),
    "abs": (np.abs, NUMBERS),
    "square": (np.square, NUMBERS),
    "sign": (np.sign, NUMBERS),
    "sqrt": (np.sqrt, REALS),
    "rsqrt": (lambda x: 1 / np.sqrt(x), REALS),
    "reciprocal": (lambda x: 1 / x, REALS),
    "relu": (lambda x: np.where(x <= 0, x.dtype.type(0), x), REALS),
}
SHAPES = [
    ((), ()),
    ((7,), ()),
    ((), (33,)),
    ((3, 17), (17,)),
    ((3, 17), (3, 1)),
    ((3, 1), (1, 17)),
    ((1,), (5, 4)),
    ((2, 3, 4), (3, 1)),
    ((2, 1, 4), (1, 3, 1)),
    ((4, 1, 3, 1, 2), (5, 1, 6, 1)),
    ((2, 1, 2, 1, 2, 1, 2, 3), (1, 2, 1, 2, 1, 2, 1, 3)),
    ((40000,), (40000,)),
    ((70, 1000), (1000,)),
    ((1000, 70), (1000, 1)),
]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, for the oracles of special values


def numbers(dtype: type, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(-100 if np.iinfo(dtype).min else 0, 100, shape, dtype)


def same(result: np.ndarray, expected: np.ndarray) -> None:
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_binary_broadcasts_like_numpy(kernels, name, left, right):
    function, dtypes = BINARY[name]
    for dtype in dtypes:
        a, b = numbers(dtype, left, 1), numbers(dtype, right, 2)
        expected = np.asarray(function(a, b), dtype)
        (result,) = kernels(name, [a, b], [(expected.shape, dtype)])
        same(result, expected)


@pytest.mark.parametrize("name", BINARY)
def test_binary_of_special_values(kernels, name):
    function, dtypes = BINARY[name]
    for dtype in dtypes:
        if np.dtype(dtype).kind == "f":
            values = np.array(SPECIAL, dtype)
        else:  # wrap around
            info = np.iinfo(dtype)
            values = np.array([0, 1, 7, info.max, info.min, info.max - 1, info.min + 1], dtype)
            values = np.r_[values, -values]
        a, b = (np.ascontiguousarray(v).ravel() for v in np.meshgrid(values, values))
        same(kernels(name, [a, b], [(a.shape, dtype)])[0], function(a, b))


@pytest.mark.parametrize("name", UNARY)
def test_unary(kernels, name):
    function, dtypes = UNARY[name]
    for dtype in dtypes:
        for length in LENGTHS:
            x = numbers(dtype, (length,))
            same(kernels(name, [x], [(x.shape, dtype)])[0], function(x))
        x = np.array(SPECIAL if np.dtype(dtype).kind == "f" else [0, np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
        (result,) = kernels(name, [x], [(x.shape, dtype)])
        same(result, function(x))
        known = x == x
        np.testing.assert_array_equal(np.signbit(result)[known], np.signbit(function(x))[known])


def test_relu_grad(kernels):
    for dtype in REALS:
        dy, y = numbers(dtype, (5, 41), 1), numbers(dtype, (5, 41), 2)
        y[0, :3] = 0, np.nan, np.inf
        same(kernels("relu_grad", [dy, y], [(dy.shape, dtype)])[0], np.where(y > 0, dy, dtype(0)))


def test_bias_add(kernels):
    for dtype in REALS:
        for shape in [(3,), (0, 5), (100, 10), (2, 3, 4, 17), (300, 200)]:
            x, b = numbers(dtype, shape, 1), numbers(dtype, shape[-1:], 2)
            same(kernels("bias_add", [x, b], [(shape, dtype)])[0], x + b)


@pytest.mark.parametrize("name", ["add", "sub", "div", "maximum", "bias_add"])
def test_binary_in_place(kernels, name):
    x, b = numbers(np.float32, (37, 19), 1), numbers(np.float32, (19,), 2)
    expected = x + b if name == "bias_add" else BINARY[name][0](x, b)
    _native.call_kernel(kernels.target, name + ".f32", [x, b], [x])
    same(x, expected)


# ---- functions that are approximated: name -> (float64 oracle, arguments, largest error in units of the last place)

FUNCTIONS = {
    "exp": (np.exp, np.r_[np.linspace(-87, 88.7, 20001), np.linspace(-1e-3, 1e-3, 999)], 1.1),
    "log": (np.log, np.r_[np.geomspace(1.2e-38, 3.4e38, 20001), np.linspace(0.5, 2, 20001)], 1.1),
    "tanh": (
        np.tanh,
        np.r_[np.linspace(-10, 10, 20001), np.linspace(-0.7, 0.7, 9999), np.geomspace(1e-30, 1, 999)],
        1.6,
    ),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), np.r_[np.linspace(-87, 87, 20001), np.linspace(-2, 2, 9999)], 2.3),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_accurate(kernels, ulps, name):
    function, arguments, bound = FUNCTIONS[name]
    x = arguments.astype(np.float32)
    (result,) = kernels(name, [x], [(x.shape, np.float32)])
    assert ulps(result, function(x.astype(np.float64))) <= bound
    x = arguments[::20].copy()
    np.testing.assert_allclose(kernels(name, [x], [(x.shape, np.float64)])[0], function(x), rtol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_of_special_values(kernels, ulps, name):
    for dtype in REALS:
        x = np.array([*SPECIAL, 88.8, 89.5, 120.0, -90.0, -104.5, -200.0, 710.0, -760.0], dtype)
        (result,) = kernels(name, [x], [(x.shape, dtype)])
        assert ulps(result, FUNCTIONS[name][0](x.astype(np.float64))) <= FUNCTIONS[name][2]


@pytest.mark.parametrize("name", [*FUNCTIONS, "pow"])
def test_element_does_not_know_its_place(kernels, name):
    for dtype in REALS:
        x = np.abs(numbers(dtype, (50,))) * 3
        inputs = [x, numbers(dtype, (50,), 2)] if name == "pow" else [x]
        (whole,) = kernels(name, inputs, [((50,), dtype)])
        for begin, end in [(0, 1), (1, 4), (3, 20), (10, 43), (7, 50), (49, 50)]:
            (part,) = kernels(name, [v[begin:end] for v in inputs], [((end - begin,), dtype)])
            assert part.tobytes() == whole[begin:end].tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_the_same_bits_on_every_target(all_kernels, name):
    x = FUNCTIONS[name][1].astype(np.float32)
    results = {k.target: k(name, [x], [(x.shape, np.float32)])[0].tobytes() for k in all_kernels}
    assert len(set(results.values())) == 1


def test_pow(kernels, ulps):
    rng = np.random.default_rng(0)
    base = np.exp(rng.uniform(-20, 20, 30000)) * rng.choice([1, 1, -1], 30000)
    exponent = np.where(rng.random(30000) < 0.5, np.round(rng.uniform(-5, 5, 30000)), rng.uniform(-4, 4, 30000))
    for dtype, bound in ((np.float32, 0.51), (np.float64, 1.0)):
        a, e = base.astype(dtype), exponent.astype(dtype)
        exact = np.power(a.astype(np.longdouble), e.astype(np.longdouble))
        assert ulps(kernels("pow", [a, e], [(a.shape, dtype)])[0], exact) <= bound
        for number in (dtype(2), dtype(0.5), dtype(-3)):  # one side stands still
            for pair in ([np.abs(a), np.array(number)], [np.array(np.abs(number)), e]):
                exact = np.power(pair[0].astype(np.longdouble), pair[1].astype(np.longdouble))
                assert ulps(kernels("pow", pair, [(a.shape, dtype)])[0], exact) <= bound


def test_pow_of_special_values(kernels):
    for dtype in REALS:
        values = np.array([*SPECIAL, 0.5, -0.5, 3, 4, 1e-30, 2**24 - 1, 2**24, 2**25], dtype)
        a, e = (np.ascontiguousarray(v).ravel() for v in np.meshgrid(values, values))
        expected = np.power(a, e)
        (result,) = kernels("pow", [a, e], [(a.shape, dtype)])
        tiny = np.abs(expected) < np.finfo(dtype).tiny
        np.testing.assert_allclose(result[~tiny], expected[~tiny], rtol=2e-7)
        assert (np.abs(result[tiny]) < np.finfo(dtype).tiny).all()
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(result[known]), np.signbit(expected[known]))


PLAIN = (0, 1, 2, 3, -1, 0.5, -0.5)  # exponents that need no logarithm


@pytest.mark.parametrize("dtype", REALS)
def test_plain_powers(kernels, ulps, dtype):
    rng = np.random.default_rng(3)
    base = np.r_[np.exp(rng.uniform(-20, 20, 20011)) * rng.choice([1, -1], 20011), SPECIAL].astype(dtype)
    for exponent in PLAIN:
        number = np.array(exponent, dtype)
        expected = np.power(base, np.full(base.shape, number))  # with a single one NumPy differs from C at -0
        (alone,) = kernels("pow", [base, number], [(base.shape, dtype)])
        assert ulps(alone, np.power(base.astype(np.longdouble), np.longdouble(exponent))) <= 0.51
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(alone[known]), np.signbit(expected[known]))
        # the same bits however the exponent is broadcast
        for many in (np.full(base.shape, number), np.where(np.arange(base.size) % 3, number, dtype(1.25))):
            (result,) = kernels("pow", [base, many], [(base.shape, dtype)])
            assert result[many == number].tobytes() == alone[many == number].tobytes()
        for x, y in zip(base[-30:], alone[-30:], strict=True):
            assert kernels("pow", [np.array(x), number], [((), dtype)])[0].tobytes() == y.tobytes()


def test_plain_powers_at_the_ends_of_the_range(kernels, ulps):
    for dtype in REALS:
        info = np.finfo(dtype)
        base = np.array(
            [info.tiny, info.tiny * 3, info.max, info.max / 3, np.cbrt(info.max), np.cbrt(info.tiny) * 1.01], dtype
        )
        for exponent in PLAIN:
            (result,) = kernels("pow", [base, np.array(exponent, dtype)], [(base.shape, dtype)])
            # without what a rounding loses, which is a denormal number there
            assert ulps(result, np.power(base.astype(np.longdouble), np.longdouble(exponent))) <= 1.0


def test_tanh_keeps_the_sign_of_zero(kernels):
    for dtype in REALS:
        x = np.array([0.0, -0.0, 1e-30, -1e-30, 0.5, -0.7, np.inf, -np.inf], dtype)
        (y,) = kernels("tanh", [x], [(x.shape, dtype)])
        np.testing.assert_array_equal(np.signbit(y), np.signbit(x))
        np.testing.assert_allclose(y, np.tanh(x), rtol=1e-6)


def test_many_tasks(kernels):
    x = numbers(np.float32, (3 * 32768 + 17,))
    same(kernels("square", [x], [(x.shape, np.float32)])[0], x * x)
    a, b = numbers(np.float32, (1, 333, 401), 1), numbers(np.float32, (1, 401), 2)
    same(kernels("sub", [a, b], [(a.shape, np.float32)])[0], a - b)
