"""Dtypes: what operands become, what is refused, and the results of divisions and comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def session(tf: Any) -> Any:
    with tf.Session() as session:
        yield session


def test_a_float64_array_becomes_the_dtype_of_the_tensor(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    mean_image = np.array([1.0, 2.0])
    y = tf.subtract(x, mean_image)
    assert y.dtype == tf.float32
    assert session.run(y, {x: [[3.0, 3.0]]}).tolist() == [[2.0, 1.0]]


def test_numpy_operands_on_either_side(tf: Any, session: Any) -> None:
    x = tf.constant([1.0, 2.0])
    left, right = np.array([1.0, 1.0]) + x, x * np.float64(2.0)
    assert (left.dtype, right.dtype) == (tf.float32, tf.float32)
    assert session.run(left).tolist() == [2.0, 3.0]
    assert session.run(right).tolist() == [2.0, 4.0]


def test_python_numbers_become_the_dtype_of_the_tensor(tf: Any) -> None:
    n_samples = 10
    x = tf.reduce_sum(tf.pow(tf.constant([1.0]) - 2, 2)) / (2 * n_samples)
    assert x.dtype == tf.float32
    assert (tf.constant(1.0, tf.float64) * 3).dtype == tf.float64
    assert (3 * tf.constant(1, tf.int64)).dtype == tf.int64


def test_a_list_as_operand(tf: Any, session: Any) -> None:
    assert session.run(tf.constant([1.0, 2.0]) * [1, 2]).tolist() == [1.0, 4.0]


DIFFERENT = {
    "add": lambda tf, x, y: tf.add(x, y),
    "+": lambda tf, x, y: x + y,
    "matmul": lambda tf, x, y: tf.matmul([[1.0]] * x, [[1]] * y),
    "equal": lambda tf, x, y: tf.equal(x, y),
    "maximum": lambda tf, x, y: tf.maximum(x, y),
    ">": lambda tf, x, y: x > y,
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_tensors_of_different_dtypes_are_a_type_error(tf: Any, case: str) -> None:
    with pytest.raises(TypeError):
        DIFFERENT[case](tf, tf.constant(1.0), tf.constant(1))


def test_equal_of_int32_and_int64_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        tf.equal(tf.constant([1]), tf.argmax([[1.0, 2.0]], 1))


def test_concat_of_different_dtypes_is_a_type_error(tf: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.concat([tf.constant([1.0]), tf.constant([1])], 0)


def test_an_integer_tensor_with_a_fraction_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        tf.constant(1) * 2.5
    with pytest.raises(TypeError):
        2.5 + tf.constant([1, 2])


def test_true_division_of_int32_gives_float64(tf: Any, session: Any) -> None:
    for y in (tf.constant(7) / tf.constant(2), tf.truediv(tf.constant(7), 2), tf.divide(tf.constant(7), 2)):
        assert y.dtype == tf.float64
        assert session.run(y) == 3.5


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint8"])
def test_true_division_of_small_integers_gives_float32(tf: Any, dtype: str) -> None:
    if not hasattr(tf, dtype):
        pytest.skip("no such dtype")
    assert (tf.constant(7, getattr(tf, dtype)) / tf.constant(2, getattr(tf, dtype))).dtype == tf.float32


def test_div_and_floordiv_of_integers_round_down(tf: Any, session: Any) -> None:
    a, b = tf.constant([7, -7]), tf.constant(2)
    for y in (a // b, tf.div(a, b), tf.floordiv(a, b)):
        assert y.dtype == tf.int32
    assert session.run(a // b).tolist() == [3, -4]
    assert session.run(tf.floordiv(a, b)).tolist() == [3, -4]


def test_div_rounds_down_as_python_2_does(tf: Any, session: Any) -> None:
    assert session.run(tf.div(tf.constant([7, -7]), 2)).tolist() == [3, -4]
    assert session.run(tf.div(tf.constant([7.0, -7.0]), 2.0)).tolist() == [3.5, -3.5]


def test_truncatediv_rounds_to_zero(tf: Any, session: Any) -> None:
    assert session.run(tf.truncatediv(tf.constant([7, -7]), 2)).tolist() == [3, -3]


def test_mod_has_the_sign_of_the_divisor(tf: Any, session: Any) -> None:
    assert session.run(tf.mod(tf.constant([7, -7]), 3)).tolist() == [1, 2]
    assert session.run(tf.constant([7, -7]) % 3).tolist() == [1, 2]


def test_floordiv_of_floats(tf: Any, session: Any) -> None:
    assert session.run(tf.constant([7.0, -7.0]) // 2.0).tolist() == [3.0, -4.0]


def test_reduce_mean_of_integers_stays_integer(tf: Any, session: Any) -> None:
    y = tf.reduce_mean(tf.constant([1, 2, 4]))
    assert y.dtype == tf.int32
    assert session.run(y) == 2


def test_argmax_is_int64(tf: Any, session: Any) -> None:
    x = tf.constant([[1.0, 3.0, 2.0]])
    assert tf.argmax(x, 1).dtype == tf.int64
    assert tf.argmin(x, 1).dtype == tf.int64
    assert tf.argmax(x, 1, output_type=tf.int32).dtype == tf.int32
    assert session.run(tf.argmax(x, 1)).tolist() == [1]


def test_argmax_takes_the_first_of_equals_and_axis_0_by_default(tf: Any, session: Any) -> None:
    assert session.run(tf.argmax([[1.0, 2.0], [1.0, 3.0]])).tolist() == [0, 1]
    assert session.run(tf.argmax([[1.0, 2.0], [1.0, 3.0]], dimension=1)).tolist() == [1, 1]


def test_shape_size_and_rank_are_int32(tf: Any) -> None:
    x = tf.zeros([2, 3])
    assert [tf.shape(x).dtype, tf.size(x).dtype, tf.rank(x).dtype] == [tf.int32] * 3
    assert tf.shape(x, out_type=tf.int64).dtype == tf.int64


def test_comparisons_are_bool(tf: Any, session: Any) -> None:
    x = tf.constant([29.0, 31.0])
    assert (x > 30).dtype == tf.bool
    assert session.run(x > 30).tolist() == [False, True]
    assert session.run([x < 30, x >= 31, x <= 29])[1].tolist() == [False, True]
    assert session.run(tf.logical_and(x > 0, x < 30)).tolist() == [True, False]
    assert session.run(~(x > 30)).tolist() == [True, False]
    assert session.run((x > 30) | (x < 0)).tolist() == [False, True]


def test_cast(tf: Any, session: Any) -> None:
    assert session.run(tf.cast([True, False], tf.float32)).tolist() == [1.0, 0.0]
    assert session.run(tf.cast([1.9, -1.9], tf.int32)).tolist() == [1, -1]
    assert session.run(tf.cast([0, 2], tf.bool)).tolist() == [False, True]
    assert tf.cast(tf.constant(1.0), "int64").dtype == tf.int64
    assert [tf.to_float(1).dtype, tf.to_int32(1.0).dtype, tf.to_int64(1.0).dtype] == [tf.float32, tf.int32, tf.int64]


def test_square_by_function_and_operator(tf: Any, session: Any) -> None:
    x = tf.constant([2.0, -3.0])
    assert session.run([tf.square(x), x**2])[1].tolist() == [4.0, 9.0]
    assert session.run(tf.pow(x, 3.0)).tolist() == [8.0, -27.0]
    assert session.run(2 ** tf.constant([1.0, 3.0])).tolist() == [2.0, 8.0]


def test_operators_of_tensors(tf: Any, session: Any) -> None:
    t = tf.constant([1.0, -2.0])
    assert session.run(abs(t)).tolist() == [1.0, 2.0]
    assert session.run(-t).tolist() == [-1.0, 2.0]
    assert session.run(2.0 * t).tolist() == [2.0, -4.0]
    assert session.run(1 - t).tolist() == [0.0, 3.0]
    assert session.run(tf.constant([[1.0, 2.0]]) @ tf.constant([[3.0], [4.0]])).tolist() == [[11.0]]


def test_indexing(tf: Any, session: Any) -> None:
    value = np.arange(24).reshape(2, 3, 4)
    t = tf.constant(value)
    n = tf.placeholder(tf.int32, [])
    cases = [
        (t[...], value),
        (t[0], value[0]),
        (t[:, -1, :], value[:, -1, :]),
        (t[0][1], value[0][1]),
        (t[..., 1], value[..., 1]),
        (t[:, ::2, 1:3], value[:, ::2, 1:3]),
        (t[:, ::-1], value[:, ::-1]),
        (t[0, tf.newaxis], value[0, np.newaxis]),
        (t[:n], value[:1]),
        (t[n], value[1]),
    ]
    for tensor, expected in cases:
        np.testing.assert_array_equal(session.run(tensor, {n: 1}), expected)


def test_bool_of_a_tensor_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        bool(tf.constant(True))
    with pytest.raises(TypeError):
        [1 for x in [tf.constant(1.0)] if x > 0]


def test_iterating_an_unknown_tensor_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        list(tf.placeholder(tf.float32, [None]))
    with pytest.raises(TypeError):
        list(tf.placeholder(tf.float32))


def test_len_of_a_tensor_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        len(tf.constant([1.0, 2.0]))


def test_float_of_a_tensor_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        float(tf.constant(1.0))


def test_constant_of_another_shape_fills(tf: Any, session: Any) -> None:
    assert session.run(tf.constant(3.0, shape=[2, 2])).tolist() == [[3.0, 3.0]] * 2
    assert session.run(tf.constant([1, 2, 3, 4], shape=[2, 2])).tolist() == [[1, 2], [3, 4]]
    assert session.run(tf.constant(-1.0, shape=(1, 2), dtype=tf.float64)).dtype == np.float64


def test_a_constant_repeats_its_last_value_to_fill_its_shape(tf: Any, session: Any) -> None:
    assert session.run(tf.constant([1, 2], shape=[2, 2])).tolist() == [[1, 2], [2, 2]]
    with pytest.raises((TypeError, ValueError)):
        tf.constant([1, 2, 3], shape=[2])


def test_an_integer_beyond_int32_is_int64(tf: Any, session: Any) -> None:
    assert tf.constant(2**40).dtype == tf.int64
    assert session.run(tf.constant([1, -(2**40)])).tolist() == [1, -(2**40)]


def test_none_is_no_value(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.constant(1.0) + None
    with pytest.raises(ValueError):
        tf.convert_to_tensor(None)


def test_an_index_beyond_a_known_dimension_is_a_value_error(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.zeros([2, 3])[5]
    with pytest.raises(ValueError):
        tf.zeros([2, 3])[0, 0, 0]


def test_constant_that_does_not_fit_its_dtype_is_a_type_error(tf: Any) -> None:
    with pytest.raises(TypeError):
        tf.constant(1.5, tf.int32)
    with pytest.raises(TypeError):
        tf.constant("text", tf.float32)


def test_constant_of_a_ragged_list_is_a_value_error(tf: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.constant([[1, 2], [3]])


def test_dtype_objects(tf: Any) -> None:
    assert tf.as_dtype("float") == tf.float32
    assert tf.float32.name == "float32"
    assert tf.float32.as_numpy_dtype == np.float32
    assert tf.int32.is_integer
    assert tf.float64.is_floating
    assert tf.float32 == np.float32
    assert str(tf.constant(1.0).dtype) == "<dtype: 'float32'>"
    assert tf.float32 != tf.float64


def test_convert_to_tensor(tf: Any) -> None:
    x = tf.constant(1.0)
    assert tf.convert_to_tensor(x) is x
    assert tf.convert_to_tensor([1, 2], dtype=tf.float32).dtype == tf.float32
    assert tf.convert_to_tensor(np.zeros(2)).dtype == tf.float64
    with pytest.raises((TypeError, ValueError)):
        tf.convert_to_tensor(x, dtype=tf.int32)


def test_zeros_and_ones(tf: Any, session: Any) -> None:
    x = tf.constant([[1, 2]])
    assert tf.zeros([2]).dtype == tf.float32
    assert tf.zeros([2], tf.int32).dtype == tf.int32
    assert tf.zeros_like(x).dtype == tf.int32
    assert tf.ones_like(x, dtype=tf.float32).dtype == tf.float32
    assert session.run(tf.ones([1, 2])).tolist() == [[1.0, 1.0]]
