"""Texts of graphs from elsewhere: whatever they hold, a LabkitError in bounded time and memory, and nothing has changed."""

from __future__ import annotations

import contextlib
import json
import resource
import time
import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core.exchange.graph_def import GraphDef, NodeDef, SubgraphDef, SubgraphName
from labkit.core.verify import verify_graph
from labkit.errors import GraphError, LabkitError, NotFoundError
from tests.core.hostile import mutated, program
from tests.ops.records import seed


def imported(text: bytes | str) -> lk.Graph | None:
    """The graph in a text; None where it is refused, as it should be."""
    with lk.Graph().as_default() as graph:
        try:
            lk.import_graph_def(GraphDef.from_json(text), name="")
        except LabkitError as error:
            failed: BaseException | None = error.__cause__
        else:
            verify_graph(graph)
            return graph
        assert failed is None, "a rule failed in a way that it should not"
        assert not graph.operations
        assert not graph._taken
        assert not graph.inside
        return None


def survives(numbers: range, original: Any) -> int:
    """Tries so many mutated texts; the number of those that were legal all the same."""
    legal = 0
    for number in numbers:
        graph = imported(mutated(original, Random(number)))
        if graph is None:
            continue
        legal += 1
        with lk.Session(graph) as session:
            for name in ("init", "loss:0", "train:0", "told:0"):
                with contextlib.suppress(LabkitError):
                    session.run(name, {"x:0": np.ones((2, 3), np.float32)}, timeout=5)
    return legal


@pytest.fixture(scope="module")
def original() -> Any:
    return json.loads(program().as_graph_def().to_json())


def test_mutated_texts(original: Any) -> None:
    start = seed() % 2**31
    assert 0 < survives(range(start, start + 300), original) < 300


@pytest.mark.campaign
def test_many_mutated_texts(original: Any) -> None:
    before = time.monotonic()
    legal = survives(range(20_000), original)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"20,000 mutated graphs, {legal} of them legal, in {time.monotonic() - before:.0f} s, peak {peak:.0f} MB")


def test_a_program_of_every_kind_survives_the_text(original: Any) -> None:
    graph = program()
    text = graph.as_graph_def().to_json()
    batch = np.asarray([[1, -2, 3], [-4, 5, 6]], np.float32)

    def runs(graph: lk.Graph, prefix: str) -> list[list[bytes]]:
        names = [f"{prefix}{name}:0" for name in ("loss", "train", "flat", "told")]
        with lk.Session(graph) as session:
            session.run(prefix + "init")
            return [
                [np.asarray(x).astype(bytes).tobytes() for x in session.run(names, {prefix + "x:0": batch})]
                for _ in range(3)
            ]

    expected = runs(graph, "")
    with lk.Graph().as_default() as other:
        for prefix in ("", "import/", "import_1/"):  # each has random counters of its own
            lk.import_graph_def(GraphDef.from_json(text), name="" if prefix == "" else None)
        verify_graph(other)
        for prefix in ("import_1/", "", "import/"):
            assert runs(other, prefix) == expected


JUNK: list[bytes] = [b"", b"null", b"{}", b"[]", b"[" * 100_000, b'{"node":' * 50_000, b"\xff\xfe", b"NaN", b'"' + b"a" * 100,
    b'{"format":"labkit-graph","version":1}', b'{"format":"labkit-graph","version":2,"node":[]}',
    b'{"format":"labkit-graph","version":true,"node":[]}', b'{"format":"other","version":1,"node":[]}',
    b'{"format":"labkit-graph","version":1,"node":[],"more":1}',
    b'{"format":"labkit-graph","version":1,"node":[{"name":"a"}]}',
    b'{"format":"labkit-graph","version":1,"node":[{"name":"a","op":"NoOp","attr":{"a":' + b"9" * 5000 + b"}}]}",
    b'{"format":"labkit-graph","version":1,"node":[{"name":"a","op":"NoOp","line":"\\u001b[31m:1"}]}',
]  # fmt: skip


@pytest.mark.parametrize("text", JUNK, ids=lambda text: repr(text[-60:]))
def test_what_is_no_text_of_a_graph(text: bytes) -> None:
    with pytest.raises(GraphError, match="The text is no graph of labkit's"):
        GraphDef.from_json(text)


def array(dtype: str, shape: list[Any], data: str) -> bytes:
    value = {"is": "array", "dtype": dtype, "shape": shape, "data": data}
    node = {"name": "a", "op": "Const", "attr": {"value": value}}
    return json.dumps({"format": "labkit-graph", "version": 1, "node": [node]}).encode()


@pytest.mark.parametrize(
    ("dtype", "shape", "data"),
    [
        ("float32", [2], "AAAA"),
        ("float32", [2**47], "AAAA"),
        ("float32", [2**47, 2**47], ""),
        ("float32", [0, 2**47, 2**47], ""),  # no bytes, but more elements than a tensor may have
        ("float32", [-1], "AAAA"),
        ("float32", [1] * 9, "AAAAAA=="),
        ("float32", [1], "AAAAA==="),
        ("float", [1], "AAAAAA=="),
        ("complex64", [1], "AAAAAAAAAAA="),
        ("string", [1], "AAAAAAAAAAA="),
        ("object", [1], "AAAAAAAAAAA="),
        ("bool", [1], "Ag=="),
    ],
)
def test_hostile_arrays(dtype: str, shape: list[int], data: str) -> None:
    assert imported(array("float32", [1], "AAAAAA==")) is not None
    assert imported(array(dtype, shape, data)) is None


