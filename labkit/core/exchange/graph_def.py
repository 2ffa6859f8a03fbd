"""GraphDef: a graph as plain data, in the order in which its operations were made.

`graph.as_graph_def()` makes one, `lk.import_graph_def` builds operations from one, `to_json` and `from_json` are its text
form (text.py). Printed, it looks like the text form of TensorFlow's protocol buffer.

An input is written as there: "add" is output 0 of the operation add, "split:2" its output 2, "^init" a control input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.dtypes import DType
from labkit.core.shapes import Dims

if TYPE_CHECKING:
    from labkit.core.operation import Operation
    from labkit.core.tensor import Tensor

_SHOWN = 64
"""A printed graph shows so many elements of an array."""


@dataclass(frozen=True)
class SubgraphName:
    """The value of an attribute that is a subgraph: its name in the library."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass
class NodeDef:
    """One operation.

    Attributes:
        name: its name.
        op: its type.
        input: the names of its inputs, then those of its control inputs with "^" in front.
        attr: its attributes: numbers, texts, None, DTypes, read-only arrays, tuples of them, SubgraphName, and in this
            process functions.
        shape: the outputs' shapes where they are not what the type's rule says (after set_shape), else None.
        line: "file:number" of the line of the program that made it.
        device: where the program wanted it.
    """

    name: str
    op: str
    input: list[str] = field(default_factory=list)
    attr: dict[str, Any] = field(default_factory=dict)
    shape: list[Dims] | None = None
    line: str = ""
    device: str = ""

    def __str__(self) -> str:
        return "\n".join(_node(self))


@dataclass
class SubgraphDef:
    """The body of a loop or the branch of a condition.

    Attributes:
        name: its name; the names of its operations begin with it and "/".
        outer: the name of the subgraph around it, "" in the graph itself.
        node: its operations.
        argument: the operations that are its formal arguments.
        captured: argument -> the tensor of the graph around it that it stands for.
        variable: variable of the graph around it -> the operation that stands for it.
        output: the tensors that are its results.
    """

    name: str
    outer: str = ""
    node: list[NodeDef] = field(default_factory=list)
    argument: list[str] = field(default_factory=list)
    captured: dict[str, str] = field(default_factory=dict)
    variable: dict[str, str] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)


@dataclass
class GraphDef:
    """A graph.

    Attributes:
        node: its operations, in the order in which they were made.
        library: the subgraphs of its loops and conditions, and of those inside.
    """

    node: list[NodeDef] = field(default_factory=list)
    library: list[SubgraphDef] = field(default_factory=list)

    def to_json(self) -> bytes:
        """The graph as JSON in UTF-8; the same graph gives the same bytes.

        Raises:
            GraphError: an operation holds a Python function, or a value that is not plain; it is named.
        """
        from labkit.core.exchange.text import encode_graph

        return encode_graph(self)

    @classmethod
    def from_json(cls, text: bytes | str) -> GraphDef:
        """The graph in a text that `to_json` made, here or elsewhere. Nothing of it is run or looked up.

        Raises:
            GraphError: it is no such text.
        """
        from labkit.core.exchange.text import decode_graph

        return decode_graph(text)

    def SerializeToString(self) -> bytes:
        """`to_json`, by the name that TensorFlow's programs call: what they write and read is this JSON."""
        return self.to_json()

    def ParseFromString(self, serialized: bytes) -> int:
        """Becomes the graph of a `SerializeToString` or `to_json`, and returns the number of bytes read.

        Raises:
            GraphError: it is no such text, such as a file that TensorFlow itself wrote.
        """
        read = GraphDef.from_json(serialized)
        self.node, self.library = read.node, read.library
        return len(serialized)

    def __str__(self) -> str:
        lines = [line for node in self.node for line in _block("node", _node(node))]
        for sub in self.library:
            lines += _block("library", _library(sub))
        return "\n".join(lines) + "\n" * bool(lines)


def tensor_name(x: Tensor) -> str:
    """The tensor as an input is written: output 0 is named by its operation alone."""
    return f"{x.op.name}:{x.index}" if x.index else x.op.name


def input_names(op: Operation) -> list[str]:
    """The inputs, then the control inputs, as a node lists them."""
    return [*map(tensor_name, op.inputs), *("^" + earlier.name for earlier in op.control_inputs)]


# --- as text ---


def _block(name: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"{name} {{"
    yield from ("  " + line for line in lines)
    yield "}"


def _node(node: NodeDef) -> Iterator[str]:
    yield f"name: {_quoted(node.name)}"
    yield f"op: {_quoted(node.op)}"
    yield from (f"input: {_quoted(name)}" for name in node.input)
    if node.device:
        yield f"device: {_quoted(node.device)}"
    for key, value in node.attr.items():
        yield from _block("attr", iter([f"key: {_quoted(key)}", *_block("value", _value(value))]))
    if node.shape is not None:
        shapes = (line for dims in node.shape for line in _block("shape", _dims(dims)))
        inner = _block("list", shapes)
        yield from _block("attr", iter(['key: "_output_shapes"', *_block("value", inner)]))


def _library(sub: SubgraphDef) -> Iterator[str]:
    yield f"name: {_quoted(sub.name)}"
    yield from (f"argument: {_quoted(name)}" for name in sub.argument)
    for node in sub.node:
        yield from _block("node", _node(node))
    yield from (f"output: {_quoted(name)}" for name in sub.output)


def _value(value: Any) -> Iterator[str]:
    if isinstance(value, tuple):
        yield from _block("list", (line for item in value for line in _value(item)))
    elif isinstance(value, np.ndarray):
        yield from _block("tensor", _array(value))
    elif isinstance(value, SubgraphName):
        yield f"func {{ name: {_quoted(value.name)} }}"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return f"b: {str(value).lower()}"
    if isinstance(value, int):
        return f"i: {value}"
    if isinstance(value, float):
        return f"f: {value!r}"
    if isinstance(value, DType):
        return f"type: {_type_name(value)}"
    return f"s: {_quoted(value if isinstance(value, str) else repr(value))}"


def _array(array: np.ndarray) -> Iterator[str]:
    from labkit.core.dtypes import as_dtype

    yield f"dtype: {_type_name(as_dtype(array.dtype))}"
    yield from _block("tensor_shape", _dims(array.shape))
    name = {"f": "float_val", "b": "bool_val", "O": "string_val"}.get(array.dtype.kind, "int_val")
    for item in array.reshape(-1)[:_SHOWN].tolist():
        yield f"{name}: {_quoted(repr(item)) if name == 'string_val' else str(item).lower()}"
    if array.size > _SHOWN:
        yield f"# and {array.size - _SHOWN} more"


def _type_name(dtype: DType) -> str:
    return "DT_" + {"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype.name, dtype.name.upper())


def _dims(dims: Dims) -> Iterator[str]:
    if dims is None:
        yield "unknown_rank: true"
    else:
        for size in dims:
            yield from _block("dim", iter([f"size: {-1 if size is None else size}"]))


def _quoted(text: str) -> str:
    escaped = text.encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{escaped}"'
