"""Graphs: looking things up by name, default graphs, and what belongs to which graph."""

from __future__ import annotations

from typing import Any

import pytest


def test_get_tensor_by_name_gives_the_same_object(tf: Any) -> None:
    x = tf.placeholder(tf.float32, name="input")
    assert tf.get_default_graph().get_tensor_by_name("input:0") is x


def test_get_tensor_by_name_of_something_unknown_is_a_key_error(tf: Any) -> None:
    with pytest.raises(KeyError, match="does not exist"):
        tf.get_default_graph().get_tensor_by_name("nope:0")


def test_get_tensor_by_name_of_an_output_it_has_not_is_a_key_error(tf: Any) -> None:
    tf.constant(1, name="a")
    with pytest.raises(KeyError):
        tf.get_default_graph().get_tensor_by_name("a:1")


def test_get_tensor_by_name_without_a_number_is_a_value_error(tf: Any) -> None:
    tf.constant(1, name="a")
    with pytest.raises(ValueError):
        tf.get_default_graph().get_tensor_by_name("a")


def test_get_operation_by_name(tf: Any) -> None:
    x = tf.constant(1, name="a")
    assert tf.get_default_graph().get_operation_by_name("a") is x.op


def test_get_operation_by_name_of_something_unknown_is_a_key_error(tf: Any) -> None:
    with pytest.raises(KeyError):
        tf.get_default_graph().get_operation_by_name("nope")


def test_get_operation_by_name_with_a_number_is_a_value_error(tf: Any) -> None:
    tf.constant(1, name="a")
    with pytest.raises(ValueError):
        tf.get_default_graph().get_operation_by_name("a:0")


def test_the_name_of_an_operation_gives_its_outputs(tf: Any) -> None:
    x = tf.constant(1, name="a")
    op = tf.get_default_graph().get_operation_by_name("a")
    assert op.name == "a"
    assert len(op.outputs) == 1
    assert op.outputs[0] is x
    assert op.graph is x.graph


def test_operations_know_their_inputs(tf: Any) -> None:
    x, y = tf.constant(1, name="x"), tf.constant(2, name="y")
    z = tf.add(x, y)
    assert [tensor.name for tensor in z.op.inputs] == ["x:0", "y:0"]
    assert [op.name for op in x.consumers()] == ["Add"]


def test_a_variable_is_found_by_the_name_of_its_tensor(tf: Any) -> None:
    v = tf.Variable(2.0, name="v")
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(tf.get_default_graph().get_tensor_by_name("v:0")) == 2.0


def test_a_tensor_belongs_to_the_default_graph(tf: Any) -> None:
    assert tf.constant(1).graph is tf.get_default_graph()


def test_as_graph_def_can_be_printed(tf: Any) -> None:
    tf.constant([1.0, 2.0], name="my_const")
    text = str(tf.get_default_graph().as_graph_def())
    assert 'name: "my_const"' in text
    assert 'op: "Const"' in text


def test_as_graph_def_lists_every_node(tf: Any) -> None:
    tf.add(tf.constant(1, name="a"), tf.constant(2, name="b"), name="c")
    assert [node.name for node in tf.get_default_graph().as_graph_def().node] == ["a", "b", "c"]


def test_as_default_holds_within_its_block(tf: Any) -> None:
    outer, graph = tf.get_default_graph(), tf.Graph()
    with graph.as_default() as entered:
        assert entered is graph
        assert tf.get_default_graph() is graph
        assert tf.constant(1).graph is graph
    assert tf.get_default_graph() is outer


def test_default_graphs_nest(tf: Any) -> None:
    first, second = tf.Graph(), tf.Graph()
    with first.as_default():
        with second.as_default():
            assert tf.get_default_graph() is second
        assert tf.get_default_graph() is first


def test_a_session_makes_its_graph_the_default(tf: Any) -> None:
    graph = tf.Graph()
    with tf.Session(graph=graph) as session:
        assert tf.get_default_graph() is graph
        assert tf.get_default_session() is session
        assert session.graph is graph
    assert tf.get_default_graph() is not graph


def test_elements_of_two_graphs_do_not_mix(tf: Any) -> None:
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        y = tf.constant(1.0)
        with pytest.raises(ValueError):
            tf.add(x, y)


def test_fetching_from_another_graph_is_a_value_error(tf: Any) -> None:
    x, graph = tf.constant(1.0), tf.Graph()
    with graph.as_default():
        tf.constant(2.0)
    with tf.Session(graph=graph) as session, pytest.raises(ValueError):
        session.run(x)


