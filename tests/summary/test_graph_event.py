"""The graph, as TensorBoard's Graphs page gets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend import process_graph
from tensorboard.compat.proto.graph_pb2 import GraphDef

import labkit as lk
from labkit.summary import EventWriter
from tests.summary.reading import accumulate


def build() -> lk.Graph:
    graph = lk.Graph()
    with graph.as_default():
        x = lk.placeholder(lk.float32, [None, 4], name="x")
        with lk.name_scope("dense"):
            weights = lk.constant(np.ones((4, 1000), np.float32), name="weights")
            y = lk.matmul(x, weights, name="product")
        unknown = lk.placeholder(lk.float32, name="unknown")
        with lk.control_dependencies([y]):
            lk.identity(unknown, name="after")
    return graph


def read_back(folder: Path, graph: Any) -> GraphDef:
    with EventWriter(folder) as writer:
        writer.graph(graph)
    accumulator = accumulate(folder)
    assert accumulator.Tags()["graph"] is True
    return accumulator.Graph()


def test_names_types_edges_and_shapes_arrive(tmp_path: Path) -> None:
    graph = build()
    read = read_back(tmp_path, graph)
    nodes = {node.name: node for node in read.node}
    assert list(nodes) == [op.name for op in graph.operations]
    assert nodes["dense/product"].op == "MatMul"
    assert list(nodes["dense/product"].input) == ["x", "dense/weights"]
    assert list(nodes["after"].input) == ["unknown", "^dense/product"]
    shape = nodes["dense/product"].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [-1, 1000]
    assert nodes["unknown"].attr["_output_shapes"].list.shape[0].unknown_rank
    assert nodes["x"].attr["dtype"].s == b"float32"


def test_large_constants_are_named_not_copied(tmp_path: Path) -> None:
    read = read_back(tmp_path, build())
    assert read.ByteSize() < 3000
    (weights,) = [node for node in read.node if node.name == "dense/weights"]
    assert weights.attr["value"].s == b"float32 of shape (4, 1000)"


def test_tensorboard_can_prepare_it_for_drawing(tmp_path: Path) -> None:
    read = read_back(tmp_path, build())
    process_graph.prepare_graph_for_ui(read, limit_attr_size=1024, large_attrs_key="_too_large_attrs")
    assert not any("_too_large_attrs" in node.attr for node in read.node)


def test_every_kind_of_attribute_is_shown() -> None:
    from labkit.summary.graph import _attr

    assert _attr(True).b is True
    assert _attr(np.int32(3)).i == 3
    assert _attr(2.5).f == 2.5
    assert _attr("SAME").s == b"SAME"
    assert _attr((1, 2)).s == b"(1, 2)"
    assert _attr(None).s == b"None"
    assert _attr(2**80).s == str(2**80).encode()
    assert _attr(np.arange(3)).s == b"[0, 1, 2]"
    assert len(_attr("x" * 10_000).s) == 200
    assert _attr(list(range(10_000))).s == b"10000 values"
