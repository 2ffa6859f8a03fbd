"""Variables: arguments, initial values, assignments, collections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def session(tf: Any) -> Any:
    with tf.Session() as session:
        yield session


@pytest.mark.parametrize("value", [[0.3], 0.3, [[1.5, 2.5]]])
def test_a_dtype_in_the_place_of_trainable_gives_float32(tf: Any, session: Any, value: Any) -> None:
    v = tf.Variable(value, tf.float32)  # the second argument is trainable; any truthy value means yes
    assert v.dtype.base_dtype == tf.float32
    assert v in tf.trainable_variables()
    session.run(v.initializer)
    np.testing.assert_array_equal(session.run(v), np.float32(value))


def test_a_second_argument_false_is_trainable_false(tf: Any) -> None:
    assert tf.Variable(1.0, False) not in tf.trainable_variables()


INITIAL = {
    "python float": (1.5, "float32"),
    "python int": (3, "int32"),
    "python bool": (True, "bool"),
    "text": ("text", "string"),
    "list of floats": ([1.0, 2.0], "float32"),
    "list of ints and floats": ([1, 2.5], "float32"),
    "float64 array": (np.zeros(2), "float64"),
    "float32 array": (np.zeros(2, np.float32), "float32"),
    "int64 array": (np.zeros(2, np.int64), "int64"),
    "uint8 array": (np.zeros(2, np.uint8), "uint8"),
    "float64 scalar": (np.float64(1.0), "float64"),
    "float32 scalar": (np.float32(1.0), "float32"),
    "int64 scalar": (np.int64(1), "int64"),
    "bool array": (np.ones(2, np.bool_), "bool"),
}


@pytest.mark.parametrize("case", [case for case in INITIAL if case != "text"])
def test_dtype_of_an_initial_value(tf: Any, case: str) -> None:
    value, dtype = INITIAL[case]
    assert tf.Variable(value).dtype.base_dtype == getattr(tf, dtype)


@pytest.mark.ours_only("its variables hold text, too; labkit's hold numbers")
def test_a_variable_of_text_is_refused(tf: Any) -> None:
    with pytest.raises(TypeError, match="cannot hold text"):
        tf.Variable("text")


@pytest.mark.parametrize("case", INITIAL)
def test_dtype_of_a_constant(tf: Any, case: str) -> None:
    value, dtype = INITIAL[case]
    assert tf.constant(value).dtype == getattr(tf, dtype)


def test_randn_without_arguments_is_a_python_float(tf: Any) -> None:
    value = np.random.RandomState(0).randn()
    assert type(value) is float
    assert tf.Variable(value, name="weight").dtype.base_dtype == tf.float32


def test_dtype_by_keyword(tf: Any, session: Any) -> None:
    v = tf.Variable(np.arange(3), dtype=tf.float32)
    session.run(v.initializer)
    assert session.run(v).dtype == np.float32


def test_an_initial_function(tf: Any, session: Any) -> None:
    v = tf.Variable(lambda: tf.constant([7.0]), name="v")
    session.run(v.initializer)
    assert session.run(v).tolist() == [7.0]


def test_an_initial_tensor(tf: Any, session: Any) -> None:
    v = tf.Variable(tf.zeros([2, 3]), name="v")
    assert v.shape.as_list() == [2, 3]
    assert v.get_shape().as_list() == [2, 3]
    session.run(v.initializer)
    assert session.run(v).tolist() == [[0.0] * 3] * 2


def test_no_initial_value_is_a_value_error(tf: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.Variable()


def test_a_random_initial_value_is_drawn_once(tf: Any, session: Any) -> None:
    v = tf.Variable(tf.random_normal([3]))
    session.run(v.initializer)
    assert session.run(v).tolist() == session.run(v).tolist()


def test_assign_gives_the_new_value(tf: Any, session: Any) -> None:
    v = tf.Variable(10.0)
    session.run(v.initializer)
    assert session.run(v.assign(100.0)) == 100.0
    assert session.run(tf.assign(v, 7.0)) == 7.0
    assert v.eval() == 7.0


def test_assign_add_and_sub(tf: Any, session: Any) -> None:
    v = tf.Variable(10)
    session.run(v.initializer)
    assert session.run(v.assign_add(5)) == 15
    assert session.run(v.assign_sub(2)) == 13
    assert session.run(tf.assign_add(v, 1)) == 14
    assert session.run(tf.assign_sub(v, 4)) == 10


def test_an_assignment_can_be_evaluated(tf: Any, session: Any) -> None:
    v = tf.Variable(10.0)
    v.initializer.run()
    assert v.assign(3.0).eval() == 3.0
    v.assign(4.0).op.run()
    assert v.eval() == 4.0


def test_an_assignment_that_is_not_run_does_nothing(tf: Any, session: Any) -> None:
    v = tf.Variable(10)
    v.assign(100)
    session.run(v.initializer)
    assert session.run(v) == 10


def test_assign_can_be_an_initializer(tf: Any, session: Any) -> None:
    v = tf.Variable(10)
    session.run(v.assign(100))  # needs no initializer
    assert session.run(v) == 100


def test_assigning_another_shape_is_refused(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError):
        v.assign([1.0, 2.0, 3.0])


def test_validate_shape_is_accepted(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0, 2.0], validate_shape=False)
    session.run(v.initializer)
    session.run(tf.assign(v, [3.0, 4.0], validate_shape=False))
    assert session.run(v).tolist() == [3.0, 4.0]


@pytest.mark.ours_only("its variables change their shapes where validate_shape is False; labkit's never do")
def test_without_validate_shape_the_shape_stays(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0], validate_shape=False)
    with pytest.raises(ValueError, match="shape"):
        tf.assign(v, [1.0, 2.0, 3.0], validate_shape=False)


def test_load(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    session.run(v.initializer)
    v.load([3.0, 4.0], session)
    assert session.run(v).tolist() == [3.0, 4.0]


def test_initialized_value(tf: Any, session: Any) -> None:
    w = tf.Variable(tf.random_normal([3]), name="w")
    twice = tf.Variable(w.initialized_value() * 2.0)
    session.run(tf.global_variables_initializer())
    np.testing.assert_allclose(session.run(twice), 2.0 * session.run(w))


def test_a_variable_of_a_variable_after_that_one(tf: Any, session: Any) -> None:
    w = tf.Variable(3.0)
    twice = tf.Variable(w * 2.0)
    session.run(w.initializer)
    session.run(twice.initializer)
    assert session.run(twice) == 6.0


@pytest.mark.ours_only("today it takes w's initial value instead, which for a random w is another draw")
def test_a_variable_of_a_variable_needs_that_one_first(tf: Any, session: Any) -> None:
    w = tf.Variable(3.0)
    twice = tf.Variable(w * 2.0)
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(twice.initializer)


def test_initialized_again_it_starts_again(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    session.run(v.initializer)
    session.run(v.assign_add(1.0))
    session.run(v.initializer)
    assert session.run(v) == 1.0


def test_variables_initializer_of_some(tf: Any, session: Any) -> None:
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    session.run(tf.variables_initializer([a]))
    assert session.run(a) == 1.0
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(b)


def test_initialize_all_variables_is_the_old_name(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    session.run(tf.initialize_all_variables())
    assert session.run(v) == 1.0


def test_arithmetic_of_variables(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0, -2.0])
    session.run(v.initializer)
    results = session.run([v + 1.0, 1.0 - v, v * v, -v, abs(v), v[1], 2.0 / v, v**2])
    expected = [[2, -1], [0, 3], [1, 4], [-1, 2], [1, 2], -2, [2, -1], [1, 4]]
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, value)


def test_many_steps_of_one_assignment(tf: Any, session: Any) -> None:
    v = tf.Variable(2)
    double = v.assign(v * 2)
    session.run(v.initializer)
    assert [session.run(double) for _ in range(3)] == [4, 8, 16]


def test_global_and_trainable_variables(tf: Any) -> None:
    a = tf.Variable(1.0, name="a")
    b = tf.Variable(1.0, name="b", trainable=False)
    assert tf.global_variables() == [a, b]
    assert tf.trainable_variables() == [a]
    assert tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES) == [a, b]
    assert tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES) == [a]


def test_local_variables(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], trainable=False)
    assert tf.local_variables() == [v]
    assert tf.global_variables() == []
    session.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(v)
    session.run(tf.local_variables_initializer())
    assert session.run(v) == 1.0


def test_collections_by_get_variable(tf: Any) -> None:
    v = tf.get_variable("v", [1], collections=["mine", tf.GraphKeys.GLOBAL_VARIABLES])
    assert tf.get_collection("mine") == [v]


def test_a_collections_scope_is_a_regular_expression_for_the_beginning(tf: Any) -> None:
    for name in ("q", "q_next", "D", "other_D"):
        with tf.variable_scope(name):
            tf.get_variable("w", [1])
    names = lambda scope: [v.name for v in tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope)]  # noqa: E731
    assert names("q") == ["q/w:0", "q_next/w:0"]
    assert names("q/") == ["q/w:0"]
    assert names("D") == ["D/w:0"]
    assert names(".*D") == ["D/w:0", "other_D/w:0"]
    assert [v.name for v in tf.trainable_variables("D")] == ["D/w:0"]


def test_standard_keys(tf: Any) -> None:
    keys = ("UPDATE_OPS", "LOSSES", "SUMMARIES", "REGULARIZATION_LOSSES", "GLOBAL_STEP", "LOCAL_VARIABLES")
    values = ["update_ops", "losses", "summaries", "regularization_losses", "global_step", "local_variables"]
    assert [getattr(tf.GraphKeys, key) for key in keys] == values
    assert tf.GraphKeys.GLOBAL_VARIABLES == "variables"
    assert tf.GraphKeys.TRAINABLE_VARIABLES == "trainable_variables"


def test_regularizer_of_get_variable(tf: Any, session: Any) -> None:
    tf.get_variable("v", [2], initializer=tf.ones_initializer(), regularizer=lambda v: 0.5 * tf.reduce_sum(v))
    session.run(tf.global_variables_initializer())
    assert session.run(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == [1.0]


def test_variables_are_hashable_and_compare_by_identity(tf: Any) -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    assert {a: 1, b: 2}[b] == 2
    assert a != b
    assert b in [a, b]


def test_convert_to_tensor_of_a_variable(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0])
    session.run(v.initializer)
    assert session.run(tf.convert_to_tensor(v)).tolist() == [1.0]
    assert session.run(tf.identity(v)).tolist() == [1.0]


def test_str_of_a_variable_names_it(tf: Any) -> None:
    assert "Variable 'v:0' shape=(1,) dtype=float32" in str(tf.Variable([1.0], name="v"))
