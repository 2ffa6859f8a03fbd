"""Names of operations and scopes, and finding things by name."""

from __future__ import annotations

import pytest

import labkit as lk
from labkit.errors import DTypeError, GraphError, InvalidArgumentError, NotFoundError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def test_a_name_given_twice_becomes_unique():
    assert [lk.constant(1, name="c").name for _ in range(3)] == ["c:0", "c_1:0", "c_2:0"]
    assert lk.constant(1, name="c_1").name == "c_1_1:0"


def test_upper_and_lower_case_are_the_same_name():
    with lk.name_scope("Loss"):
        pass
    assert lk.constant(1.0, name="loss").name == "loss_1:0"


def test_a_scope_entered_again_is_another():
    names = []
    for _ in range(2):
        with lk.name_scope("s") as scope:
            names += [scope, lk.constant(1, name="c").name]
    assert names == ["s/", "s/c:0", "s_1/", "s_1/c:0"]


def test_a_scope_with_its_slash_is_entered_as_it_is():
    with lk.name_scope("s") as scope:
        lk.constant(1, name="c")
    with lk.name_scope(scope) as again:
        assert (again, lk.constant(1, name="c").name) == ("s/", "s/c_1:0")


@pytest.mark.parametrize("root", [None, ""])
def test_no_name_is_the_root(root):
    with lk.name_scope("x"), lk.name_scope(root) as scope:
        assert (scope, lk.constant(1, name="c").name) == ("", "c:0")


def test_a_default_name_stands_in():
    with lk.name_scope(None, "default", [1.0]) as scope:
        assert scope == "default/"
    with lk.name_scope("given", "default") as scope:
        assert scope == "given/"
    with pytest.raises(ValueError, match="At least one of name and default_name"):
        lk.name_scope(None, None, [1.0])


def test_a_scope_follows_the_graph_of_its_values(graph):
    x = lk.constant(1.0)
    with lk.Graph().as_default():
        with lk.name_scope("s", values=[x]):
            assert graph.get_name_scope() == "s"
        with pytest.raises(GraphError, match="must be from the same graph"):
            lk.name_scope("s", values=[x, lk.constant(1.0)])


def test_an_operation_can_have_the_name_of_a_scope():
    with lk.name_scope("norm") as scope:
        assert lk.identity(1.0, name=scope).name == "norm:0"
        with pytest.raises(GraphError, match="named 'norm' already"):
            lk.identity(1.0, name=scope)


def test_names_are_made_of_allowed_characters():
    for bad in ("_c", "a b", "ä", "/x", "a:0", 3):
        with pytest.raises(InvalidArgumentError):
            lk.constant(1, name=bad)
        with pytest.raises(InvalidArgumentError), lk.name_scope(bad):
            pass
    with lk.name_scope("x"), lk.name_scope("_u"):
        assert lk.constant(1, name="_c").name == "x/_u/_c:0"


def test_unique_name_can_only_look(graph):
    assert graph.unique_name("s") == "s"
    assert graph.unique_name("s", mark_as_used=False) == graph.unique_name("s") == "s_1"


def test_looking_up_gives_the_same_object(graph):
    x = lk.placeholder(lk.float32, [None, 3], name="x")
    assert graph.get_tensor_by_name("x:0") is x
    assert graph.get_operation_by_name("x") is x.op
    assert graph.as_graph_element("x:0") is x
    assert graph.as_graph_element("x") is x.op
    assert graph.as_graph_element(x) is x
    assert x.graph is graph is lk.get_default_graph()
    assert (x.op.outputs, x.op.inputs, x.op.type, x.value_index) == ((x,), (), "Placeholder", 0)


def test_operations_stand_in_order_of_creation(graph):
    with lk.name_scope("b"):
        lk.constant(1)
    lk.constant(2, name="a")
    assert [op.name for op in graph.get_operations()] == ["b/Const", "a"]
    assert graph.version == 2


def test_an_unknown_name_is_a_key_error(graph):
    lk.constant(1, name="weights")
    for look, name in (
        (graph.get_tensor_by_name, "weight:0"),
        (graph.get_tensor_by_name, "weights:1"),
        (graph.get_operation_by_name, "weight"),
        (graph.as_graph_element, "weight"),
        (graph.as_graph_element, "weight:0"),
    ):
        with pytest.raises(KeyError, match=r"(not in the graph|does not exist).*Near: weights") as caught:
            look(name)
        assert isinstance(caught.value, NotFoundError)
        assert not str(caught.value).startswith(("'", '"'))  # KeyError alone would show the text's repr


def test_a_name_of_the_wrong_kind_is_a_value_error(graph):
    lk.constant(1, name="c")
    with pytest.raises(ValueError, match=r"refers to an operation.*Write 'c:0'"):
        graph.get_tensor_by_name("c")
    with pytest.raises(ValueError, match="Write 'c:0'"):
        graph.get_tensor_by_name("c:x")
    with pytest.raises(ValueError, match=r"refers to a tensor.*Write 'c'"):
        graph.get_operation_by_name("c:0")
    for look in (graph.get_operation_by_name, graph.get_tensor_by_name, graph.as_graph_element):
        with pytest.raises(TypeError):
            look(3)
    with pytest.raises(DTypeError, match="no Operation"):
        graph.as_graph_element(lk.constant(1), allow_tensor=False)


def test_another_graphs_element_is_a_value_error(graph):
    x = lk.constant(1.0)
    other = lk.Graph()
    with pytest.raises(ValueError, match="not an element of this graph"):
        other.as_graph_element(x)
    with other.as_default(), pytest.raises(ValueError, match="belong to the graph"):
        lk.add(x, lk.constant(1.0))
    assert lk.add(x, 1.0).graph is graph


def test_a_finalized_graph_does_not_grow(graph):
    graph.finalize()
    assert graph.finalized
    with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified"):
        lk.constant(1)


def test_reset_gives_an_empty_default_graph(graph):
    with pytest.raises(AssertionError, match="another graph's `with`"):
        lk.reset_default_graph()


def test_an_attribute_that_does_not_exist_is_a_value_error():
    x = lk.placeholder(lk.float32)
    assert x.op.get_attr("dtype") is lk.float32
    with pytest.raises(ValueError, match="no attribute 'nope'"):
        x.op.get_attr("nope")


def devices(*placements: object) -> str:
    from contextlib import ExitStack

    with ExitStack() as stack:
        for placement in placements:
            stack.enter_context(lk.device(placement))
        return lk.constant(1).op.device


@pytest.mark.parametrize(
    ("placements", "expected"),
    [
        ((), ""),
        (("/cpu:0",), "/device:CPU:0"),
        (("/gpu",), "/device:GPU:*"),
        (("/job:ps/task:0", "/cpu:0"), "/job:ps/task:0/device:CPU:0"),
        (("/cpu:0", "/gpu:1"), "/device:GPU:1"),
        (("/cpu:0", None), ""),
        (("/cpu:0", ""), "/device:CPU:0"),
        ((lambda op: "/gpu:0" if op.type == "Const" else "/cpu:0",), "/gpu:0"),
        (("/job:a", lambda op: "/gpu:0"), "/job:a/device:GPU:0"),
        ((lambda op: "/gpu:0", "/cpu:0"), "/gpu:0"),
        ((lambda op: op.device, "/cpu:0"), "/device:CPU:0"),
    ],
)
def test_a_device_is_recorded(placements, expected):
    assert devices(*placements) == expected


@pytest.mark.parametrize("bad", ["nonsense", "/xpu:0", "/task:x", 3])
def test_what_is_no_device_is_refused(bad):
    with pytest.raises(ValueError), lk.device(bad):
        pass
