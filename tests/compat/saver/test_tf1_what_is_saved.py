"""What a Saver saves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.compat.saver.looks import variable


def test_without_variables_there_is_nothing_to_save(tf: Any) -> None:
    for chosen in (None, [], {}):
        with pytest.raises(ValueError, match="No variables to save"):
            tf.train.Saver(chosen)


def test_the_variables_existing_when_it_is_made_are_saved(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    session.run(tf.Variable(4.0, name="later").initializer)
    assert tf.train.list_variables(saver.save(session, "./m")) == [("v", [2]), ("w", [])]


def test_local_variables_are_not_saved(tf: Any, session: Any) -> None:
    tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    assert tf.train.list_variables(tf.train.Saver().save(session, "./m")) == [("v", [2]), ("w", [])]


def test_slots_are_saved(tf: Any) -> None:
    w = tf.Variable(3.0, name="w")
    tf.train.AdamOptimizer().minimize(w * w)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        names = [name for name, _ in tf.train.list_variables(tf.train.Saver().save(session, "./m"))]
    assert names == ["beta1_power", "beta2_power", "w", "w/Adam", "w/Adam_1"]


def test_random_operations_add_no_variable(tf: Any, session: Any) -> None:
    noise = tf.random_normal([2])
    saver = tf.train.Saver()
    session.run(noise)
    assert tf.train.list_variables(saver.save(session, "./m")) == [("v", [2]), ("w", [])]


@pytest.mark.ours_only("TensorFlow saves no state of random operations")
def test_a_restored_program_draws_on(tf: Any, session: Any) -> None:
    noise = tf.random_normal([2])
    saver = tf.train.Saver()
    session.run(noise)
    prefix = saver.save(session, "./m")
    expected = session.run(noise)
    with tf.Session() as other:
        saver.restore(other, prefix)
        np.testing.assert_array_equal(other.run(noise), expected)


def test_a_list_is_saved(tf: Any, session: Any) -> None:
    saver = tf.train.Saver([variable(tf, "w")])
    assert tf.train.list_variables(saver.save(session, "./m")) == [("w", [])]


def test_a_dict_is_saved_under_its_names(tf: Any, session: Any) -> None:
    saver = tf.train.Saver({"other": variable(tf, "w")})
    assert tf.train.list_variables(saver.save(session, "./m")) == [("other", [])]


def test_a_variable_given_twice_is_a_value_error(tf: Any, session: Any) -> None:
    v = variable(tf, "v")
    with pytest.raises(ValueError, match="At least two variables have the same name: v"):
        tf.train.Saver([v, v])
    with pytest.raises(ValueError, match="two names"):
        tf.train.Saver({"a": v, "b": v})


def test_a_tensor_is_no_variable(tf: Any, session: Any) -> None:
    with pytest.raises(TypeError, match="is not a Variable"):
        tf.train.Saver([variable(tf, "v") + 1])
