"""Saver.restore: what fits, what does not, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compat.saver.looks import variable


def test_restore_needs_no_initializer(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    prefix = saver.save(session, "./m")
    with tf.Session() as other:
        saver.restore(other, prefix)
        np.testing.assert_array_equal(other.run("v:0"), [1, 2])


def test_restore_under_another_name(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    u = tf.Variable(0.0, name="u")
    tf.train.Saver({"w": u}).restore(session, prefix)
    assert session.run(u) == 3


def test_restore_of_a_part_leaves_the_rest(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    session.run([tf.assign(variable(tf, "v"), [5, 6]), tf.assign(variable(tf, "w"), 7)])
    tf.train.Saver([variable(tf, "w")]).restore(session, prefix)
    np.testing.assert_array_equal(session.run("v:0"), [5, 6])
    assert session.run("w:0") == 3


def test_a_missing_key_is_named(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    tf.Variable(0.0, name="unheard_of")
    with pytest.raises(tf.errors.NotFoundError, match="Key unheard_of not found in checkpoint"):
        tf.train.Saver().restore(session, prefix)


@pytest.mark.parametrize("value", [[0.0, 0.0], 1])
def test_another_shape_or_dtype_is_an_invalid_argument(tf: Any, session: Any, value: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.train.Saver({"w": tf.Variable(value)}).restore(session, prefix)


@pytest.mark.ours_only("in TensorFlow the variables that fit may have been set")
@pytest.mark.parametrize("name", ["u", "w"])
def test_restore_is_all_or_nothing(tf: Any, session: Any, name: str) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    v = variable(tf, "v")
    session.run(tf.assign(v, [5, 6]))
    with pytest.raises((tf.errors.NotFoundError, tf.errors.InvalidArgumentError)):
        tf.train.Saver({"v": v, name: tf.Variable([0, 0])}).restore(session, prefix)
    np.testing.assert_array_equal(session.run(v), [5, 6])


def test_restoring_none_is_a_value_error(tf: Any, session: Any) -> None:
    with pytest.raises(ValueError, match="Can't load save_path when it is None"):
        tf.train.Saver().restore(session, None)


def test_restoring_what_is_not_there_is_a_value_error(tf: Any, session: Any) -> None:
    with pytest.raises(ValueError, match="The passed save_path is not a valid checkpoint"):
        tf.train.Saver().restore(session, "./nothing")


def test_damaged_values_are_a_data_loss(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    prefix = saver.save(session, "./m")
    path = Path("m.data-00000-of-00001")
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        saver.restore(session, prefix)


@pytest.mark.ours_only("TensorFlow names the damaged one")
def test_the_latest_checkpoint_is_a_valid_one(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in (1, 2):
        saver.save(session, "./m", step)
    Path("m-2.data-00000-of-00001").write_bytes(b"")
    with pytest.warns(UserWarning, match="uses ./m-1"):
        assert tf.train.latest_checkpoint(".") == "./m-1"
