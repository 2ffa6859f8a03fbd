"""The meta graph, P.meta: a graph with what its program knows of it, its variables and collections, as strict JSON."""

from __future__ import annotations

import importlib
import os
import stat
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.checkpoint import manifest as manifests, meta_text
from labkit.checkpoint.manifest import META
from labkit.checkpoint.meta_text import ItemName, SaverDef, VariableDef
from labkit.checkpoint.reading import read_files
from labkit.core.exchange.build import Builder, split_input
from labkit.core.exchange.graph_def import GraphDef
from labkit.core.exchange.importing import prepared_import, returned_elements
from labkit.core.graph import Graph, get_default_graph
from labkit.core.operation import Operation
from labkit.core.shapes import compatible
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.errors import CheckpointError, CheckpointPathError, GraphError
from labkit.io import write_bytes

MAX_META = 2 << 30
"""A larger file is not read."""


@dataclass
class MetaGraphDef:
    """A graph with its variables and collections, as plain data.

    Attributes:
        graph_def: the operations.
        variables: those that stand in collections.
        collections: key -> items: ItemName for variables, tensors and operations; numbers, truth values, texts, None.
        saver: what the Saver that wrote it saves; None where none did.
    """

    graph_def: GraphDef = field(default_factory=GraphDef)
    variables: list[VariableDef] = field(default_factory=list)
    collections: dict[str, list[Any]] = field(default_factory=dict)
    saver: SaverDef | None = None

    def to_json(self) -> bytes:
        """The meta graph as JSON in UTF-8; the same one gives the same bytes.

        Raises:
            GraphError: an operation holds a Python function; it is named.
        """
        return meta_text.encode_meta(self.graph_def, self.variables, self.collections, self.saver)

    @classmethod
    def from_json(cls, text: bytes | str) -> MetaGraphDef:
        """The meta graph in a text that `to_json` made, here or elsewhere. Nothing of it is run or looked up.

        Raises:
            GraphError: it is no such text.
        """
        return cls(*meta_text.decode_meta(text))


@dataclass(frozen=True)
class Imported:
    """What `import_meta_graph` built.

    Attributes:
        variables: name in the meta graph, which is the one in its checkpoint -> variable.
        elements: what was asked for by return_elements.
        saver: what the Saver that wrote the meta graph saves, by the names that are in force now; None where none did.
    """

    variables: dict[str, Variable]
    elements: list[Any]
    saver: SaverDef | None = None


def export_meta_graph(
    filename: str | os.PathLike[str] | None = None,
    graph: Graph | None = None,
    collection_list: Iterable[str] | None = None,
    clear_devices: bool = False,
) -> MetaGraphDef:
    """The graph with its variables and collections; written into a file when one is named.

    An item of a collection that is neither a variable, tensor or operation of the graph nor a number, truth value, text or
    None is left out with a warning. Variables' constraints, which are Python functions, are left out.

    Args:
        filename: is replaced as a whole, or stays as it was.
        graph: default: the default graph.
        collection_list: the collections to export; default: all.
        clear_devices: leave out where operations are to be placed.

    Raises:
        GraphError: an operation holds a Python function and cannot be written; it is named.
        CheckpointError: the file cannot be written, or is part of a checkpoint.
    """
    graph = (graph or get_default_graph()).outermost
    keys = graph.get_all_collection_keys() if collection_list is None else list(collection_list)
    kept = {key: [x for x in graph.get_collection(key) if _can_be_named(graph, key, x)] for key in keys}
    variables = {x.op.name: x for items in kept.values() for x in items if isinstance(x, Variable)}
    meta = MetaGraphDef(
        graph.as_graph_def(),
        [describe(variables[name]) for name in sorted(variables, key=lambda name: variables[name].op.id)],
        {key: [_named(x) for x in items] for key, items in kept.items()},
    )
    if clear_devices:
        for nodes in (meta.graph_def.node, *(sub.node for sub in meta.graph_def.library)):
            for node in nodes:
                node.device = ""
    if filename is not None:
        write_meta_graph_file(filename, meta)
    return meta


def write_meta_graph_file(path: str | os.PathLike[str], meta: MetaGraphDef) -> None:
    """Writes a meta graph into a file, as a whole or not at all; errors as those of `export_meta_graph`."""
    path, text = os.fspath(path), meta.to_json()
    prefix = path.removesuffix(META)
    if path.endswith(META) and META in manifests.listed(prefix):
        raise CheckpointError(
            f"{path} is part of the checkpoint {prefix}",
            rule="A checkpoint's files are what its manifest describes",
            fix="Give the meta graph another name, or save the checkpoint again.",
        )
    try:
        write_bytes(path, text)
    except OSError as error:
        raise CheckpointError(f"The meta graph {path} could not be written", received=str(error)) from error


def _can_be_named(graph: Graph, key: str, item: Any) -> bool:
    element = item.ref if isinstance(item, Variable) else item
    if isinstance(element, Tensor | Operation):
        good = element.graph is graph
    else:
        good = item is None or type(item) in (bool, int, float, str)
    if not good:
        warnings.warn(
            f"Issue encountered when serializing {key}: the meta graph cannot hold {item!r}, and leaves it out. It holds "
            "variables, tensors and operations of its graph, numbers, truth values, texts and None.",
            RuntimeWarning,
            stacklevel=4,
        )
    return good


