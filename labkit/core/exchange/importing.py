"""From a GraphDef to operations of a graph: all of them, or none where one of them is not legal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.core.convert import as_array
from labkit.core.exchange.build import Builder, split_input
from labkit.core.exchange.graph_def import GraphDef, NodeDef
from labkit.core.explain import user_line
from labkit.core.graph import Graph, get_default_graph
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.errors import ArgumentError, GraphError, InvalidArgumentError


def import_graph_def(
    graph_def: GraphDef,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
) -> list[Any] | None:
    """Builds the operations of `graph_def` in the default graph: all of them, or none when this raises.

    Random operations draw what those of the original graph draw: their keys are part of the description, and counters begin
    anew for each import. Variables come as operations; `lk.checkpoint.import_meta_graph` makes `lk.Variable`s of them.

    Args:
        graph_def: what `graph.as_graph_def()` or `GraphDef.from_json` gave.
        input_map: tensor of graph_def ("x:0", or "x" for the same) -> what stands for it wherever it is an input: a tensor or
            variable of the default graph, or an array. "^x" -> an operation that stands for a control input.
        return_elements: names of operations ("x") and tensors ("x:0") of graph_def.
        name: the scope that all names get in front, made unique; default "import". "" for none: then names that are taken
            are made unique one by one, as under a name that ends in "/", which is used as it is.

    Returns:
        What was imported for `return_elements`, or stands for it by `input_map`; None without them.

    Raises:
        GraphError: graph_def does not describe a legal graph (inputs that are not there, a cycle, a name twice ...), or the
            default graph is finalized.
        InvalidArgumentError, DTypeError, ShapeError, NotFoundError: an operation cannot be built like this, or its type is
            not known here; or a name in `input_map` or `return_elements` is not in graph_def.
        ArgumentError: an argument is of another kind.
    """
    builder = prepared_import(graph_def, input_map, name)
    results = returned_elements(builder, return_elements)
    builder.commit()
    return results


def prepared_import(graph_def: GraphDef, input_map: Mapping[str, Any] | None, name: str | None) -> Builder:
    """What `import_graph_def` builds; the graph has not changed yet. Arguments and errors as there."""
    if not isinstance(graph_def, GraphDef):
        raise ArgumentError("Argument `graph_def` must be a GraphDef", received=type(graph_def).__name__)
    graph = get_default_graph().outermost
    if graph.finalized:
        raise graph.finalized_error("a graph cannot be imported into it")
    builder = Builder(graph, graph_def, _prefix(graph, name), user_line())
    _map_inputs(builder, input_map)
    builder.build()
    missing = [_shown(key) for key in builder.mapped if not builder.has(*key)]
    if missing:
        raise InvalidArgumentError(
            f"Attempted to map inputs that were not found in graph_def: [{', '.join(missing)}]",
            fix="Name tensors of graph_def: 'x:0', '^x' for a control input.",
        )
    return builder


def returned_elements(builder: Builder, return_elements: Sequence[str] | None) -> list[Any] | None:
    """What was built for these names, or stands for it."""
    wanted = _names(return_elements)
    return None if wanted is None else [_element(builder, text) for text in wanted]


def _names(return_elements: Any) -> list[str] | None:
    if return_elements is None:
        return None
    names = [return_elements] if isinstance(return_elements, str) else return_elements
    if not isinstance(names, list | tuple) or not all(isinstance(x, str) for x in names):
        raise ArgumentError("Argument `return_elements` must be a list of strings", received=repr(return_elements)[:80])
    return list(names)


def _prefix(graph: Graph, name: str | None) -> str:
    """The scope of what is imported, "" or ending in "/"; not yet taken."""
    if name is None or (name and not name.endswith("/")):
        return graph.unique_name(name or "import", mark_as_used=False) + "/"
    return name


def _map_inputs(builder: Builder, input_map: Any) -> None:
    if input_map is None:
        return
    if not isinstance(input_map, Mapping):
        raise ArgumentError("Argument `input_map` must be a dictionary", received=type(input_map).__name__)
    if not all(isinstance(key, str) for key in input_map):
        raise ArgumentError(
            "All keys for argument `input_map` must be strings",
            received=f"{[k for k in input_map if type(k) is not str]}",
        )
    for text, value in input_map.items():
        if text.startswith("^"):
            builder.mapped[text[1:], -1] = builder.graph.as_operation(value)
        else:
            builder.mapped[split_input(text, "input_map")] = _standing_in(builder, text, value)


def _standing_in(builder: Builder, text: str, value: Any) -> Tensor:
    tensor = getattr(value, "ref", value)
    if not isinstance(tensor, Tensor):
        node = NodeDef("_inputs/Const", "Const", attr={"value": as_array(value)})
        return builder.add_constant(node).outputs[0]
    if tensor.graph is not builder.graph:
        raise GraphError(
            f"input_map's {text!r} stands for a tensor of another graph",
            rule="It is a tensor of the graph that is imported into",
            received=repr(tensor),
        )
    return tensor


def _element(builder: Builder, text: str) -> Operation | Tensor:
    if ":" in text:
        name, index = split_input(text, "return_elements")
        if builder.has(name, index):
            return builder.tensor(name, index)
        kind = "tensor"
    else:
        if builder.has(text, -1):
            return builder.made[text]
        kind = "node"
    raise InvalidArgumentError(
        f"Requested return {kind} {text!r} not found in graph def", fix="Name an operation 'x' or a tensor 'x:0'."
    )


def _shown(key: tuple[str, int]) -> str:
    return f"^{key[0]}" if key[1] < 0 else f"{key[0]}:{key[1]}"
