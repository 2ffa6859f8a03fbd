"""Saver.save: names, files, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compat.saver.looks import files


def test_save_returns_the_prefix(tf: Any, session: Any) -> None:
    assert tf.train.Saver().save(session, "./m") == "./m"
    assert files() == {"checkpoint", "m.index", "m.meta", "m.data-00000-of-00001"}


def test_a_step_is_appended(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    assert saver.save(session, "./m", global_step=7) == "./m-7"
    assert saver.save(session, "./m", tf.constant(8)) == "./m-8"
    step = tf.train.get_or_create_global_step()
    session.run(step.initializer)
    assert saver.save(session, "./m", step) == "./m-0"
    assert saver.save(session, "./m", np.int64(9)) == "./m-9"
    assert {"m-7.index", "m-8.index", "m-0.index", "m-9.index"} < files()


def test_a_step_that_is_a_float_is_a_type_error(tf: Any, session: Any) -> None:
    with pytest.raises(TypeError):
        tf.train.Saver().save(session, "./m", global_step=2.5)


def test_a_padded_step(tf: Any, session: Any) -> None:
    assert tf.train.Saver(pad_step_number=True).save(session, "./m", 7) == "./m-00000007"


def test_the_file_checkpoint(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in (1, 2):
        saver.save(session, "my_tf_model", step)
    assert Path("checkpoint").read_text() == (
        'model_checkpoint_path: "my_tf_model-2"\n'
        'all_model_checkpoint_paths: "my_tf_model-1"\n'
        'all_model_checkpoint_paths: "my_tf_model-2"\n'
    )


def test_without_meta_graph(tf: Any, session: Any) -> None:
    tf.train.Saver().save(session, "./m", write_meta_graph=False)
    assert files() == {"checkpoint", "m.index", "m.data-00000-of-00001"}


def test_without_meta_graph_an_older_one_stays(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    saver.save(session, "./m")
    saver.save(session, "./m", write_meta_graph=False)
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph("./m.meta") is not None


def test_another_suffix_of_the_meta_graph(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=1)
    saver.save(session, "./m", meta_graph_suffix="graph")
    assert files() == {"checkpoint", "m.index", "m.graph", "m.data-00000-of-00001"}
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph("./m.graph").restore(other, "./m")
        assert other.run("w:0") == 3


def test_without_state(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    saver.save(session, "./m", write_state=False)
    assert "checkpoint" not in files()
    assert saver.last_checkpoints == []


def test_latest_filename(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    saver.save(session, "./m", latest_filename="mine")
    assert "mine" in files()
    assert tf.train.latest_checkpoint(".", "mine") == "./m"
    assert tf.train.latest_checkpoint(".") is None
    with pytest.raises(ValueError, match="must not contain path components"):
        saver.save(session, "./m", latest_filename="a/b")


def test_one_missing_folder_is_made(tf: Any, session: Any) -> None:
    assert tf.train.Saver().save(session, "one/m") == "one/m"
    assert "m.index" in files("one")


def test_two_missing_folders_are_a_value_error(tf: Any, session: Any) -> None:
    with pytest.raises(ValueError, match=r"Parent directory of .* doesn't exist, can't save\."):
        tf.train.Saver().save(session, "one/two/m")
    assert files() == set()


def test_an_uninitialized_variable_is_not_saved(tf: Any) -> None:
    tf.Variable(1.0, name="v")
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        tf.train.Saver().save(session, "./m")
    assert files() == set()


def test_save_needs_a_session(tf: Any, session: Any) -> None:
    with pytest.raises(TypeError, match="'sess' must be a Session"):
        tf.train.Saver().save(None, "./m")


def test_a_closed_session_is_a_runtime_error(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        saver.save(session, "./m")


def test_a_session_of_an_empty_graph_is_a_runtime_error(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    with tf.Session(graph=tf.Graph()) as other, pytest.raises(RuntimeError, match="graph is empty"):
        saver.save(other, "./m")


def test_saving_does_not_grow_the_graph(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    tf.get_default_graph().finalize()
    saver.restore(session, saver.save(session, "./m", 1))
