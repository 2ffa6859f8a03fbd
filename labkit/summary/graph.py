"""A labkit graph as the GraphDef that TensorBoard's Graphs page draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorboardX.proto.attr_value_pb2 import AttrValue
from tensorboardX.proto.graph_pb2 import GraphDef
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboardX.proto.versions_pb2 import VersionDef

_SHOWN = 200
"""Characters of an attribute's text, and no more elements than that of a list or constant, are shown."""


def graph_def(graph: Any) -> bytes:
    """The graph, serialised. Scopes are the parts of names between "/"; edges are labelled with shapes.

    Args:
        graph: an `lk.Graph`.
    """
    result = GraphDef(versions=VersionDef(producer=22))
    for described, op in zip(graph.as_graph_def().node, graph.operations, strict=True):
        node = result.node.add(name=op.name, op=op.type, input=described.input, device=op.device)
        for name, value in described.attr.items():
            node.attr[name].CopyFrom(_attr(value))
        shapes = [_shape(tensor) for tensor in op.outputs]
        node.attr["_output_shapes"].CopyFrom(AttrValue(list=AttrValue.ListValue(shape=shapes)))
        if op.outputs:
            node.attr["dtype"].CopyFrom(_attr(getattr(op.outputs[0].dtype, "name", op.outputs[0].dtype)))
    return result.SerializeToString()


def _shape(tensor: Any) -> TensorShapeProto:
    """Unknown dimensions are -1."""
    try:
        dims = tensor.shape.as_list() if hasattr(tensor.shape, "as_list") else tensor.shape
    except ValueError:  # how a shape of unknown rank answers
        dims = None
    if dims is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1 if size is None else int(size)) for size in dims])


def _attr(value: Any) -> AttrValue:
    """A number or truth value as it is, everything else as text of bounded length: constants can be large."""
    if isinstance(value, bool | np.bool_):
        return AttrValue(b=bool(value))
    if isinstance(value, int | np.integer) and -(2**63) <= value < 2**63:
        return AttrValue(i=int(value))
    if isinstance(value, float | np.floating):
        return AttrValue(f=float(value))
    if isinstance(value, np.ndarray):
        text = str(value.tolist()) if value.size <= _SHOWN else f"{value.dtype} of shape {value.shape}"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, list | tuple) and len(value) > _SHOWN:
        text = f"{len(value)} values"
    else:
        text = str(value)
    return AttrValue(s=(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...").encode("utf-8", errors="replace"))
