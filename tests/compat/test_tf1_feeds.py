"""Feeds: keys, values and their conversion, and what is refused."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def session(tf: Any) -> Any:
    with tf.Session() as session:
        yield session


VALUES = {
    "list": [1, 2, 3],
    "nested tuple of floats": (1.0, 2.0, 3.0),
    "float64": np.array([1.0, 2.0, 3.0]),
    "uint8": np.array([1, 2, 3], np.uint8),
    "int64": np.array([1, 2, 3]),
    "numpy scalars": [np.float64(1), np.int32(2), np.float32(3)],
    "bool": [True, True, True],
}


@pytest.mark.parametrize("case", VALUES)
def test_values_are_cast_to_the_dtype_of_the_placeholder(tf: Any, session: Any, case: str) -> None:
    x = tf.placeholder(tf.float32, [3])
    value = session.run(x + 0.0, {x: VALUES[case]})
    assert value.dtype == np.float32
    assert value.tolist() == ([1, 1, 1] if case == "bool" else [1, 2, 3])


def test_nested_lists(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    assert session.run(x, {x: [[1, 2], [3, 4]]}).tolist() == [[1, 2], [3, 4]]
    assert session.run(x, {x: [np.ones(2), np.zeros(2)]}).tolist() == [[1, 1], [0, 0]]


def test_floats_fed_to_an_integer_lose_their_fraction(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.int32, [2])
    assert session.run(x, {x: np.array([1.0, 2.9])}).tolist() == [1, 2]


def test_a_scalar_for_an_unknown_rank(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    assert session.run(x * 2.0, {x: 3}) == 6.0


def test_string_dtype_float(tf: Any, session: Any) -> None:
    x = tf.placeholder("float", [None, 2])
    assert x.dtype == tf.float32
    assert session.run(x, {x: [[1, 2]]}).tolist() == [[1, 2]]


def test_numpy_dtypes(tf: Any) -> None:
    assert tf.placeholder(np.float64).dtype == tf.float64
    assert tf.placeholder(np.dtype("int64")).dtype == tf.int64
    assert tf.placeholder("int32").dtype == tf.int32
    assert tf.placeholder(np.zeros(2, np.uint8).dtype).dtype == tf.uint8


def test_a_wrong_shape_is_a_value_error(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(4,\) for Tensor"):
        session.run(x, {x: [1, 2, 3, 4]})


def test_a_wrong_rank_is_a_value_error(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(3,\) for Tensor"):
        session.run(x, {x: [1, 2, 3]})


def test_ragged_lists_are_a_value_error(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    with pytest.raises(ValueError):
        session.run(x, {x: [[1, 2], [3]]})


def test_a_tensor_as_value_is_a_type_error(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    with pytest.raises(TypeError):
        session.run(x, {x: tf.constant(1.0)})


@pytest.mark.ours_only("it feeds NaN, which hides a forgotten value")
def test_none_as_value_is_refused(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    with pytest.raises((TypeError, ValueError)):
        session.run(x, {x: None})


def test_text_for_a_number_is_refused(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    with pytest.raises((TypeError, ValueError)):
        session.run(x, {x: "one"})


def test_an_unfed_placeholder_is_an_invalid_argument(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    message = "You must feed a value for placeholder tensor 'Placeholder' with dtype float"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(x * 2.0)


def test_any_tensor_can_be_fed(tf: Any, session: Any) -> None:
    a = tf.add(2, 5)
    b = tf.multiply(a, 3)
    assert session.run(b) == 21
    assert session.run(b, {a: 15}) == 45
    assert session.run(b, {a: 15, b: 1}) == 1


def test_a_constant_can_be_fed(tf: Any, session: Any) -> None:
    c = tf.constant([1.0, 2.0])
    assert session.run(c * 2.0, {c: [3.0, 4.0]}).tolist() == [6.0, 8.0]


def test_what_was_made_of_a_placeholder_can_be_fed(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x") / 255.0
    assert session.run(x + 1.0, {x: [[1.0, 2.0]]}).tolist() == [[2.0, 3.0]]


def test_a_variable_can_be_fed(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    session.run(tf.global_variables_initializer())
    assert session.run(v * 2.0, {v: 5.0}) == 10.0
    assert session.run(v) == 1.0


def test_names_as_keys(tf: Any, session: Any) -> None:
    tf.placeholder(tf.float32, name="x")
    y = tf.get_default_graph().get_tensor_by_name("x:0") * 2.0
    assert session.run(y, {"x:0": 4.0}) == 8.0


def test_a_tuple_as_key_takes_a_tuple_as_value(tf: Any, session: Any) -> None:
    State = collections.namedtuple("State", "c h")
    state = State(tf.zeros([1, 2]), tf.zeros([1, 2]))
    final = State(state.c + 1.0, state.h + 2.0)
    value = session.run(final)
    value = session.run(final, {state: value})
    assert value.c.tolist() == [[2.0, 2.0]]
    assert value.h.tolist() == [[4.0, 4.0]]


def test_a_nested_tuple_as_key(tf: Any, session: Any) -> None:
    a, b, c = tf.placeholder(tf.float32), tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    assert session.run(a + 10.0 * b + 100.0 * c, {((a, b), c): ((1.0, 2.0), 3.0)}) == 321.0


def test_tensors_are_keys_by_identity(tf: Any) -> None:
    a, b = tf.constant(1), tf.constant(1)
    assert a == a
    assert (a == b) is False
    assert a != b
    assert {a: "a", b: "b"}[a] == "a"
    assert a in [b, a]


def test_placeholder_with_default(tf: Any, session: Any) -> None:
    x = tf.placeholder_with_default(1.0, [])
    assert session.run(x * 2.0) == 2.0
    assert session.run(x * 2.0, {x: 4.0}) == 8.0


def test_a_bool_placeholder(tf: Any, session: Any) -> None:
    flag = tf.placeholder(tf.bool)
    assert session.run(tf.cond(flag, lambda: 1.0, lambda: 2.0), {flag: True}) == 1.0
    assert session.run(tf.cond(flag, lambda: 1.0, lambda: 2.0), {flag: False}) == 2.0


def test_a_feed_is_not_kept(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    session.run(x, {x: 1.0})
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(x)


def test_feeding_an_operation_is_refused(tf: Any, session: Any) -> None:
    op = tf.no_op()
    with pytest.raises((TypeError, ValueError)):
        session.run(tf.constant(1), {op: 1})


def test_a_key_that_is_nothing_of_the_graph_is_refused(tf: Any, session: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        session.run(tf.constant(1), {"nope:0": 1})
    with pytest.raises((TypeError, ValueError)):
        session.run(tf.constant(1), {3.5: 1})


def test_changing_batch_sizes(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    total = tf.reduce_sum(x)
    for rows in (3, 1, 0, 7):
        assert session.run(total, {x: np.ones((rows, 2))}) == 2 * rows


def test_the_fed_array_is_not_changed(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [2])
    value = np.array([1.0, 2.0], np.float32)
    fetched = session.run(x + 1.0, {x: value})
    fetched += 5.0
    assert value.tolist() == [1.0, 2.0]


def test_non_contiguous_arrays(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    value = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(session.run(x * 1.0, {x: value.T[::2]}), value.T[::2])


def test_feed_of_strings(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.string)
    y = tf.identity(x)
    assert session.run(y, {x: "text"}) == b"text"
    assert session.run(y, {x: ["a", "b"]}).tolist() == [b"a", b"b"]
