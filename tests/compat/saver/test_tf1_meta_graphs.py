"""Graphs that come back from P.meta."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.saver.looks import files, variable


def line(tf: Any) -> Any:
    """A graph that learns a line; its train operation stands in a collection by itself."""
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.placeholder(tf.float32, [None], name="y")
    w = tf.Variable(0.0, name="w")
    loss = tf.reduce_mean(tf.square(w * x - y), name="loss")
    step = tf.train.get_or_create_global_step()
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, step, name="train")
    tf.add_to_collection("loss", loss)
    return {"x:0": [1, 2], "y:0": [2, 4]}


def test_a_graph_comes_back_and_trains_on(tf: Any) -> None:
    points = line(tf)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run("train", points)
        prefix = saver.save(session, "logs/line", tf.train.get_global_step())
        session.run("train", points)
        expected = session.run("w:0")
    assert prefix == "logs/line-1"
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph(prefix + ".meta").restore(other, tf.train.latest_checkpoint("logs"))
        (train,) = tf.get_collection(tf.GraphKeys.TRAIN_OP)
        (loss,) = tf.get_collection("loss")
        assert (train.name, loss.name) == ("train", "loss:0")
        assert [v.name for v in tf.trainable_variables()] == ["w:0"]
        other.run(train, points)
        assert other.run("w:0") == expected
        assert other.run(tf.train.get_global_step()) == 2
        assert other.run(tf.get_default_graph().get_tensor_by_name("loss:0"), points) > 0


def test_a_saver_that_came_back_saves_what_it_saved(tf: Any, session: Any) -> None:
    tf.train.Saver({"other": variable(tf, "w")}, max_to_keep=1).save(session, "./m")
    with tf.Graph().as_default(), tf.Session() as other:
        saver = tf.train.import_meta_graph("./m.meta")
        saver.restore(other, "./m")
        assert tf.train.list_variables(saver.save(other, "./n", 1)) == [("other", [])]
        saver.save(other, "./n", 2)
    assert "n-1.index" not in files()


def test_a_scope_in_front_changes_no_name_in_the_checkpoint(tf: Any, session: Any) -> None:
    tf.train.Saver().save(session, "./m")
    with tf.Graph().as_default(), tf.Session() as other:
        saver = tf.train.import_meta_graph("./m.meta", import_scope="again")
        saver.restore(other, "./m")
        assert other.run("again/w:0") == 3
        assert tf.train.list_variables(saver.save(other, "./n")) == [("v", [2]), ("w", [])]


def test_a_meta_graph_without_saver(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m", write_meta_graph=False)
    tf.train.export_meta_graph("graph.meta")
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph("graph.meta").restore(other, prefix)
        assert other.run("w:0") == 3


def test_a_meta_graph_of_the_saver(tf: Any, session: Any) -> None:
    saver = tf.train.Saver({"other": variable(tf, "w")})
    prefix = saver.save(session, "./m", write_meta_graph=False)
    saver.export_meta_graph("graph.meta")
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph("graph.meta", clear_devices=True).restore(other, prefix)
        assert other.run("w:0") == 3


def test_a_graph_without_variables_needs_no_saver(tf: Any) -> None:
    tf.constant(1, name="c")
    tf.train.export_meta_graph("graph.meta")
    with tf.Graph().as_default() as graph:
        assert tf.train.import_meta_graph("graph.meta") is None
        assert graph.get_tensor_by_name("c:0").name == "c:0"


def test_a_meta_graph_that_is_not_there_is_an_os_error(tf: Any) -> None:
    with pytest.raises(OSError, match=r"File does not exist. Received: \./m\.meta"):
        tf.train.import_meta_graph("./m.meta")
