"""Functional models: the calls of layers that lead from inputs to outputs."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.errors import GraphError
from labkit.layers.base import Layer
from labkit.layers.symbol import Call, Symbol, as_symbol, trace
from labkit.models.names import leaf_names
from labkit.plugins import unused_name


class LayerGraph:
    """What `Model(inputs, outputs)` computes.

    Args:
        inputs: an Input, or a list, tuple or dict of them.
        outputs: symbols that layers gave, likewise.

    Attributes:
        inputs, outputs: symbols in that structure.
        calls: the layers' calls, in the order in which they were written.
        layers: in the order in which they were first called.

    Raises:
        GraphError: something else is given, an input comes twice, or an output needs an input that is not given.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = _symbols(inputs, "inputs"), _symbols(outputs, "outputs")
        starts = flatten(self.inputs)
        for symbol in starts:
            if starts.count(symbol) > 1:
                raise GraphError("An input of a model comes twice", received=repr(symbol))
        names = self.input_names()
        if len(set(names)) < len(names):
            raise GraphError(
                "Two inputs of a model have one name",
                rule="Names are unique, as data are given by name, too",
                received=", ".join(map(repr, names)),
            )
        self.calls = _calls_between(starts, flatten(self.outputs))
        self.layers: list[Layer] = list(dict.fromkeys(call.layer for call in self.calls))

    def run(self, inputs: Any, training: bool) -> Any:
        """The outputs' tensors for those of the inputs, in the structure of `outputs`."""
        starts, given = flatten(self.inputs), flatten(inputs)
        if len(starts) != len(given):
            raise GraphError(
                "A functional model is called on another number of inputs than it has",
                rule=f"It has {len(starts)}",
                received=f"{len(given)}",
            )
        values: dict[Symbol, lk.Tensor] = dict(zip(starts, given, strict=True))
        made: dict[tuple[Call, int], lk.Tensor] = {}
        for call in self.calls:
            for symbol in call.symbols():
                if symbol not in values:
                    assert symbol.call is not None
                    values[symbol] = made[symbol.call, symbol.place]
            for place, tensor in enumerate(flatten(trace(call, values, training=training))):
                made[call, place] = tensor
        leaves = [values[s] if s.call is None or s in values else made[s.call, s.place] for s in flatten(self.outputs)]
        return pack(self.outputs, leaves)

    def symbols(self) -> dict[str, Any]:
        """Layer's name -> the symbol that its last call gives, or a nest of them."""
        return {str(call.layer.name): call.outputs for call in self.calls}

    def input_names(self) -> list[str]:
        """A name for each input: its key in a dict, its own, or input_1, input_2 ..."""
        own = [symbol.name or f"input_{i}" for i, symbol in enumerate(flatten(self.inputs), 1)]
        return leaf_names(self.inputs, own)

    def output_names(self) -> list[str]:
        """A name for each output: its key in a dict, or that of the layer which makes it."""
        names: list[str] = []
        for symbol in flatten(self.outputs):
            base = "input" if symbol.call is None else symbol.call.layer.name or "output"
            names.append(unused_name(base, names))
        return leaf_names(self.outputs, names)


def _symbols(nest: Any, what: str) -> Any:
    leaves = [as_symbol(leaf) for leaf in flatten(nest)]
    for leaf in leaves:
        if not isinstance(leaf, Symbol):
            raise GraphError(
                f"The {what} of a functional model are symbols",
                rule="Inputs are lk.Input(...); outputs are what layers give that are called on them",
                received=repr(leaf),
                fix="x = lk.Input((784,)); model = lk.Model(x, lk.layers.Dense(10)(x)). A list of layers is an lk.Sequential. "
                "What a layer of another model gives: lk.Model(model.inputs, model.symbols()['dense']).",
            )
    return pack(nest, leaves)


def _calls_between(inputs: list[Symbol], outputs: list[Symbol]) -> list[Call]:
    """The calls that lead from the inputs to the outputs, in the order in which they were written."""
    found: set[Call] = set()
    waiting = list(outputs)
    while waiting:
        symbol = waiting.pop()
        if symbol in inputs or symbol.call in found:
            continue
        if symbol.call is None:
            raise GraphError(
                "An output of the model needs an input that the model does not have",
                rule="Every Input that leads to an output is among the inputs",
                received=repr(symbol),
                fix="Add it: lk.Model([...], outputs).",
            )
        found.add(symbol.call)
        waiting.extend(symbol.call.symbols())
    return sorted(found, key=lambda call: call.serial)
