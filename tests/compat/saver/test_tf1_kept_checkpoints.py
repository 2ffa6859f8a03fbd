"""Which of a Saver's checkpoints stay."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.saver.looks import files


def test_five_stay(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in range(7):
        saver.save(session, "./m", step)
    assert saver.last_checkpoints == [f"./m-{step}" for step in range(2, 7)]
    assert sum(name.endswith(".index") for name in files()) == 5
    assert sum(name.endswith(".meta") for name in files()) == 5


def test_names_without_steps_go_too(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    for name in "abc":
        saver.save(session, "./" + name)
    assert saver.last_checkpoints == ["./b", "./c"]
    assert {name[0] for name in files() - {"checkpoint"}} == {"b", "c"}


def test_a_name_used_again_is_the_newest(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    for name in "aba":
        saver.save(session, "./" + name)
    assert saver.last_checkpoints == ["./b", "./a"]


@pytest.mark.parametrize("count", [0, None])
def test_all_stay(tf: Any, session: Any, count: int | None) -> None:
    saver = tf.train.Saver(max_to_keep=count)
    for step in range(7):
        saver.save(session, "./m", step)
    assert sum(name.endswith(".index") for name in files()) == 7
    assert saver.last_checkpoints == []
    assert tf.train.get_checkpoint_state(".").all_model_checkpoint_paths == ["./m-6"]


def test_a_saver_removes_only_its_own(tf: Any, session: Any) -> None:
    first, second = tf.train.Saver(max_to_keep=1), tf.train.Saver(max_to_keep=1)
    first.save(session, "./m", 1)
    second.save(session, "./m", 2)
    assert {"m-1.index", "m-2.index"} < files()


def test_one_in_so_many_hours_stays(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=-1e-9)
    for step in range(3):
        saver.save(session, "./m", step)
    assert {"m-0.index", "m-1.index", "m-2.index"} < files()


def test_set_and_recover_last_checkpoints(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    saver.save(session, "./a")
    saver.set_last_checkpoints(["./a", "./gone"])
    assert saver.last_checkpoints == ["./a", "./gone"]
    saver.recover_last_checkpoints(["./a", "./gone"])
    assert saver.last_checkpoints == ["./a"]


def test_a_program_that_starts_again_goes_on_to_remove(tf: Any, session: Any) -> None:
    tf.train.Saver(max_to_keep=2).save(session, "./a")
    saver = tf.train.Saver(max_to_keep=2)
    saver.recover_last_checkpoints(tf.train.get_checkpoint_state(".").all_model_checkpoint_paths)
    for name in "bc":
        saver.save(session, "./" + name)
    assert "a.index" not in files()


def test_remove_checkpoint(tf: Any, session: Any) -> None:
    tf.train.remove_checkpoint(tf.train.Saver().save(session, "./m"))
    assert files() == {"checkpoint"}
