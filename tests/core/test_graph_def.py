"""Graphs as plain data: export, the text form, import under a prefix and with other inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core.exchange.graph_def import NodeDef
from labkit.core.verify import verify_graph
from labkit.errors import (
    ArgumentError,
    DTypeError,
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    LabkitError,
    ShapeError,
)


def small() -> lk.Graph:
    """y = x v + my_const after a control input, with a variable."""
    graph = lk.Graph()
    with graph.as_default():
        x = lk.placeholder(lk.float32, [None, 2], name="x")
        v = lk.Variable([[1.0], [2.0]], name="v")
        c = lk.constant(3.0, name="my_const")
        with lk.control_dependencies([c]):
            y = lk.matmul(x, v, name="y")
        lk.add(y, c, name="z")
    return graph


def reread(graph: lk.Graph) -> lk.GraphDef:
    """The graph's description by way of its text."""
    text = graph.as_graph_def().to_json()
    read = lk.GraphDef.from_json(text)
    assert read.to_json() == text
    return read


def names(graph: lk.Graph) -> list[str]:
    return [op.name for op in graph.operations]


def test_a_description_lists_operations_as_they_were_made() -> None:
    described = small().as_graph_def()
    listed = [(node.name, node.op, node.input) for node in described.node]
    assert listed[:2] == [("x", "Placeholder", []), ("v/initial_value", "Const", [])]
    assert listed[-2:] == [("y", "MatMul", ["x", "v/read", "^my_const"]), ("z", "Add", ["y", "my_const"])]
    assert __file__ in described.node[0].line
    text = str(described)
    assert 'node {\n  name: "my_const"\n  op: "Const"\n' in text
    assert "float_val: 3.0" in text
    assert 'input: "^my_const"' in text
    value = described.node[4].attr["value"]
    with pytest.raises(ValueError, match="read-only"):
        value[...] = 4


def test_names_after_imports() -> None:
    described = reread(small())
    with lk.Graph().as_default() as graph:
        assert lk.import_graph_def(described) is None
        lk.import_graph_def(described)
        own = names(small())
        assert names(graph) == [f"import/{n}" for n in own] + [f"import_1/{n}" for n in own]
        assert lk.constant(1, name="import").op.name == "import_2"
        lk.import_graph_def(described, name="")
        assert names(graph)[-len(own) :] == own
        lk.import_graph_def(described, name="")
        assert names(graph)[-len(own) :] == [f"{n}_1" for n in own]
        for last in ("foo/z", "foo/z_1"):
            lk.import_graph_def(described, name="foo/")
            assert names(graph)[-1] == last
        with lk.name_scope("sc"):
            lk.import_graph_def(described, name="a")
            assert names(graph)[-1] == "sc/a/z"
            lk.import_graph_def(described, name="")
            assert names(graph)[-1] == "z_2"
        lk.import_graph_def(described, name="p/q")
        assert names(graph)[-1] == "p/q/z"
        before = names(graph)
        with pytest.raises(InvalidArgumentError):
            lk.import_graph_def(described, name="p q")
        assert names(graph) == before
        verify_graph(graph)


def test_an_imported_graph_computes_the_same() -> None:
    described = reread(small())
    with lk.Graph().as_default(), lk.Session() as session:
        (z, initializer) = lk.import_graph_def(described, return_elements=["z:0", "v/Assign"])
        session.run(initializer)
        np.testing.assert_array_equal(session.run(z, {"import/x:0": [[1, 2], [3, 4]]}), [[8], [14]])
        (slope,) = lk.gradients(z, z.graph.get_tensor_by_name("import/v:0"))
        np.testing.assert_array_equal(session.run(slope, {"import/x:0": [[1, 2], [3, 4]]}), [[4], [6]])


def test_an_imported_variable_tells_how_it_is_initialized() -> None:
    with lk.Graph().as_default() as graph:
        lk.identity(lk.Variable(2.0, name="v"), name="y")
    with lk.Graph().as_default(), lk.Session() as session:
        (y,) = lk.import_graph_def(graph.as_graph_def(), return_elements=["y:0"])
        session.run(lk.global_variables_initializer())  # knows the graph's own variables only
        with pytest.raises(FailedPreconditionError, match=r"run 'import/v/Assign' in this session"):
            session.run(y)
        session.run("import/v/Assign")
        assert session.run(y) == 2