def test_running_an_empty_graph_is_a_runtime_error(tf: Any) -> None:
    x = tf.constant(1.0)
    with tf.Session(graph=tf.Graph()) as session, pytest.raises(RuntimeError):
        session.run(x)


def test_feeding_a_tensor_of_another_graph_is_refused(tf: Any) -> None:
    x, graph = tf.placeholder(tf.float32), tf.Graph()
    with graph.as_default():
        y = tf.constant(2.0)
    with tf.Session(graph=graph) as session, pytest.raises((TypeError, ValueError)):
        session.run(y, {x: 1.0})


def test_reset_default_graph_makes_a_new_one(tf: Any) -> None:
    before = tf.constant(1, name="a").graph
    tf.reset_default_graph()
    assert tf.get_default_graph() is not before
    assert tf.get_default_graph().get_operations() == []
    assert tf.constant(1, name="a").name == "a:0"


def test_reset_default_graph_within_another_graph_is_an_assertion_error(tf: Any) -> None:
    with tf.Graph().as_default(), pytest.raises(AssertionError):
        tf.reset_default_graph()


def test_a_finalized_graph_does_not_grow(tf: Any) -> None:
    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant(1.0)
        graph.finalize()
        assert graph.finalized
        with pytest.raises(RuntimeError, match="finalized"):
            tf.constant(2.0)
    with tf.Session(graph=graph) as session:
        assert session.run(x) == 1.0


def test_import_graph_def_with_a_prefix_and_an_input_map(tf: Any) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, name="x")
        tf.multiply(x, 3.0, name="y")
        exported = graph.as_graph_def()
    mine = tf.constant(2.0, name="mine")
    (y,) = tf.import_graph_def(exported, input_map={"x:0": mine}, return_elements=["y:0"], name="net")
    assert y.name == "net/y:0"
    with tf.Session() as session:
        assert session.run(y) == 6.0


def test_import_graph_def_names_its_nodes_import(tf: Any) -> None:
    with tf.Graph().as_default() as graph:
        tf.constant(2.0, name="c")
        exported = graph.as_graph_def()
    tf.import_graph_def(exported)
    assert tf.get_default_graph().get_tensor_by_name("import/c:0").dtype == tf.float32


def test_collections_of_a_graph(tf: Any) -> None:
    tf.add_to_collection("mine", 1)
    tf.get_default_graph().add_to_collection("mine", 2)
    assert tf.get_collection("mine") == [1, 2]
    assert tf.get_collection("other") == []
    with tf.Graph().as_default():
        assert tf.get_collection("mine") == []


def test_get_collection_gives_a_copy_and_get_collection_ref_the_list(tf: Any) -> None:
    tf.add_to_collection("mine", 1)
    tf.get_collection("mine").append(2)
    assert tf.get_collection("mine") == [1]
    tf.get_collection_ref("mine").append(3)
    assert tf.get_collection("mine") == [1, 3]


def test_graph_seed_belongs_to_the_graph(tf: Any) -> None:
    tf.set_random_seed(7)
    assert tf.get_default_graph().seed == 7
    with tf.Graph().as_default() as graph:
        assert graph.seed is None


def test_a_frozen_graph_is_written_and_read(tf: Any, tmp_path: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.Variable([[1.0], [2.0]], name="w")
    unused = tf.Variable(0.0, name="unused")
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(x, w), lambda: tf.matmul(x, w) * 0.0)
    tf.identity(y, name="out")
    tf.train.GradientDescentOptimizer(0.1).minimize(unused * unused)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(w.assign_add([[1.0], [1.0]]))
        frozen = tf.graph_util.convert_variables_to_constants(session, session.graph_def, ["out"])
        with pytest.raises((AssertionError, KeyError)):
            tf.graph_util.extract_sub_graph(session.graph_def, ["nope"])
    with tf.gfile.GFile(str(tmp_path / "model.pb"), "wb") as file:
        file.write(frozen.SerializeToString())
    read = tf.GraphDef()
    with tf.gfile.GFile(str(tmp_path / "model.pb"), "rb") as file:
        read.ParseFromString(file.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(read, name="model")
        assert "model/unused" not in [op.name for op in graph.get_operations()]
        assert graph.get_operation_by_name("model/w").type == "Const"
        with tf.Session() as session:  # without an initializer
            assert session.run("model/out:0", {"model/x:0": [[1.0, 1.0]]}).tolist() == [[5.0]]
            assert session.run("model/out:0", {"model/x:0": [[-1.0, 0.0]]}).tolist() == [[0.0]]
