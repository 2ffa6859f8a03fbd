"""A graph of layers with a session of its own: built once, looked at through its inference graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.data.columns import FeatureColumn
from labkit.errors import GraphError, InvalidArgumentError
from labkit.layers.base import Layer
from labkit.models import weights
from labkit.models.arrays import inputs_array, parts, several
from labkit.models.functional import LayerGraph
from labkit.models.home import BUILDING, Home, home_of
from labkit.models.inputs import batches, placeholders, shapes_of
from labkit.models.names import leaf_names, name_layers, numbered
from labkit.models.summary import summary_table
from labkit.models.tables import Fed, kinds_of, read_inputs, sources_of
from labkit.plugins import default_name


class TracedLayers(Layer):
    """What a model is without training: layers, their graph and session, their weights.

    Arguments and attributes as of `Model`, which adds what training needs.
    """

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        seed: int | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name or default_name(type(self)), trainable=trainable)
        self.has_given_name = name is not None  # else a model that it becomes a layer of may give it one
        self.seed: int = next(s for s in (seed, lk.get_default_graph().seed, 0) if s is not None)
        self.input_dtype: Any = "float32"
        self.layer_graph: LayerGraph | None = None
        if inputs is not None or outputs is not None:
            self.layer_graph = LayerGraph(inputs, outputs)
            symbols = self.layer_graph.inputs
            self.input_shape = pack(symbols, [symbol.shape for symbol in flatten(symbols)])
            self._made_of = self.layer_graph.layers
            name_layers(self)

    def _forget(self) -> None:
        super()._forget()
        self._taps: dict[str, lk.Tensor] = {}
        self._built_of: set[Layer] = set()
        self._sources: dict[str, FeatureColumn] | None = None  # of a built model, whose layers stay the same

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Traces the model: adds its operations to the graph and returns the output, or a nest of outputs."""
        if self.layer_graph is None:
            raise NotImplementedError(f"{type(self).__name__} must define call(inputs, training)")
        return self.layer_graph.run(inputs, training)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order; `Input` is none of them."""
        return self.sublayers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or with that index in `layers`.

        Raises:
            GraphError: there is none.
            InvalidArgumentError: both or neither are given.
        """
        if (name is None) == (index is None):
            raise InvalidArgumentError("get_layer takes a name or an index", received=f"name={name!r}, index={index!r}")
        name_layers(self)
        layers = self.layers
        if index is not None and -len(layers) <= index < len(layers):
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = ", ".join(repr(layer.name) for layer in layers)
        raise GraphError(
            f"Model {self.name!r} has no layer {name!r}"
            if index is None
            else f"Model {self.name!r} has no layer {index}",
            rule=f"Its layers are {names}",
        )

    @property
    def inputs(self) -> Any:
        """The symbols of the inputs, of which other functional models can be made; see `symbols`."""
        return self._as_layer_graph().inputs

    @property
    def outputs(self) -> Any:
        """The symbols of the outputs, likewise."""
        return self._as_layer_graph().outputs

    input = inputs
    output = outputs

    @property
    def output_shape(self) -> Any:
        """The shape of the output, [None, ...]; of several outputs a nest of shapes. Builds the model."""
        return self.shape_of(self.y_pred)

    def symbols(self) -> dict[str, Any]:
        """What each layer gives, as symbols: `lk.Model(model.inputs, model.symbols()["conv2d"])` shows what a layer sees.

        Returns:
            Layer's name -> the symbol of its output, or a nest of them.

        Raises:
            GraphError: the model is a subclass with a `call` of its own, or does not know the shape of its input.
        """
        return self._as_layer_graph().symbols()

    def _as_layer_graph(self) -> LayerGraph:
        if self.layer_graph is None:
            raise GraphError(
                f"Model {self.name!r} has no symbols",
                rule="A functional model has some, and a Sequential that knows the shape of its input",
                received=f"a {type(self).__name__} with a call of its own" if self.built else "no shape of an input",
                fix="Put lk.Input(...) first. The tensors of any model: model.taps().",
            )
        return self.layer_graph

    @property
    def graph(self) -> lk.Graph:
        """The graph of the model, and of those that it shares layers with."""
        return self.home.graph

    @property
    def session(self) -> lk.Session:
        """The session that holds the weights; it is never the default one."""
        return self.home.session

    @property
    def home(self) -> Home:
        """Where the model lives: where its layers do, if they were built in another model."""
        if not self.built:
            self.lives_in = home_of(self.walk()) or self.lives_in or Home(self.seed)
        found: Home = self.lives_in
        return found

    # --- building ---

    def build(self, input_shape: Any = None) -> None:
        """Makes weights and the inference graph. A second call does nothing.

        Args:
            input_shape: the shape of a batch, its first dimension None; None takes the one declared by the layers.

        Raises:
            GraphError: no shape is known, or there are no layers.
            ShapeError: the layers do not fit each other.
        """
        if not self.built:
            with BUILDING:
                self._build(input_shape)

    def _build(self, input_shape: Any) -> None:
        if self.built:  # by another thread
            return
        shape = self.input_shape
        if shape is None and input_shape is not None:
            shape = batches(input_shape)
        elif shape is None and (sources := sources_of(self)):
            shape, self.input_dtype = kinds_of(sources)
        if shape is None or not (self.layers or self.layer_graph):
            raise GraphError(
                f"Model {self.name!r} cannot be built yet",
                rule="A model needs at least one layer and the shape of one example",
                received="no layers" if not self.layers else "no shape",
                fix="Put lk.layers.Input((28, 28, 1)) first, or call build([None, 28, 28, 1]), or fit data.",
            )
        home, new = self.home, [layer for layer in self.walk() if not layer.built]
        try:
            with home.graph.as_default():
                self._x, self._input_names = placeholders(shape, self.input_dtype, self.layer_graph)
                self._y_pred = self._trace(training=False)
                self._taps = self._collect_taps()
                self._settle(home)
        except BaseException:
            for layer in new:  # so that the model can be built again, with data that fit
                layer._forget()
            raise
        self.input_shape, self.built, self._built_of = shape, True, set(self.walk())

    def _settle(self, home: Home) -> None:
        """Gives the weights that were made values, and says where these are."""
        home.initialize()
        for layer in self.walk():
            if layer.own_weights:
                layer.lives_in = home

    @property
    def input_names(self) -> list[str]:
        """A name for each input, for data given by name."""
        self.build()
        return list(self._input_names)

    @property
    def output_names(self) -> list[str]:
        """A name for each output, for targets, losses and metrics given by name."""
        if self.layer_graph is not None:
            return self.layer_graph.output_names()
        return leaf_names(self.y_pred, numbered("output", len(flatten(self.y_pred))))

    def _trace(self, training: bool) -> Any:
        """The outputs' tensors for the placeholders of the inputs.

        Raises:
            GraphError: it makes weights that are no layer's.
        """
        name_layers(self)
        before = len(lk.trainable_variables())
        outputs = self._traced(self._x, None, training, None, {})
        own = {variable for layer in self.walk() for variable in layer.own_weights.values()}
        if lost := [variable.op.name for variable in lk.trainable_variables()[before:] if variable not in own]:
            raise GraphError(
                f"Model {self.name!r} makes weights that training would not find",
                rule="Layers are kept in attributes; weights are made in build, with add_weight. What call makes is of one "
                "trace alone",
                received=", ".join(lost),
                fix="Make the layers in __init__ or build: self.hidden = lk.layers.Dense(8).",
            )
        return outputs

    def _require_same_layers(self) -> None:
        """Raises GraphError where a built model has other layers than those that it was built of."""
        if self.built and (changed := self._built_of.symmetric_difference(self.walk())):
            raise GraphError(
                f"Model {self.name!r} has other layers than when it was built",
                rule="A model's layers, and theirs, stay what they were when its weights were made",
                received=f"added or removed: {', '.join(sorted(repr(layer) for layer in changed))}",
                fix="Make a new model of these layers, which may share those that stay.",
            )

    def _require_built(self, inputs: Any, shape: Any) -> None:
        """Called as a layer of another model, or in a graph of the program's own: the layers make their own weights."""
        name_layers(self)

    def _collect_taps(self) -> dict[str, lk.Tensor]:
        taps = {}
        for layer in self.layers:
            if layer.pre_activation is not None and layer.pre_activation is not layer.traced_output:
                taps[f"{layer.name}/pre_activation"] = layer.pre_activation
            outputs = [] if layer.traced_output is None else flatten(layer.traced_output)
            for i, output in enumerate(outputs):
                taps[f"{layer.name}/output" + f"_{i}" * (len(outputs) > 1)] = output
        return taps

    @property
    def x(self) -> Any:
        """The placeholder of the inputs, [None, ...]; of several inputs theirs, in the model's structure."""
        self.build()
        return self._x

    @property
    def y_pred(self) -> Any:
        """The output of the inference graph, [None, ...]; of several outputs theirs, in the model's structure."""
        self.build()
        return self._y_pred

    def taps(self) -> dict[str, lk.Tensor]:
        """Each layer's pre-activation (where it has an activation) and output in the inference graph.

        Returns:
            "<layer>/pre_activation" and "<layer>/output" -> tensor, in the order of the layers. Run them with
            `model.session.run(taps, {model.x: images})`.
        """
        self.build()
        return dict(self._taps)

    def input_arrays(self, x: Any) -> list[np.ndarray]:
        """The arrays that are fed, in the order of the flattened placeholders."""
        if isinstance(x, Fed):
            return x.arrays
        if not self.built:
            known = self.input_shape is not None or sources_of(self)
            self.build(None if known else shapes_of(x, self.takes_several(x)))
        if self._sources is None:
            self._sources = sources_of(self)
        if sources := self._sources:
            x = read_inputs(x, self.input_names, sources)
        given = parts(x, self.x, self.input_names, "x")
        return [inputs_array(a, p, self.name or "") for a, p in zip(given, flatten(self.x), strict=True)]

    def takes_several(self, x: Any) -> bool:
        """Whether data are several inputs, for a model that does not say what it takes."""
        return several(x)

    # --- looking ---

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Prints a table of the layers: output shapes, the number of weights, of biases, and of other parameters.

        Other parameters are scales such as a normalization's gamma and beta or PReLU's alpha, and statistics. A layer that
        is used several times is counted once, and so is what several layers share.
        """
        print_fn(summary_table(self))

    # --- weights ---

    def named_weights(self) -> dict[str, lk.Variable]:
        """Path -> variable, such as "dense/kernel"; the optimizer's are none of them. Builds the model if it can be.

        Raises:
            GraphError: it has other layers than when it was built.
        """
        made = (
            self.has_weights or self.traced_output is not None
        )  # as a layer of another model, which may have no weights
        if not self._is_elsewhere() and (self.input_shape is not None or not made):
            self.build()
        self._require_same_layers()
        return super().named_weights()

    def _is_elsewhere(self) -> bool:
        """Whether there are weights in a graph of the program's own."""
        return any(layer.own_weights and layer.lives_in is None for layer in self.walk())

    def count_params(self) -> int:
        """The number of weights, biases and other parameters."""
        return sum(int(np.prod(variable.shape.as_list())) for variable in self.weights)

    def save_weights(self, prefix: str) -> str:
        """Saves the weights as a checkpoint `prefix`, replacing one of that name; returns the prefix."""
        return weights.save(self, prefix)

    def load_weights(self, prefix: str) -> None:
        """Loads weights saved from a model with the same layers' names and shapes.

        Raises:
            CheckpointError: the checkpoint is damaged, or of another model; nothing is changed.
        """
        weights.load(self, prefix)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {len(self.layers)} layers>"
