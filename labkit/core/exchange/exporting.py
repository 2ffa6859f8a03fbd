"""From a graph to a GraphDef."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.exchange.graph_def import GraphDef, NodeDef, SubgraphDef, SubgraphName, input_names, tensor_name
from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.core.shapes import Dims
from labkit.core.subgraph import Subgraph
from labkit.core.values import context_of
from labkit.errors import LabkitError


def as_graph_def(graph: Graph) -> GraphDef:
    """The graph (of a subgraph: the one around it) as plain data."""
    return _Export(graph.outermost).graph_def


class _Export:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: dict[Graph, str] = {graph: ""}
        self.taken: set[str] = {""}
        self.graph_def = GraphDef()
        self.graph_def.node = self._nodes(graph)

    def _nodes(self, graph: Graph) -> list[NodeDef]:
        return [self._node(op) for op in graph.operations]

    def _node(self, op: Operation) -> NodeDef:
        attr = {key: self._value(value) for key, value in op.attrs.items()}
        return NodeDef(op.name, op.type, input_names(op), attr, _told_shapes(op), op.line, op.device)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Subgraph):
            return SubgraphName(self._name(value))
        if isinstance(value, np.ndarray):
            view = value.view()
            view.flags.writeable = False  # the graph does not follow changes of its description
            return view
        return value

    def _name(self, subgraph: Graph) -> str:
        """The subgraph's name in the library, where it is put when it is met for the first time.

        A gradient may use a subgraph that belongs to another loop's body, so each stands there once, with its outer one.
        """
        if not isinstance(subgraph, Subgraph) or subgraph in self.names:
            return self.names[subgraph]
        outer = self._name(subgraph.outer)
        name = subgraph.scope.removesuffix("/")
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        self.names[subgraph] = name
        made = SubgraphDef(name, outer)
        self.graph_def.library.append(made)
        made.node = self._nodes(subgraph)
        made.argument = [x.op.name for x in subgraph.arguments]
        outside = [(x, subgraph.outside(x)) for x in subgraph.arguments]
        made.captured = {x.op.name: tensor_name(y) for x, y in outside if y is not None}
        made.variable = {x.name: op.name for x, op in subgraph.references.items()}
        made.output = [tensor_name(x) for x in subgraph.outputs]
        return name


def _told_shapes(op: Operation) -> list[Dims] | None:
    """The outputs' shapes where the program knew more, or less, than the rule."""
    try:
        context = context_of(op.definition, op.roles, op.inputs, op.attrs)
        rule = [None if d is None else tuple(d) for d in op.definition.shapes(context)]
    except LabkitError:  # an input was told later that it has another shape
        rule = []
    shapes = [x.dims for x in op.outputs]
    return None if rule == shapes else shapes