def test_each_import_asks_a_python_function_anew() -> None:
    with lk.Graph().as_default() as graph:
        x = lk.placeholder(lk.float64, [], name="x")
        seen: list[float] = []

        def body(i: lk.Tensor, a: lk.Tensor) -> tuple[lk.Tensor, lk.Tensor]:
            factor = lk.py_func(lambda b: seen.append(float(b)) or b, [lk.stop_gradient(a)], lk.float64)
            return i + 1, a * lk.reshape(factor, [])

        y = lk.while_loop(lambda i, a: i < 2, body, [0, x])[1]
        lk.identity(lk.gradients(y, x)[0], name="slope")
        described = graph.as_graph_def()
    with lk.Graph().as_default(), lk.Session() as session:
        slopes = [lk.import_graph_def(described, {"x": lk.constant(x, lk.float64)}, ["slope:0"])[0] for x in (2.0, 3.0)]
        assert session.run(slopes) == [8.0, 27.0]
        assert sorted(seen) == [2.0, 3.0, 4.0, 9.0]  # a gradient calls nothing again


def test_other_inputs() -> None:
    described = reread(small())
    with lk.Graph().as_default() as graph, lk.Session() as session:
        k = lk.ones([5, 2], name="k")
        y, z, x, op = lk.import_graph_def(described, {"x:0": k}, ["y:0", "z", "x:0", "x"])
        assert (y.name, y.dims, z.name, op.name) == ("import/y:0", (5, 1), "import/z", "import/x")
        assert x is k
        assert y.op.inputs[0] is k
        w = lk.Variable([[3.0], [4.0]], name="w")
        y, assign = lk.import_graph_def(described, {"v": w, "x": np.ones((3, 2), np.float32)}, ["y:0", "v/Assign"])
        session.run(assign)  # writes w, which stands for v
        np.testing.assert_array_equal(session.run(y), [[3], [3], [3]])
        np.testing.assert_array_equal(session.read(w), [[1], [2]])
        assert "import_1/_inputs/Const" in graph
        (op,) = lk.import_graph_def(described, {"^my_const": k, "z:0": k}, return_elements=["y"])
        assert [c.name for c in op.control_inputs] == ["k"]
        with lk.control_dependencies([k]):
            x, y = lk.import_graph_def(described, return_elements=["x", "y"])
        assert [c.name for c in x.control_inputs] == ["k"]
        assert [c.name for c in y.control_inputs] == ["import_3/my_const", "k"]
        verify_graph(graph)


def test_wrong_arguments_change_nothing() -> None:
    described = reread(small())
    with lk.Graph().as_default() as graph:
        k = lk.ones([5, 2], name="k")
        wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, r"not found in graph_def: \[nope:0\]", {"input_map": {"nope": k}}),
            (ValueError, r"not found in graph_def: \[\^nope, x:1\]", {"input_map": {"^nope": k, "x:1": k}}),
            (ValueError, "no tensor's name", {"input_map": {"x:a": k}}),
            (TypeError, "must be a dictionary", {"input_map": [1]}),
            (TypeError, "must be strings", {"input_map": {3: k}}),
            (DTypeError, "'import/y' cannot be imported", {"input_map": {"x": lk.constant([[1, 2]])}}),
            (ShapeError, "'import/y' cannot be imported", {"input_map": {"x": lk.ones([2, 5])}}),
            (InvalidArgumentError, "is a variable", {"input_map": {"v": lk.ones([2, 1])}}),
            (GraphError, "another graph", {"input_map": {"x": small().get_tensor_by_name("x:0")}}),
            (ValueError, "Requested return node 'nope' not found", {"return_elements": ["nope"]}),
            (ValueError, "Requested return tensor 'nope:0' not found", {"return_elements": ["nope:0"]}),
            (ValueError, "Requested return tensor 'y:3'", {"return_elements": ["y:3"]}),
            (ValueError, "no tensor's name", {"return_elements": ["y:a"]}),
            (TypeError, "must be a list of strings", {"return_elements": [3]}),
        ]
        before = graph.as_graph_def().to_json()
        for kind, text, arguments in wrong:
            with pytest.raises(kind, match=text) as caught:
                lk.import_graph_def(described, **arguments)
            assert isinstance(caught.value, LabkitError)
            assert graph.as_graph_def().to_json() == before
        with pytest.raises(ArgumentError, match="must be a GraphDef"):
            lk.import_graph_def(None)  # type: ignore[arg-type]
        assert lk.import_graph_def(described, return_elements=[]) == []
        graph.finalize()
        with pytest.raises(GraphError, match="finalized"):
            lk.import_graph_def(described)


def _rename(node: NodeDef, name: str) -> None:
    node.name = name


