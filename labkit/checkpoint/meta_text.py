"""The text form of a meta graph: that of its graph, and around it the variables and collections by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from labkit.core.exchange.graph_def import GraphDef
from labkit.core.exchange.text import GraphText, OddFloat, decode, encode, from_text, to_text

Kind = Literal["variable", "tensor", "operation"]


@dataclass
class ItemName:
    """An item of a collection that is part of the graph: the operation "Adam", the tensor "loss:0", the variable "w"."""

    kind: Kind
    name: str


class VariableDef(msgspec.Struct, forbid_unknown_fields=True):
    """A variable.

    Attributes:
        name: its operation.
        initializer: the operation that sets it to its initial value.
        initial_value: that tensor.
        trainable: whether optimizers change it when they are not told what to change.
    """

    name: str
    initializer: str
    initial_value: str
    trainable: bool


class SaverDef(msgspec.Struct, forbid_unknown_fields=True):
    """What a Saver saves and keeps.

    Attributes:
        variables: name in the checkpoint -> the variable's operation.
        counters: name in the checkpoint -> the random counter.
        max_to_keep: how many of its checkpoints stay; None for all.
        keep_checkpoint_every_n_hours: after so many hours one more stays for good.
    """

    variables: dict[str, str]
    counters: dict[str, str] = {}
    max_to_keep: int | None = 5
    keep_checkpoint_every_n_hours: float = 10000.0


class _Name(msgspec.Struct, tag_field="is", tag="name", forbid_unknown_fields=True):
    kind: Kind
    name: str


_Item = None | bool | int | float | str | _Name | OddFloat


class _MetaText(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    format: Literal["labkit-meta-graph"]
    version: Literal[1]
    graph: GraphText
    variables: list[VariableDef] = []
    collections: dict[str, list[_Item]] = {}
    saver: SaverDef | None = None


def encode_meta(
    graph_def: GraphDef, variables: list[VariableDef], collections: dict[str, list[Any]], saver: SaverDef | None
) -> bytes:
    """A meta graph as JSON.

    Raises:
        GraphError: a value of an operation cannot be written; the operation is named.
    """
    items = {key: [_written(x) for x in values] for key, values in collections.items()}
    return encode(_MetaText("labkit-meta-graph", 1, to_text(graph_def), variables, items, saver))


def _written(item: Any) -> Any:
    if isinstance(item, ItemName):
        return _Name(item.kind, item.name)
    return OddFloat(repr(item)) if isinstance(item, float) and not math.isfinite(item) else item  # type: ignore[arg-type]


def decode_meta(
    text: bytes | str,
) -> tuple[GraphDef, list[VariableDef], dict[str, list[Any]], SaverDef | None]:
    """Graph, variables, collections and Saver in a JSON text.

    Raises:
        GraphError: it holds no meta graph.
    """
    read = decode(text, _MetaText, "meta graph")
    items = {key: [_read(x) for x in values] for key, values in read.collections.items()}
    return from_text(read.graph), read.variables, items, read.saver


def _read(item: Any) -> Any:
    if isinstance(item, _Name):
        return ItemName(item.kind, item.name)
    return float(item.value) if isinstance(item, OddFloat) else item
