"""The text form of a GraphDef: strict JSON with a version, the same bytes for the same graph.

Arrays stand there as base64 of their little-endian bytes. Reading builds plain data of bounded depth, no larger than the text;
whether it is a legal graph is for the import to say.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from labkit.core import dtypes as dt
from labkit.core.exchange.graph_def import GraphDef, NodeDef, SubgraphDef, SubgraphName
from labkit.core.shapes import MAX_COUNT, MAX_RANK
from labkit.errors import GraphError

FORMAT: Literal["labkit-graph"] = "labkit-graph"
VERSION: Literal[1] = 1

_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
_Dims = Annotated[list[_Size], msgspec.Meta(max_length=MAX_RANK)]
_OpenDims = Annotated[list[_Size | None], msgspec.Meta(max_length=MAX_RANK)] | None
_LINE = r"^([^\x00-\x1f\x7f]{0,4096}:[0-9]{1,9})?\Z"
_LEGAL_LINE = re.compile(_LINE).match


class _Array(msgspec.Struct, tag_field="is", tag="array", forbid_unknown_fields=True):
    dtype: str
    shape: _Dims
    data: bytes


class _Text(msgspec.Struct, tag_field="is", tag="text", forbid_unknown_fields=True):
    shape: _Dims
    items: list[bytes]


class _DType(msgspec.Struct, tag_field="is", tag="dtype", forbid_unknown_fields=True):
    name: str


class OddFloat(msgspec.Struct, tag_field="is", tag="float", forbid_unknown_fields=True):
    """What JSON has no number for."""

    value: Literal["nan", "inf", "-inf"]


class _Subgraph(msgspec.Struct, tag_field="is", tag="subgraph", forbid_unknown_fields=True):
    name: str


_Single = None | bool | int | float | str | _DType | OddFloat
_Value = _Single | _Array | _Text | _Subgraph | list[_Single | list[_Single]]


class _Node(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    op: str
    input: list[str] = []
    attr: dict[str, _Value] = {}
    shape: list[_OpenDims] | None = None
    line: Annotated[str, msgspec.Meta(pattern=_LINE)] = ""
    device: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{0,4096}\Z")] = ""


class _Sub(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    node: list[_Node]
    outer: str = ""
    argument: list[str] = []
    captured: dict[str, str] = {}
    variable: dict[str, str] = {}
    output: list[str] = []


class GraphText(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A graph as it stands in a text."""

    format: Literal["labkit-graph"]
    version: Literal[1]
    node: list[_Node]
    library: list[_Sub] = []


def encode_graph(graph: GraphDef) -> bytes:
    """The graph as JSON.

    Raises:
        GraphError: a value cannot be written; its operation is named.
    """
    return encode(to_text(graph))


def decode_graph(data: bytes | str) -> GraphDef:
    """The graph in a JSON text.

    Raises:
        GraphError: it is none.
    """
    return from_text(decode(data, GraphText, "graph"))


def encode(value: msgspec.Struct) -> bytes:
    """What was made by `to_text`, or holds it, as JSON.

    Raises:
        GraphError: a text in it is no Unicode.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise GraphError("A name or text in the graph is no Unicode", received=str(error)) from None


def decode(data: bytes | str, kind: Any, what: str) -> Any:
    """A JSON text as an object of that kind.

    Raises:
        GraphError: it is none.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError, TypeError) as error:
        raise GraphError(
            f"The text is no {what} of labkit's",
            rule=f"It is JSON as labkit writes it, of version {VERSION}",
            received=re.sub(r"\s+", " ", str(error))[:200],
        ) from None


# --- to text ---


def to_text(graph: GraphDef) -> GraphText:
    """The graph as what is written.

    Raises:
        GraphError: a value cannot be written; its operation is named.
    """
    library = [
        _Sub(s.name, _nodes(s.node), s.outer, s.argument, s.captured, s.variable, s.output) for s in graph.library
    ]
    return GraphText(FORMAT, VERSION, _nodes(graph.node), library)


def _nodes(nodes: Sequence[NodeDef]) -> list[_Node]:
    return [_node(node) for node in nodes]