BROKEN: list[tuple[str, Callable[[list[NodeDef]], Any]]] = [
    ("not registered 'Matmul'.*Near: MatMul", lambda nodes: setattr(nodes[-2], "op", "Matmul")),
    ("Node 'z': Unknown input node 'gone'", lambda nodes: setattr(nodes[-1], "input", ["gone", "my_const"])),
    ("Unknown input node 'y:1'", lambda nodes: setattr(nodes[-1], "input", ["y:1", "my_const"])),
    (r"Unknown input node '\^gone'", lambda nodes: nodes[-1].input.append("^gone")),
    ("1 nodes in a cycle.*z needs z", lambda nodes: setattr(nodes[-1], "input", ["z", "my_const"])),
    (
        "4 nodes in a cycle.*my_const needs z needs y needs v/read needs my_const",
        lambda nodes: nodes[4].input.append("^z"),
    ),
    ("Node 'X' is not unique", lambda nodes: _rename(nodes[-1], "X")),
    ("cannot be imported.*no inputs", lambda nodes: nodes[0].input.append("my_const")),
    ("MatMul has the attributes", lambda nodes: nodes[-2].attr.update(extra=3)),
    ("is an array", lambda nodes: nodes[4].attr.update(value="text")),
    ("cannot have the shape", lambda nodes: setattr(nodes[-1], "shape", [(3, 5)])),
    ("has 1 outputs", lambda nodes: setattr(nodes[-1], "shape", [(3, 1), (3, 1)])),
    ("names|name", lambda nodes: _rename(nodes[-1], "a b")),
]


@pytest.mark.parametrize(("text", "damage"), BROKEN, ids=[text[:20] for text, _ in BROKEN])
def test_illegal_descriptions(text: str, damage: Callable[[list[NodeDef]], Any]) -> None:
    described = small().as_graph_def()
    damage(described.node)
    with lk.Graph().as_default() as graph:
        with pytest.raises(LabkitError, match=text):
            lk.import_graph_def(lk.GraphDef.from_json(described.to_json()))
        assert not graph.operations
        assert not graph._taken


def test_nodes_may_come_in_any_order() -> None:
    described = small().as_graph_def()
    described.node.reverse()
    with lk.Graph().as_default() as graph:
        lk.import_graph_def(described, name="")
        verify_graph(graph)
        assert sorted(names(graph)) == sorted(names(small()))


def test_told_shapes_and_attributes_of_all_kinds_survive() -> None:
    with lk.Graph().as_default() as graph:
        x = lk.placeholder(lk.float32, name="x")
        y = lk.reshape(x, [-1], name="y")
        y.set_shape([7])
        x.set_shape([7, 1])
        lk.placeholder_with_default(lk.zeros([2, 3]), [None, 3], name="default")
        lk.constant([np.nan, -0.0, np.inf], name="odd")
        lk.constant(np.asarray(["text", b"\xff\x00"], object), name="text")
        lk.constant(np.zeros((0, 3), bool), name="empty")
        with lk.device("/gpu:1"):
            lk.constant(1.5, name="placed")
        with lk.device(lambda op: "/cpu:0"):
            lk.constant(1.5, name="placed_by_a_function")
        lk.constant(np.asarray([True, False]), name="flags")
    described = reread(graph)
    with lk.Graph().as_default() as other:
        lk.import_graph_def(described, name="")
        for op in graph.operations:
            twin = other.get_operation_by_name(op.name)
            assert [t.dims for t in twin.outputs] == [t.dims for t in op.outputs]
            assert (twin.line, twin.device) == (op.line, op.device)
        with lk.Session() as session:
            for name in ("odd", "empty", "flags"):
                a, b = (g.get_operation_by_name(name).attrs["value"] for g in (graph, other))
                assert a.tobytes() == b.tobytes() == session.run(f"{name}:0").tobytes()
            assert session.run("text:0").tolist() == [b"text", b"\xff\x00"]
        assert other.as_graph_def().to_json() == graph.as_graph_def().to_json()


def test_python_functions_stay_in_the_process() -> None:
    with lk.Graph().as_default() as graph:
        lk.py_func(np.sort, [lk.constant([3.0, 1.0])], lk.float32, name="sorted")
    described = graph.as_graph_def()
    with pytest.raises(GraphError, match=r"PyFunc 'sorted' .*cannot be written.*function sort"):
        described.to_json()
    with lk.Graph().as_default(), lk.Session() as session:
        (x,) = lk.import_graph_def(described, return_elements=["sorted:0"])
        np.testing.assert_array_equal(session.run(x), [1, 3])
