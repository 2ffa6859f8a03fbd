"""Collections of a graph."""

from __future__ import annotations

import pytest

import labkit as lk


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def test_a_collection_keeps_order_and_repeats(graph):
    for value in (2, 1, 2):
        lk.add_to_collection("mine", value)
    assert lk.get_collection("mine") == graph.get_collection("mine") == [2, 1, 2]
    assert lk.get_collection("other") == []


def test_a_collection_is_read_as_a_copy(graph):
    lk.add_to_collection("mine", 1)
    lk.get_collection("mine").append(2)
    assert lk.get_collection("mine") == [1]
    lk.get_collection_ref("mine").append(2)
    lk.get_collection_ref("new").append(3)
    assert (lk.get_collection("mine"), lk.get_collection("new")) == ([1, 2], [3])
    graph.clear_collection("mine")
    assert lk.get_collection("mine") == []


@pytest.mark.parametrize("names", [["a", "b", "a"], ("a", "b"), {"a": 0, "b": 0}])
def test_several_collections_take_it_once_each(names, graph):
    lk.add_to_collections(names, 1)
    assert (lk.get_collection("a"), lk.get_collection("b")) == ([1], [1])
    assert graph.get_all_collection_keys() == ["a", "b"]


def test_one_key_is_enough_for_several():
    lk.add_to_collections("abc", 1)
    assert lk.get_collection("abc") == [1]


def test_a_scope_is_the_beginning_of_a_name_as_a_regular_expression():
    made = [lk.Variable(1.0, name=name) for name in ("q/w", "q_next/w", "other/q")]
    lk.add_to_collection("mine", "nameless")
    for variable in made:
        lk.add_to_collection("mine", variable)
    for scope, expected in (("q", made[:2]), ("q/", made[:1]), ("q.*next", made[1:2]), (None, ["nameless", *made])):
        assert lk.get_collection("mine", scope=scope) == expected
    assert lk.get_collection(lk.GraphKeys.GLOBAL_VARIABLES, "q") == made[:2]


def test_each_graph_has_its_own(graph):
    lk.add_to_collection("mine", 1)
    with lk.Graph().as_default():
        assert lk.get_collection("mine") == []


def test_the_keys_are_those_that_saved_graphs_hold():
    assert lk.GraphKeys.TRAINABLE_VARIABLES == "trainable_variables"
    assert lk.GraphKeys.GLOBAL_VARIABLES == "variables"
    assert lk.GraphKeys.UPDATE_OPS == "update_ops"
