"""Arithmetic as its users meet it: operators, dtypes, refusals, derivatives at special points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError


def value(build: Any) -> Any:
    """What a function of no arguments builds, run."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        return session.run(build())


def test_the_floor_division_operator_and_its_remainder_are_pythons() -> None:
    pairs = [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (0, 5)]
    x, y = (np.array(v, np.int32) for v in zip(*pairs, strict=True))
    quotient, remainder = value(lambda: [lk.constant(x) // y, lk.constant(x) % y])
    assert list(quotient) == [a // b for a, b in pairs]
    assert list(remainder) == [a % b for a, b in pairs]
    quotient, remainder = value(lambda: [x.astype(np.float64) // lk.constant(y / 2), 7.5 % lk.constant(y / 2)])
    np.testing.assert_array_equal(quotient, x // (y / 2))
    np.testing.assert_array_equal(remainder, 7.5 % (y / 2))


def test_operators_have_lower_case_names() -> None:
    with lk.Graph().as_default():
        x = lk.constant(3)
        assert [(x // 2).op.name, (x % 2).op.name, (x**2).op.name] == ["floordiv", "mod", "pow"]
        assert lk.truncatediv(x, 2).op.name == "TruncateDiv"


@pytest.mark.parametrize(("dtype", "quotient"), [("int32", "float64"), ("int64", "float64"), ("uint8", "float32")])
def test_true_division_of_whole_numbers_gives_floats(dtype: str, quotient: str) -> None:
    for divide in (lambda x: x / 2, lambda x: lk.truediv(x, 2), lambda x: lk.divide(x, 2)):
        result = value(lambda divide=divide: divide(lk.constant(np.array([1, 7], dtype))))
        assert result.dtype == quotient
        np.testing.assert_array_equal(result, [0.5, 3.5])


def test_div_floors_whole_numbers_and_divides_floats() -> None:
    whole, real = value(lambda: [lk.div(lk.constant(-7), 2), lk.div(lk.constant(-7.0), 2)])
    assert (whole, whole.dtype, real, real.dtype) == (-4, np.int32, -3.5, np.float32)


def test_truncated_division() -> None:
    assert value(lambda: [lk.truncatediv(-7, 2), lk.truncatemod(-7, 2)]) == [-3, -1]


@pytest.mark.parametrize("build", [lambda x, y: x // y, lambda x, y: x % y, lk.truncatediv, lk.truncatemod])
def test_a_whole_number_divided_by_zero_is_told_with_its_line(build: Any) -> None:
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        y = lk.placeholder(lk.int32, [None])
        z = build(lk.constant([1, 2, 3]), y)
        assert list(session.run(z, {y: [1, 2, 3]}))
        with pytest.raises(InvalidArgumentError, match=r"test_arithmetic.*not divided by 0.*Received: 0"):
            session.run(z, {y: [1, 0, 3]})
        with pytest.raises(InvalidArgumentError, match="not divided by 0"):
            session.run(build(lk.constant([1, 2]), lk.constant([1, 0])))  # constants fail in the run, too


def test_the_smallest_whole_number_divided_by_minus_one_wraps_around() -> None:
    low = np.array([-(2**31)], np.int32)
    quotient, remainder = value(lambda: [lk.constant(low) // -1, lk.constant(low) % -1])
    assert (quotient[0], remainder[0]) == (low[0], 0)


def test_powers_of_whole_numbers() -> None:
    result = value(lambda: lk.constant(np.array([2, -3, 10], np.int64)) ** np.array([62, 3, 19]))
    assert list(result) == [2**62, -27, 10**19 - 2**64]
    with pytest.raises(InvalidArgumentError, match=r"not negative.*Received: -1"):
        value(lambda: lk.constant(2) ** -1)


def test_bytes_wrap_around() -> None:
    x = np.array([0, 1, 200, 255], np.uint8)
    results = value(lambda: [lk.constant(x) + 100, lk.constant(x) - 1, lk.constant(x) * 2, -lk.constant(x)])
    for result, expected in zip(results, [x + np.uint8(100), x - np.uint8(1), x * np.uint8(2), -x], strict=True):
        np.testing.assert_array_equal(result, expected)


def test_bools_are_no_numbers() -> None:
    for build in (lk.add, lk.multiply, lk.floordiv, lk.maximum, lk.squared_difference):
        with lk.Graph().as_default(), pytest.raises(DTypeError):
            build(lk.constant([True]), lk.constant([False]))


def test_whole_numbers_are_rounded_to_themselves() -> None:
    for build in (lk.floor, lk.ceil, lk.round, lk.rint, lk.trunc):
        result = value(lambda build=build: build(lk.constant([3, -4])))
        assert result.dtype == np.int32
        assert list(result) == [3, -4]


def test_round_takes_halves_to_even_numbers() -> None:
    assert list(value(lambda: lk.round(lk.constant([0.5, 1.5, 2.5, -0.5, -1.5])))) == [0, 2, 2, 0, -2]


def test_numpy_arrays_on_the_left_ask_the_tensor() -> None:
    x = np.array([5.5, -5.5])
    results = value(lambda: [x // lk.constant(2.0, lk.float64), x % lk.constant(2.0, lk.float64)])
    np.testing.assert_array_equal(results[0], x // 2)
    np.testing.assert_array_equal(results[1], x % 2)


def test_derivatives_of_a_whole_power_at_zero() -> None:
    def derivatives() -> list[lk.Tensor]:
        x = lk.constant(np.array([0.0, 2.0]))
        found = [x**3]
        for _ in range(4):
            found.append(lk.gradients(found[-1], x)[0])  # type: ignore[arg-type]
        return found[1:]

    expected = [[0, 12], [0, 12], [6, 6], [0, 0]]
    np.testing.assert_allclose(value(derivatives), expected, rtol=1e-12)


def test_third_derivative_of_lgamma() -> None:
    def build() -> lk.Tensor:
        y = x = lk.constant(np.array([0.3, 1.0, 7.5, -0.4]))
        y = lk.lgamma(x)
        for _ in range(3):
            (y,) = lk.gradients(y, x)  # type: ignore[assignment]
        return y

    from scipy.special import polygamma

    np.testing.assert_allclose(value(build), polygamma(2, [0.3, 1.0, 7.5, -0.4]), rtol=1e-12)


def test_the_order_of_polygamma_has_bounds() -> None:
    with lk.Graph().as_default():
        for order in (0, 31, 1.5):
            with pytest.raises(InvalidArgumentError, match="order"):
                lk.polygamma(order, 1.0)  # type: ignore[arg-type]


def test_add_n() -> None:
    assert list(value(lambda: lk.add_n([lk.constant([1, 2]), [3, 4], [5, 6]]))) == [9, 12]
    with lk.Graph().as_default(), pytest.raises(InvalidArgumentError, match="empty list"):
        lk.add_n([])


def test_a_divisor_of_zero_without_nan() -> None:
    def build() -> list[Any]:
        x, y = lk.constant([1.0, 2.0]), lk.constant([0.0, 4.0])
        z = lk.divide_no_nan(x, y)
        return [z, *lk.gradients(z, [x, y])]

    np.testing.assert_array_equal(value(build), [[0, 0.5], [0, 0.25], [0, -0.125]])


def test_xlogy_of_zero_is_zero_whatever_the_logarithm() -> None:
    def build() -> list[Any]:
        x, y = lk.constant([0.0, 0.0, 0.0, 2.0]), lk.constant([0.0, np.nan, -1.0, 3.0])
        z = lk.xlogy(x, y)
        return [z, *lk.gradients(z, [x, y])]

    log3 = np.log(np.float32(3))
    z, by_x, by_y = value(build)
    np.testing.assert_allclose(z, [0, 0, 0, 2 * log3], rtol=1e-6)
    np.testing.assert_allclose(by_x, [0, 0, 0, log3], rtol=1e-6)
    np.testing.assert_allclose(by_y, [0, 0, 0, 2 / 3], rtol=1e-6)


@pytest.mark.parametrize("function", [lk.add_n, lk.global_norm, lk.shape_n, lk.identity_n])
def test_a_tensor_is_no_list_of_tensors(function):
    with lk.Graph().as_default(), pytest.raises(InvalidArgumentError, match="got no list of tensors"):
        function(lk.constant([1.0, 2.0]))