def chain(count: int) -> list[NodeDef]:
    """Whole numbers each of which is the sum of the one before with itself, and a shape that is made of the last."""
    nodes = [NodeDef("n0", "Const", attr={"value": np.ones(1, np.int32)})]
    nodes += [NodeDef(f"n{i}", "Add", [f"n{i - 1}", f"n{i - 1}"]) for i in range(1, count)]
    nodes.append(NodeDef("x", "Const", attr={"value": np.zeros(4, np.float32)}))
    return [*nodes, *(NodeDef(f"y{i}", "Reshape", ["x", f"n{count - 1}"]) for i in range(count))]


def huge(dims: list[int]) -> list[NodeDef]:
    """A shape that is made of the sum of very many numbers."""
    return [
        NodeDef("dims", "Const", attr={"value": np.asarray(dims, np.int64)}),
        NodeDef("one", "Const", attr={"value": np.asarray(1, np.int32)}),
        NodeDef("axes", "Const", attr={"value": np.asarray([0], np.int32)}),
        NodeDef("many", "Fill", ["dims", "one"]),
        NodeDef("sum", "Sum", ["many"], {"axes": None, "keepdims": False}),
        NodeDef("list", "Pack", ["sum"], {"axis": 0}),
        NodeDef("x", "Placeholder", attr={"dtype": lk.float32, "shape": np.asarray(0)}),
        NodeDef("y", "Reshape", ["x", "list"]),
    ]


BIG: dict[str, Callable[[], list[NodeDef]]] = {
    "sums of sums": lambda: chain(60),
    "a long chain": lambda: chain(500),
    "many numbers": lambda: huge([2**33]),
    "very many numbers": lambda: huge([2**20, 2**20]),
    "a long way back": lambda: [
        NodeDef("n0", "Const", attr={"value": np.ones(1, np.int32)}),
        *(NodeDef(f"n{i}", "Identity", [f"n{i - 1}"]) for i in range(1, 20_000)),
    ],
    "a long way forward": lambda: [
        *(NodeDef(f"n{i}", "Identity", [f"n{i + 1}"]) for i in range(20_000)),
        NodeDef("n20000", "Const", attr={"value": np.ones(1, np.int32)}),
    ],
    "a long cycle": lambda: [NodeDef(f"n{i}", "Identity", [f"n{(i + 1) % 20_000}"]) for i in range(20_000)],
}


@pytest.mark.parametrize("name", BIG)
def test_large_graphs_take_bounded_time_and_memory(name: str) -> None:
    text = GraphDef(BIG[name]()).to_json()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    imported(text)
    assert time.perf_counter() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KB


def nested(depth: int) -> GraphDef:
    """A condition in a condition in a condition ..."""
    described = GraphDef([NodeDef("p", "Const", attr={"value": np.asarray(True)})])
    attr = {"then": SubgraphName("s0"), "otherwise": SubgraphName("s0")}
    described.node.append(NodeDef("c", "If", ["p"], attr))
    for i in range(depth):
        inside = [NodeDef(f"s{i}/p", "Const", attr={"value": np.asarray(True)})]
        if i + 1 < depth:
            attr = {"then": SubgraphName(f"s{i + 1}"), "otherwise": SubgraphName(f"s{i + 1}")}
            inside.append(NodeDef(f"s{i}/c", "If", [f"s{i}/p"], attr))
        described.library.append(SubgraphDef(f"s{i}", f"s{i - 1}" if i else "", inside))
    return described


def test_nesting() -> None:
    assert imported(nested(50).to_json()) is not None
    with lk.Graph().as_default(), pytest.raises(GraphError, match="deep"):
        lk.import_graph_def(nested(500))
    described = nested(3)
    described.library[2].node.append(
        NodeDef("s2/c", "If", ["s2/p"], {"then": SubgraphName("s1"), "otherwise": SubgraphName("s1")})
    )
    with (
        lk.Graph().as_default(),
        pytest.raises(GraphError, match=r"contain each other in a cycle.*s1 holds s2 holds s1"),
    ):
        lk.import_graph_def(described)
    chain = [SubgraphDef(f"s{i}", f"s{i + 1}") for i in range(5000)]
    described = nested(0)
    described.library = [*chain, SubgraphDef("s5000")]
    assert imported(described.to_json()) is None
    described = nested(3)
    described.library[1].outer = "s2"
    assert imported(described.to_json()) is None


def test_a_type_that_is_not_known_names_its_near_ones() -> None:
    with lk.Graph().as_default(), pytest.raises(NotFoundError, match=r"'Matmul'.*node 'a'.*MatMul"):
        lk.import_graph_def(GraphDef([NodeDef("a", "Matmul")]))


def test_nothing_is_warned_about(original: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert imported(json.dumps(original)) is not None