def _node(node: NodeDef) -> _Node:
    try:
        attr = {key: _written(value) for key, value in node.attr.items()}
        shape = None if node.shape is None else [None if d is None else list(d) for d in node.shape]
        line = node.line if _LEGAL_LINE(node.line) else ""
    except _NotPlain as problem:
        fix = "Leave the operation out of what is exported, or compute it with labkit's own operations."
        what = f"{node.op} '{node.name}' ({node.line}) cannot be written into a file"
        raise GraphError(
            what, rule="A written graph holds numbers, texts, arrays and dtypes", received=str(problem), fix=fix
        ) from None
    return _Node(node.name, node.op, node.input, attr, shape, line, node.device)


class _NotPlain(Exception):
    pass


def _written(value: Any) -> Any:
    if value is None or isinstance(value, bool | str) or type(value) is int:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else OddFloat(repr(value))  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, dt.DType):
        return _DType(value.name)
    if isinstance(value, SubgraphName):
        return _Subgraph(value.name)
    if isinstance(value, np.ndarray):
        return _array(value)
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    raise _NotPlain(f"the Python function {name}" if callable(value) else repr(value)[:80])


def _array(array: np.ndarray) -> Any:
    dtype = dt.as_dtype(array.dtype)
    if array.dtype.kind == "O":
        return _Text(list(array.shape), [bytes(item) for item in array.reshape(-1)])
    plain = np.ascontiguousarray(array, dtype.numpy.newbyteorder("<"))
    return _Array(dtype.name, list(array.shape), plain.reshape(-1).view(np.uint8).data)  # type: ignore[arg-type]


# --- from text ---


def from_text(text: GraphText) -> GraphDef:
    """The graph in what was read.

    Raises:
        GraphError: an array does not have the size it claims.
    """
    library = [
        SubgraphDef(s.name, s.outer, _read_nodes(s.node), s.argument, s.captured, s.variable, s.output)
        for s in text.library
    ]
    return GraphDef(_read_nodes(text.node), library)


def _read_nodes(nodes: Sequence[_Node]) -> list[NodeDef]:
    return [_read_node(node) for node in nodes]


def _read_node(node: _Node) -> NodeDef:
    try:
        attr = {key: _read(value) for key, value in node.attr.items()}
    except (ValueError, OverflowError, TypeError) as error:
        raise GraphError(
            f"{node.op!a} {node.name!a} holds a value that is none",
            rule="An array has a dtype of labkit's, and as many bytes as its shape says",
            received=str(error),
        ) from None
    shape = None if node.shape is None else [None if d is None else tuple(d) for d in node.shape]
    return NodeDef(node.name, node.op, node.input, attr, shape, node.line, node.device)


def _read(value: Any) -> Any:
    reader = _READERS.get(type(value))
    return value if reader is None else reader(value)


def _read_array(value: _Array) -> np.ndarray:
    dtype = _dtype(value.dtype)
    if dtype.numpy.kind == "O" or len(value.data) != math.prod(value.shape) * dtype.size:
        raise ValueError(f"{len(value.data)} bytes for {dtype.name} {value.shape}")
    array = np.frombuffer(value.data, dtype.numpy.newbyteorder("<")).reshape(value.shape)
    if dtype is dt.bool_ and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError("a bool that is neither 0 nor 1")
    return array if sys.byteorder == "little" else array.astype(dtype.numpy)


def _read_text(value: _Text) -> np.ndarray:
    if len(value.items) != math.prod(value.shape):
        raise ValueError(f"{len(value.items)} texts for {value.shape}")
    array = np.empty(len(value.items), object)
    array[:] = value.items
    return array.reshape(value.shape)


def _dtype(name: str) -> dt.DType:
    dtype = dt.as_dtype(name)
    if dtype.name != name:
        raise ValueError(f"{name!a} is no dtype")
    return dtype


_READERS: dict[type, Callable[[Any], Any]] = {
    _Array: _read_array,
    _Text: _read_text,
    _DType: lambda value: _dtype(value.name),
    OddFloat: lambda value: float(value.value),
    _Subgraph: lambda value: SubgraphName(value.name),
    list: lambda value: tuple(map(_read, value)),
}
