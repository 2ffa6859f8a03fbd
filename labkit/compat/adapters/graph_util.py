"""tf.graph_util: a graph whose variables are frozen to what a session holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import labkit as lk
from labkit.errors import ArgumentError, NotFoundError


def extract_sub_graph(graph_def: lk.GraphDef, dest_nodes: Sequence[str]) -> lk.GraphDef:
    """Only the operations that those of `dest_nodes` need.

    Raises:
        ArgumentError: dest_nodes is a single text.
        NotFoundError: there is no operation of that name.
    """
    if isinstance(dest_nodes, str):
        raise ArgumentError("dest_nodes must be a list", received=repr(dest_nodes))
    nodes = {node.name: node for node in graph_def.node}
    inside = {sub.name: sub for sub in graph_def.library}
    needed: set[str] = set()
    waiting = list(dest_nodes)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        if name not in nodes:
            raise NotFoundError(f"{name} is not in graph", rule="An operation's name has no ':0'")
        needed.add(name)
        waiting += [text.removeprefix("^").partition(":")[0] for text in nodes[name].input]
    kept = [node for node in graph_def.node if node.name in needed]
    used: set[str] = set()
    subgraphs = _subgraphs(kept)
    while subgraphs:
        name = subgraphs.pop()
        if name not in used:
            used.add(name)
            subgraphs += _subgraphs(inside[name].node)
    return lk.GraphDef(kept, [sub for sub in graph_def.library if sub.name in used])


def _subgraphs(nodes: Iterable[Any]) -> list[str]:
    values = [value for node in nodes for value in node.attr.values()]
    flat = [item for value in values for item in (value if isinstance(value, tuple | list) else (value,))]
    return [item.name for item in flat if type(item).__name__ == "SubgraphName"]


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: lk.GraphDef,
    output_node_names: Sequence[str],
    variable_names_whitelist: Any = None,
    variable_names_blacklist: Any = None,
) -> lk.GraphDef:
    """What `output_node_names` need of the graph, with the session's values in place of its variables.

    Args:
        variable_names_whitelist, variable_names_blacklist: which variables become constants, and which do not.

    Raises:
        NotFoundError: there is no operation of that name.
        FailedPreconditionError: a variable has no value in the session.
    """
    graph_def = extract_sub_graph(input_graph_def, output_node_names)
    frozen = [
        node.name
        for node in graph_def.node
        if node.op == "VariableV2"
        and (variable_names_whitelist is None or node.name in variable_names_whitelist)
        and node.name not in (variable_names_blacklist or ())
    ]
    values = dict(zip(frozen, sess.run([f"{name}:0" for name in frozen]), strict=True))
    graph_def.node = [
        replace(node, op="Const", input=[], attr={"value": values[node.name]}, shape=None)
        if node.name in values
        else node
        for node in graph_def.node
    ]
    return graph_def


def remove_training_nodes(input_graph: lk.GraphDef) -> lk.GraphDef:
    """The graph itself: labkit leaves out what a run does not need."""
    return input_graph