def _named(item: Any) -> Any:
    if isinstance(item, Variable):
        return ItemName("variable", item.op.name)
    if isinstance(item, Tensor):
        return ItemName("tensor", item.name)
    return ItemName("operation", item.name) if isinstance(item, Operation) else item


def describe(variable: Variable) -> VariableDef:
    """The variable as a meta graph holds it."""
    initial = variable.initial_value.name
    return VariableDef(variable.op.name, variable.initializer.name, initial, variable.trainable)


def read_meta_graph(path: str | os.PathLike[str]) -> MetaGraphDef:
    """The meta graph in a file. One that is part of a checkpoint is compared with the manifest first.

    Raises:
        CheckpointPathError: there is no such file.
        CheckpointError: it holds none, or a byte of it is damaged.
    """
    path = os.fspath(path)
    try:
        return MetaGraphDef.from_json(_content(path))
    except GraphError as error:
        raise CheckpointError(f"{path} holds no meta graph", rule=error.rule, received=error.received) from None


def _content(path: str) -> bytes:
    prefix = path.removesuffix(META)
    if path.endswith(META) and META in manifests.listed(prefix):
        return read_files(prefix, (META,))[1][META].tobytes()
    try:
        # Non-blocking, or a pipe in the file's place would keep the opening waiting.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_META:
                raise CheckpointError(
                    f"{path} is no meta graph",
                    rule=f"It is a file of at most {MAX_META} bytes",
                    received=f"{status.st_size} bytes" if stat.S_ISREG(status.st_mode) else "something else",
                )
            return file.read(status.st_size)
    except OSError as error:
        raise CheckpointPathError(f"File does not exist. Received: {path}", received=str(error)) from None


def import_meta_graph(
    meta_graph_or_file: MetaGraphDef | str | os.PathLike[str],
    clear_devices: bool = False,
    import_scope: str | None = None,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
) -> Imported:
    """Builds in the default graph what a meta graph describes: operations, `lk.Variable`s, collections; or nothing, when this
    raises. The variables have no values yet: run their initializers, or restore the checkpoint.

    Args:
        meta_graph_or_file: a meta graph, or the path of P.meta.
        clear_devices: forget where operations were to be placed.
        import_scope: a name scope for everything; default: names stay as they are, under the present scope.
        input_map, return_elements: as in `lk.import_graph_def`.

    Raises:
        CheckpointError: the file does not exist or holds no meta graph.
        As `lk.import_graph_def`.
    """
    importlib.import_module("labkit.ops")  # the core knows no operation; the file names them
    meta = meta_graph_or_file if isinstance(meta_graph_or_file, MetaGraphDef) else read_meta_graph(meta_graph_or_file)
    graph = get_default_graph().outermost
    builder = prepared_import(meta.graph_def, input_map, import_scope or graph.scope)
    variables = {described.name: _variable(builder, described) for described in meta.variables}
    if len(variables) < len(meta.variables):
        raise GraphError(
            "The meta graph describes a variable twice", received=", ".join(v.name for v in meta.variables)
        )
    collections = {key: [_item(builder, variables, x) for x in items] for key, items in meta.collections.items()}
    saver = None if meta.saver is None else _renamed(builder, variables, meta.saver)
    elements = returned_elements(builder, return_elements)
    if clear_devices:
        builder.clear_devices()
    builder.commit()
    for key, items in collections.items():
        for item in items:
            graph.add_to_collection(key, item)
    return Imported(variables, elements or [], saver)


def _renamed(builder: Builder, variables: Mapping[str, Variable], saver: SaverDef) -> SaverDef:
    lost = [name for name in saver.variables.values() if name not in variables]
    if lost:
        raise GraphError(f"A Saver saves the variable {lost[0]!r}, which the meta graph does not describe")
    now = {key: variables[name].op.name for key, name in saver.variables.items()}
    counters = {key: builder.names.counter(name) for key, name in saver.counters.items()}
    return SaverDef(now, counters, saver.max_to_keep, saver.keep_checkpoint_every_n_hours)


def _variable(builder: Builder, described: VariableDef) -> Variable:
    op = _operation(builder, described.name)
    initial = _tensor(builder, described.initial_value)
    initializer = _operation(builder, described.initializer)
    fits = op.type == "VariableV2" and initial.dtype is op.outputs[0].dtype
    if not (fits and compatible(initial.dims, op.outputs[0].dims) and initializer.type == "Assign"):
        raise GraphError(
            f"{described.name!r} is described as a variable that it is not",
            rule="A variable is a VariableV2, with an Assign for its initial value of the same dtype and shape",
            received=f"{op!r}, {initializer!r}, {initial!r}",
        )
    return Variable.of(op, initializer, initial, described.trainable)


def _item(builder: Builder, variables: Mapping[str, Variable], item: Any) -> Any:
    if not isinstance(item, ItemName):
        return item
    if item.kind == "tensor":
        return _tensor(builder, item.name)
    if item.kind == "operation":
        return _operation(builder, item.name)
    if item.name not in variables:
        raise GraphError(f"A collection holds the variable {item.name!r}, which the meta graph does not describe")
    return variables[item.name]


def _tensor(builder: Builder, text: str) -> Tensor:
    name, index = split_input(text, "the meta graph")
    if not builder.has(name, index):
        raise GraphError(f"The meta graph names a tensor {text!r} that it does not have")
    return builder.tensor(name, index)


def _operation(builder: Builder, name: str) -> Operation:
    if not builder.has(name, -1):
        raise GraphError(f"The meta graph names an operation {name!r} that it does not have")
    return builder.made[name]
