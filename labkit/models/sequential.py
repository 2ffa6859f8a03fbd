"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import labkit as lk
from labkit.errors import ArgumentError, GraphError
from labkit.layers.base import Layer
from labkit.layers.features import TableLayer
from labkit.layers.input import Input
from labkit.layers.symbol import Symbol
from labkit.models.functional import LayerGraph
from labkit.models.model import Model
from labkit.models.names import name_layers, named
from labkit.models.tables import kinds_of
from labkit.plugins import resolve


class Sequential(Model):
    """A model in which each layer's output is the next layer's input.

        model = lk.Sequential([lk.layers.Input((784,)), lk.layers.Dense(10, activation="softmax")])
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(images, labels, epochs=2)

    The shape of one example comes from an `Input`, from the first layer's `input_shape=`, from `build`, or from the
    first data.

    Args:
        layers: layers, registered names, or {"name": ..., settings}; `add` appends further ones.
        name: the model's name, for messages and tables.
        seed: decides the initial weights and the masks of Dropout; None takes the seed of `lk.set_random_seed`, or 0.
    """

    def __init__(self, layers: Iterable[Any] = (), name: str | None = None, seed: int | None = None) -> None:
        super().__init__(name=name, seed=seed)
        self._made_of: list[Layer] = []
        self._written: LayerGraph | None = None  # the same in symbols, when somebody asks
        if isinstance(layers, Layer | str | Mapping) or not isinstance(layers, Iterable):
            raise ArgumentError(
                "Sequential takes a list of layers",
                rule="Its entries are layers, registered names, or {'name': ..., settings}",
                received=repr(layers),
                fix="Put brackets around: lk.Sequential([lk.layers.Dense(1)]).",
            )
        for layer in layers:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Appends a layer and names it where it has no name: dense, dense_1 ..., counted inside this model.

        Raises:
            GraphError: it is no layer, its name is taken, an Input comes late, or the model is built already.
        """
        layer = resolve("layers", layer)
        if not isinstance(layer, Layer):
            raise GraphError(
                f"Model {self.name!r} is made of layers",
                rule="An entry is a labkit layer, a registered name, or {'name': ..., settings}",
                received=repr(layer),
                fix="Wrap a function in lk.layers.Activation, or write a Layer with a call method.",
            )
        if self.built:
            raise GraphError(
                f"Model {self.name!r} is built already",
                rule="Layers are added before the first fit, build, evaluate or predict",
                received=repr(layer),
                fix="Make a new model with all its layers.",
            )
        if isinstance(layer, Input):
            if self.layers or self.input_shape is not None:
                raise GraphError(f"Model {self.name!r} takes one Input, before its layers", received=repr(layer))
            self.input_shape, self.input_dtype = layer.input_shape, layer.input_dtype
            return
        if layer in self.layers or (named(layer) and layer.name in {other.name for other in self.layers}):
            raise GraphError(
                f"Model {self.name!r} has a layer named {layer.name!r} already",
                rule="Names are unique inside a model, and a layer stands in it once",
                received=repr(layer),
                fix="Make a new layer, or give it another name=.",
            )
        if not self.layers and isinstance(layer, TableLayer):
            self.input_shape, self.input_dtype = kinds_of(layer.sources)
        elif not self.layers and layer.input_shape is not None:
            self.input_shape, self.input_dtype = layer.input_shape, getattr(layer, "input_dtype", self.input_dtype)
        self._made_of.append(layer)
        name_layers(self)

    def pop(self) -> Layer:
        """Takes the last layer out, and returns it.

        Raises:
            GraphError: there is none, or the model is built already.
        """
        if self.built or not self._made_of:
            raise GraphError(
                f"Model {self.name!r} is built already" if self.built else f"Model {self.name!r} has no layers",
                rule="Layers are taken out before the first fit, build, evaluate or predict",
                fix="A new model shares the layers of a built one: lk.Sequential(model.layers[:-1])."
                if self.built
                else "",
            )
        self._written = None
        return self._made_of.pop()

    def takes_several(self, x: Any) -> bool:
        return False

    def call(self, inputs: Any, training: bool = False) -> lk.Tensor:
        for layer in self.layers:
            inputs = layer(inputs, training=training)
        return inputs

    def _as_layer_graph(self) -> LayerGraph:
        if self.input_shape is None:
            return super()._as_layer_graph()
        if self._written is None or self._written.layers != self.layers:
            symbol = start = self._start()
            for layer in self.layers:
                symbol = layer(symbol)
            self._written = LayerGraph(start, symbol)
        return self._written

    def _start(self) -> Any:
        """The symbol of the input; of tables a dict of symbols."""
        shapes: Any = self.input_shape
        if not isinstance(shapes, Mapping):
            return Symbol(shapes, lk.as_dtype(self.input_dtype), call=None)
        dtypes = self.input_dtype
        return {name: Symbol(shape, lk.as_dtype(dtypes[name]), call=None, name=name) for name, shape in shapes.items()}
