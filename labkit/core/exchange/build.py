"""Building the operations that a GraphDef describes, beside the graph that they will be part of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.checking import check_operation, make_operation
from labkit.core.exchange.graph_def import GraphDef, NodeDef, SubgraphDef, SubgraphName
from labkit.core.exchange.order import by_name, in_order
from labkit.core.exchange.rename import MAX_DEPTH, Renamed
from labkit.core.graph import Graph
from labkit.core.opdef import OPS, OpDef
from labkit.core.operation import Operation
from labkit.core.own_function import OwnFunction
from labkit.core.shapes import as_dims, compatible, show
from labkit.core.subgraph import Subgraph
from labkit.core.tensor import Tensor
from labkit.core.verify import verify_operations, verify_subgraph
from labkit.errors import GraphError, InvalidArgumentError, LabkitError, NotFoundError, ShapeError
from labkit.near import near_names


def split_input(text: str, where: str) -> tuple[str, int]:
    """The operation and the output that "add" or "split:2" means.

    Raises:
        InvalidArgumentError: it is no tensor's name.
    """
    name, colon, index = text.partition(":")
    if not name or name[0] == "^" or (colon and not (index.isascii() and index.isdigit() and len(index) < 10)):
        raise InvalidArgumentError(
            f"{text!r} in {where} is no tensor's name", rule="It is 'operation' or 'operation:output'"
        )
    return name, int(index or 0)


@dataclass
class _Place:
    """Where nodes are built: the graph itself or a subgraph.

    Attributes:
        made: name in the description -> operation.
        mapped: (name, output, or -1 for the operation) -> what stands for it.
    """

    graph: Graph
    where: str
    made: dict[str, Operation] = field(default_factory=dict)
    mapped: dict[tuple[str, int], Any] = field(default_factory=dict)

    def tensor(self, text: str, user: str) -> Tensor:
        key = split_input(text, f"node {user!r}")
        if key in self.mapped:
            return self.mapped[key]
        op = self.made.get(key[0])
        if op is None or key[1] >= len(op.outputs):
            raise GraphError(
                f"Node {user!r}: Unknown input node {text!r}",
                rule=f"Inputs are results of nodes of {self.where}",
                received="no such node" if op is None else f"a node with {len(op.outputs)} outputs",
            )
        return op.outputs[key[1]]

    def operation(self, name: str, user: str) -> Operation:
        op = self.mapped.get((name, -1)) or self.made.get(name)
        if op is None:
            raise GraphError(f"Node {user!r}: Unknown input node '^{name}'", rule=f"It is a node of {self.where}")
        return op


class Builder:
    """What an import builds; the graph itself stays as it is until `commit`.

    Attributes:
        mapped: (name, output, or -1 for the operation) -> what stands for it where it is an input.
        made: name in the description -> operation.
    """

    def __init__(self, graph: Graph, graph_def: GraphDef, prefix: str, line: str) -> None:
        self.graph, self.graph_def, self.line, self.prefix = graph, graph_def, line, prefix
        self.names = Renamed(graph, graph_def, prefix)
        self._root = _Place(graph, "the graph_def")
        self.mapped, self.made = self._root.mapped, self._root.made
        self._staged: list[Operation] = []
        self._library = {sub.name: sub for sub in graph_def.library}
        self._places: dict[str, _Place] = {"": self._root}
        self._open: list[str] = []
        self._functions: dict[OwnFunction, OwnFunction] = {}

    def build(self) -> None:
        """Builds everything.

        Raises:
            LabkitError: something cannot be built; the graph has not changed.
        """
        for node in in_order(by_name(self.graph_def.node, "the graph_def"), lambda node: self._needs(node, self._root)):
            self._stage(node, self.names.of("", node.name), list(self.graph.control_operations))
        verify_operations(self.graph, self._staged, len(self.graph.operations))

    def commit(self) -> None:
        """Makes what was built part of the graph."""
        for op in self._staged:
            self.graph.append(op)
        self.names.commit()
        for place in self._places.values():
            if place is not self._root:
                self.graph.inside.update((op.name, op) for op in place.graph.operations)

    def clear_devices(self) -> None:
        """Forgets on which device operations were to be placed."""
        for op in (op for place in self._places.values() for op in place.made.values()):
            op.device = ""

    def add_constant(self, node: NodeDef) -> Operation:
        """Builds one more node, which the description does not have."""
        return self._stage(node, self.names.unique((self.prefix or "import/") + node.name), [])

    def has(self, name: str, index: int) -> bool:
        """Whether the description has that tensor, or with -1 that operation."""
        return name in self.made and index < len(self.made[name].outputs)

    def tensor(self, name: str, index: int) -> Tensor:
        """The tensor of the description, or what stands for it."""
        key = (name, index)
        return self.mapped[key] if key in self.mapped else self.made[name].outputs[index]

    # --- nodes ---

    def _stage(self, node: NodeDef, name: str, control: Sequence[Operation]) -> Operation:
        op = self._operation(node, self._root, name, control)
        op.id = len(self.graph.operations) + len(self._staged)
        self._staged.append(op)
        return op

    def _needs(self, node: NodeDef, place: _Place) -> Iterator[str]:
        """Names of the nodes that must be there before."""
        for text in node.input:
            name = text.removeprefix("^").partition(":")[0]
            key = (name, -1) if text[:1] == "^" else split_input(text, f"node {node.name!r}")
            if key not in place.mapped:
                yield name

    def _operation(self, node: NodeDef, place: _Place, name: str, control: Sequence[Operation] = ()) -> Operation:
        """The node as an operation of the place's graph, which does not hold it yet."""
        definition = OPS.get(node.op)
        if definition is None:
            near = near_names(node.op[:80], OPS)
            raise NotFoundError(
                f"Op type not registered {node.op!r}",
                rule=f"The type of node {node.name!r} is one that this labkit and its plugins have",
                fix=f"Near: {', '.join(near)}" if near else "Load the plugin that defines it.",
            )
        texts = [text for text in node.input if text[:1] != "^"]
        inputs = [place.tensor(text, node.name) for text in texts]
        before = [place.operation(text[1:], node.name) for text in node.input if text[:1] == "^"]
        before += [op for op in control if op not in {x.op for x in inputs}]
        attrs = self._attrs(node, definition)
        what = f"{node.op} '{name}' cannot be imported"
        try:
            checked = check_operation(definition, inputs, attrs, what)
            op = make_operation(place.graph, definition, name, checked, dict.fromkeys(before), node.line or self.line)
        except LabkitError:
            raise
        except Exception as error:
            raise GraphError(what, rule="Its inputs and attributes fit together", received=repr(error)[:200]) from error
        self._refine(op, node)
        op.device = node.device
        self.graph.place(op)
        place.made[node.name] = op
        return op

    def _refine(self, op: Operation, node: NodeDef) -> None:
        """Gives the outputs the shapes that the description has for them."""
        if node.shape is None:
            return
        if len(node.shape) != len(op.outputs):
            raise ShapeError(
                f"Node {node.name!r} has {len(op.outputs)} outputs", received=f"{len(node.shape)} shapes for them"
            )
        for x, told in zip(op.outputs, node.shape, strict=True):
            dims = as_dims(told)
            if not compatible(x.dims, dims):
                raise ShapeError(
                    f"Node {node.name!r} cannot have the shape that is told of it",
                    rule=f"By its inputs it is {show(x.dims)}",
                    received=show(dims),
                )
            x.dims = dims

    def _attrs(self, node: NodeDef, definition: OpDef) -> dict[str, Any]:
        attrs: dict[str, Any] = {}
        for key, value in node.attr.items():
            kind = definition.attrs[key].kind if key in definition.attrs else ""
            if (kind == "subgraph") != isinstance(value, SubgraphName) or (kind == "array" and not _is_array(value)):
                raise InvalidArgumentError(
                    f"{node.op} {node.name!r} has an attribute of another kind",
                    rule=f"{key} is " + {"array": "an array", "subgraph": "a subgraph"}.get(kind, "no subgraph"),
                    received=repr(value)[:80],
                )
            attrs[key] = self._subgraph(value.name) if isinstance(value, SubgraphName) else self._own(value)
        if definition.random and isinstance(attrs.get("counter"), str):
            attrs["counter"] = self.names.counter(attrs["counter"])
        return attrs

    def _own(self, value: Any) -> Any:
        """A user's function as what is imported calls it: it does not share the original's answers."""
        return self._functions.setdefault(value, OwnFunction(value.func)) if isinstance(value, OwnFunction) else value

    # --- subgraphs ---

    def _subgraph(self, name: str) -> Subgraph:
        """The subgraph of that name in the library, complete."""
        if name in self._open or len(self._open) >= MAX_DEPTH:
            raise GraphError(
                "Subgraphs contain each other in a cycle" if name in self._open else "Subgraphs are nested too deep",
                rule=f"A subgraph does not contain itself, and they stand inside each other at most {MAX_DEPTH} deep",
                received=" holds ".join([*self._open[-4:], name]),
            )
        if name not in self._places:
            described = self._library.get(name)
            if described is None:
                raise GraphError(f"There is no subgraph {name!r} in the library", rule="Attributes name those that are")
            self.names.scope(name)  # it stands in the graph, and not too deep
            if described.outer not in self._places:
                self._subgraph(described.outer)  # a gradient may use what belongs to another body
        if name not in self._places:
            self._open.append(name)
            self._fill(self._library[name])
            self._open.pop()
        return self._places[name].graph  # type: ignore[return-value]

    def _fill(self, described: SubgraphDef) -> None:
        outer = self._places[described.outer]
        sub = Subgraph(outer.graph, self.names.scope(described.name))
        place = self._places[described.name] = _Place(sub, f"the subgraph {described.name!r}")
        arguments, inside = dict.fromkeys(described.argument), {v: k for k, v in described.variable.items()}
        for node in in_order(by_name(described.node, place.where), lambda node: self._needs(node, place)):
            outside = outer.tensor(inside[node.name], node.name).op if node.name in inside else None
            name = outside.name if outside is not None else self.names.of(described.name, node.name)
            op = self._operation(node, place, name)
            sub.append(op)
            if outside is not None:
                sub.references[outside] = op
            if node.name in described.captured and op.outputs:
                sub.stands_for(op.outputs[0], outer.tensor(described.captured[node.name], node.name))
        sub.arguments = [place.tensor(name, described.name) for name in described.argument]
        sub.outputs = [place.tensor(text, described.name) for text in described.output]
        if len(arguments) < len(described.argument) or not {*described.captured} <= {*arguments}:
            raise GraphError(f"{place.where} has wrong arguments", rule="Each is there once, captured ones among them")
        sub.finalize()
        verify_subgraph(sub)


def _is_array(value: Any) -> bool:
    if not isinstance(value, np.ndarray):
        return False
    if value.dtype.kind == "O":
        return all(type(item) is bytes for item in value.reshape(-1))
    return value.dtype in {d.numpy for d in dt.ALL}
