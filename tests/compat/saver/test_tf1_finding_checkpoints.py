"""Checkpoints in folders: found, and read without a graph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_no_folder_has_no_state(tf: Any) -> None:
    assert tf.train.get_checkpoint_state("nowhere") is None
    assert tf.train.latest_checkpoint("nowhere") is None


def test_the_state_of_a_folder(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in (1, 2):
        saver.save(session, "logs/m", step)
    state = tf.train.get_checkpoint_state("logs")
    assert state.model_checkpoint_path == "logs/m-2"
    assert list(state.all_model_checkpoint_paths) == ["logs/m-1", "logs/m-2"]
    assert tf.train.latest_checkpoint("logs") == "logs/m-2"


def test_an_absolute_folder(tf: Any, session: Any, tmp_path: Path) -> None:
    prefix = tf.train.Saver().save(session, str(tmp_path / "m"))
    assert tf.train.get_checkpoint_state(str(tmp_path)).model_checkpoint_path == prefix


def test_update_checkpoint_state(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for name in "ab":
        saver.save(session, "logs/" + name)
    tf.train.update_checkpoint_state("logs", "logs/a")
    assert tf.train.latest_checkpoint("logs") == "logs/a"
    tf.train.update_checkpoint_state("logs", "logs/b", all_model_checkpoint_paths=["logs/a"])
    assert list(tf.train.get_checkpoint_state("logs").all_model_checkpoint_paths) == ["logs/a", "logs/b"]


@pytest.mark.filterwarnings("ignore:tf.train.latest_checkpoint")
def test_a_checkpoint_that_is_gone_is_not_the_latest(tf: Any, session: Any) -> None:
    tf.train.remove_checkpoint(tf.train.Saver().save(session, "./m"))
    assert tf.train.latest_checkpoint(".") is None


def test_checkpoint_exists(tf: Any, session: Any) -> None:
    assert not tf.train.checkpoint_exists("./m")
    assert tf.train.checkpoint_exists(tf.train.Saver().save(session, "./m"))


def test_mtimes(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    (time,) = tf.train.get_checkpoint_mtimes([prefix, "./gone"])
    assert abs(time - os.path.getmtime("m.index")) < 2


def test_a_reader(tf: Any, session: Any) -> None:
    reader = tf.train.NewCheckpointReader(tf.train.Saver().save(session, "./m"))
    assert reader.get_variable_to_shape_map() == {"v": [2], "w": []}
    assert reader.get_variable_to_dtype_map() == {"v": tf.float32, "w": tf.float32}
    assert reader.has_tensor("v")
    assert not reader.has_tensor("u")
    np.testing.assert_array_equal(reader.get_tensor("v"), [1, 2])
    with pytest.raises(tf.errors.NotFoundError, match="Key u not found in checkpoint"):
        reader.get_tensor("u")


def test_what_is_not_there_cannot_be_read(tf: Any) -> None:
    for read in (tf.train.NewCheckpointReader, tf.train.list_variables):
        with pytest.raises(tf.errors.NotFoundError):
            read("./m")


def test_load_variable(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    assert tf.train.load_variable(prefix, "w") == tf.train.load_variable(".", "w:0") == 3
