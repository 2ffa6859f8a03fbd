"""variable_scope and get_variable: prefixes, sharing, initializers, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def test_a_variable_scope_prefixes_get_variable_and_operations(tf: Any) -> None:
    with tf.variable_scope("a"):
        assert tf.get_variable("w", [1]).name == "a/w:0"
        assert tf.constant(1, name="c").name == "a/c:0"


def test_entered_again_variables_stay_and_operations_move(tf: Any) -> None:
    with tf.variable_scope("a"):
        first = tf.get_variable("w", [1])
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("w", [1]) is first
        assert tf.constant(1, name="c").name == "a_1/c:0"


def test_a_variable_made_by_its_class_follows_the_operations(tf: Any) -> None:
    names = []
    for _ in range(2):
        with tf.variable_scope("a"):
            names.append(tf.Variable(1.0, name="v").name)
    assert names == ["a/v:0", "a_1/v:0"]


def test_scope_name_is_the_full_one(tf: Any) -> None:
    with tf.variable_scope("x"), tf.variable_scope("y") as scope:
        assert scope.name == "x/y"
        assert scope.original_name_scope == "x/y/"
        assert tf.get_variable_scope() is scope


def test_an_ended_scope_can_be_entered_again(tf: Any) -> None:
    with tf.variable_scope("x"), tf.variable_scope("y") as scope:
        w = tf.get_variable("w", [1])
    with tf.variable_scope("z"), tf.variable_scope(scope, reuse=True):  # where it is entered does not matter
        assert tf.get_variable("w", [1]) is w
        assert tf.constant(1, name="c").name == "z/y/c:0"


def test_name_scope_inside_variable_scope_leaves_get_variable_alone(tf: Any) -> None:
    with tf.variable_scope("a"), tf.name_scope("n"):
        assert tf.get_variable("w", [1]).name == "a/w:0"
        assert tf.constant(1, name="c").name == "a/n/c:0"


def test_auto_reuse_makes_then_shares(tf: Any) -> None:
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        first = tf.get_variable("w", [1])
        assert tf.get_variable("w", [1]) is first


def test_reuse_variables_from_here_on(tf: Any) -> None:
    with tf.variable_scope("a") as scope:
        w = tf.get_variable("w", [1])
        scope.reuse_variables()
        assert tf.get_variable("w", [1]) is w
        assert scope.reuse


def test_get_variable_scope_reuse_variables(tf: Any) -> None:
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [1])
        tf.get_variable_scope().reuse_variables()
        assert tf.get_variable("w", [1]) is w


def test_reuse_holds_in_scopes_within(tf: Any) -> None:
    with tf.variable_scope("a"), tf.variable_scope("b"):
        w = tf.get_variable("w", [1])
    with tf.variable_scope("a", reuse=True), tf.variable_scope("b"):
        assert tf.get_variable("w") is w


def test_reuse_does_not_leave_its_scope(tf: Any) -> None:
    with tf.variable_scope("a") as scope:
        tf.get_variable("w", [1])
        scope.reuse_variables()
    with tf.variable_scope("a"), pytest.raises(ValueError, match="already exists"):
        tf.get_variable("w", [1])


def test_a_second_variable_of_the_name_is_refused(tf: Any) -> None:
    tf.get_variable("v", [1])
    message = (
        r"Variable v already exists, disallowed\. Did you mean to set reuse=True or reuse=tf\.AUTO_REUSE in VarScope\?"
    )
    with pytest.raises(ValueError, match=message):
        tf.get_variable("v", [1])


def test_reuse_of_an_unknown_variable_is_refused(tf: Any) -> None:
    with tf.variable_scope("", reuse=True), pytest.raises(ValueError, match="Variable nope does not exist"):
        tf.get_variable("nope", [1])


def test_reuse_with_another_shape_is_refused(tf: Any) -> None:
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        tf.get_variable("w", [1])
        with pytest.raises(ValueError, match="shape"):
            tf.get_variable("w", [2])


def test_reuse_with_another_dtype_is_refused(tf: Any) -> None:
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        tf.get_variable("w", [1])
        with pytest.raises(ValueError, match="dtype"):
            tf.get_variable("w", [1], dtype=tf.int32)


def test_reuse_needs_no_shape(tf: Any) -> None:
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("w", [3]) is tf.get_variable("w")


def test_neither_shape_nor_initializer_is_refused(tf: Any) -> None:
    with pytest.raises(ValueError, match=r"[Ss]hape"):
        tf.get_variable("v")


def test_reuse_sees_only_what_get_variable_made(tf: Any) -> None:
    tf.Variable(1.0, name="v")
    with tf.variable_scope("", reuse=True), pytest.raises(ValueError, match="does not exist"):
        tf.get_variable("v", [])


def test_get_variable_after_a_variable_of_that_name(tf: Any) -> None:
    tf.Variable(1.0, name="scalar")
    assert tf.get_variable("scalar", shape=[]).name == "scalar_1:0"


def test_initializer_object(tf: Any, evaluate: Any) -> None:
    v = tf.get_variable("v", [2, 2], initializer=tf.constant_initializer(3.0))
    np.testing.assert_array_equal(evaluate(v), np.full((2, 2), 3.0, np.float32))


def test_initializer_class(tf: Any, evaluate: Any) -> None:
    np.testing.assert_array_equal(evaluate(tf.get_variable("v", [2], initializer=tf.ones_initializer)), [1.0, 1.0])


def test_initializer_function(tf: Any, evaluate: Any) -> None:
    def ramp(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        assert dtype == tf.float32
        return tf.reshape(tf.range(6.0), shape)

    np.testing.assert_array_equal(evaluate(tf.get_variable("v", [2, 3], initializer=ramp)), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("kind", ["tensor", "array"])
def test_initializer_value_brings_its_shape(tf: Any, evaluate: Any, kind: str) -> None:
    value = np.array([1.0, 2.0], np.float32)
    v = tf.get_variable("v", initializer=tf.constant(value) if kind == "tensor" else value)
    assert v.shape.as_list() == [2]
    np.testing.assert_array_equal(evaluate(v), value)


def test_initializer_tensor_with_a_shape_is_refused(tf: Any) -> None:
    with pytest.raises(ValueError):
        tf.get_variable("v", shape=[2], initializer=tf.constant([1.0, 2.0]))


def test_initializer_of_the_scope(tf: Any, evaluate: Any) -> None:
    with tf.variable_scope("a", initializer=tf.constant_initializer(0.25)), tf.variable_scope("b"):
        assert evaluate(tf.get_variable("v", [])) == 0.25


def test_shape_may_hold_dimensions(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 7])
    assert tf.get_variable("v", [x.shape[-1], 3]).shape.as_list() == [7, 3]
    assert tf.get_variable("w", [x.get_shape()[1], 2]).shape.as_list() == [7, 2]


def test_default_initializer_of_floats_is_glorot_uniform(tf: Any, evaluate: Any) -> None:
    value = evaluate(tf.get_variable("v", [300, 100]))
    limit = np.sqrt(6 / 400)
    assert np.abs(value).max() <= limit
    assert abs(value.std() - limit / np.sqrt(3)) < 0.01 * limit


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_default_initializer_of_others_is_zero(tf: Any, evaluate: Any, dtype: str) -> None:
    assert not evaluate(tf.get_variable("v", [3], dtype=getattr(tf, dtype))).any()


def test_default_dtype_is_float32(tf: Any) -> None:
    assert tf.get_variable("v", [3]).dtype.base_dtype == tf.float32


def test_get_variable_trainable_false(tf: Any) -> None:
    v = tf.get_variable("v", [1], trainable=False)
    assert v in tf.global_variables()
    assert v not in tf.trainable_variables()


def test_variable_scope_with_default_name_is_unique(tf: Any) -> None:
    names = []
    for _ in range(2):
        with tf.variable_scope(None, default_name="layer"):
            names.append(tf.get_variable("w", [1]).name)
    assert names == ["layer/w:0", "layer_1/w:0"]


def test_the_same_scopes_side_by_side(tf: Any) -> None:
    with tf.variable_scope("net"):
        for layer in ("one", "two"):
            with tf.variable_scope(layer):
                tf.get_variable("w", [1])
    assert [v.name for v in tf.global_variables()] == ["net/one/w:0", "net/two/w:0"]


def test_a_scope_function_in_a_name_scope(tf: Any) -> None:
    with tf.name_scope("n"), tf.variable_scope("v"):
        assert tf.get_variable("w", [1]).name == "v/w:0"
        assert tf.constant(1, name="c").name == "n/v/c:0"


def test_make_template_shares_its_variables(tf: Any) -> None:
    def scaled(x: Any, factor: float = 2.0) -> Any:
        return x * factor * tf.get_variable("v", [], initializer=tf.constant_initializer(3.0))

    first, other = tf.make_template("lin", scaled, factor=4.0), tf.make_template("lin", scaled)
    results = [
        first(tf.constant(1.0)),
        first(tf.constant(2.0)),
        first(tf.constant(1.0), factor=1.0),
        other(tf.constant(1.0)),
    ]
    assert [v.name for v in tf.global_variables()] == ["lin/v:0", "lin_1/v:0"]
    assert results[0].name == "lin/mul_1:0"
    assert results[1].name == "lin_1/mul_1:0"
    assert [v.name for v in first.variables] == ["lin/v:0"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(results) == [12.0, 24.0, 3.0, 6.0]
    tf.make_template("now", scaled, create_scope_now_=True)
    tf.make_template("now", scaled)(tf.constant(1.0))
    assert tf.global_variables()[-1].name == "now_1/v:0"
