"""Layer: the contract of everything that a model is made of."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.core.shapes import show
from labkit.errors import DTypeError, GraphError, MissingNameError, ShapeError
from labkit.layers.masking import masks_of, set_mask
from labkit.layers.missing import Missing
from labkit.layers.shape_checks import Shape, ShapeChecks
from labkit.layers.symbol import call_on_symbols, is_symbolic
from labkit.layers.weights import WeightOwner
from labkit.plugins import default_name, resolve, unknown_settings

__all__ = ["Layer", "Shape"]

_TRAINING: ContextVar[bool | None] = ContextVar("training", default=None)
"""Whether the layer whose `call` is being traced is traced for training; None where none is."""


def is_tracing() -> bool:
    """Whether this runs inside the `call` of a layer."""
    return _TRAINING.get() is not None


_KINDS = {"initializer": "initializers", "regularizer": "regularizers", "constraint": "constraints"}
"""What an attribute's name ends with, and the family from which its value comes."""


class Layer(WeightOwner, ShapeChecks):
    """A piece of a model: a function of one tensor, or of several, with weights of its own.

    The life of one layer:
      1. It is made: `__init__` keeps the settings and touches no graph.
      2. It gets a name: its own, or the one its model gives it (`dense`, `dense_1`: counted inside one model, so that
         a model built twice draws the same random numbers), or, called outside a model, that of its scope.
      3. At its first call `build(input_shape)` makes the weights, once, with `add_weight`. They belong to that graph.
      4. Every call traces `call(inputs, training)`: a model does it once for training and once for inference, and
         both traces share the weights. Called on symbols, such as an `Input`, it only notes the call, for `Model`.

    A layer of your own defines `__init__`, which keeps each of its arguments in an attribute of the same name, so that
    the layer can be made again; `check_input` when not every shape will do; `build` when it has weights; and `call`.
    Layers that it keeps in attributes, also in lists and dicts, are its sub-layers: their weights are its weights.
    One that ends in an activation sets `self.pre_activation` in `call`, so that the model can show what went into it.

    Args:
        name: the name inside the model; None counts up from the class's name.
        trainable: whether training changes the weights; may be set later, for the sub-layers too. A compiled model
            follows when it is compiled again.
        input_shape: for the first layer of a model, the shape of one example, without the batch dimension.
        activity_regularizer: a regularizer of the output, a registered name, or {"name": ..., settings}. What it returns,
            divided by the batch size, is added to the training loss at every use of the layer; for graphs without a
            model a call with training=True puts it into the collection REGULARIZATION_LOSSES.

    Attributes:
        built: whether the weights exist.
        dtype: the element type of inputs and weights; that of the first input.
        own_weights: name -> variable, without those of sub-layers.
        lives_in: where the values of the weights are; the model that builds the layer says that.
        pre_activation, traced_output: tensors of the latest trace; `pre_activation` is None without an activation.
        supports_masking: whether the output has the mask of the input (class attribute).
        save_refusal: why a model that has this layer cannot be saved as a whole (class attribute).
    """

    supports_masking: bool = False
    save_refusal: str = ""
    pre_activation: lk.Tensor | None
    _graph: lk.Graph | None
    _built_for: Any

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Any = None,
        activity_regularizer: Any = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise unknown_settings("layer", type(self), Layer, unknown)
        self.name = name
        self._trainable = bool(trainable)
        self.dtype: Any = None
        self.activity_regularizer: Any = (
            None if activity_regularizer is None else resolve("regularizers", activity_regularizer)
        )
        self.input_shape: Shape | None = None if input_shape is None else (None, *_dims(input_shape))
        self._forget()

    # --- what a layer of your own defines ---

    def check_input(self, input_shape: Shape) -> None:
        """Raises ShapeError for an input that the layer cannot take. Asked at every call; the default takes all.

        Args:
            input_shape: the shape of the input, the batch dimension included; of several inputs their shapes, in the
                structure in which they are given.
        """

    def build(self, input_shape: Shape) -> None:
        """Makes the weights with `add_weight`. The default: there are none.

        Args:
            input_shape: as for `check_input`.
        """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Adds the layer's operations to the graph and returns the output, a tensor or a nest of them.

        Args:
            inputs: a tensor [batch, ...], or a list, tuple or dict of them.
            training: whether this trace is the one that training runs; known while the graph is built.
            mask: (only where a subclass names it) the inputs' mask, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs, training)")

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        """The mask of the output, given that of the inputs; None for none. The default follows `supports_masking`."""
        if not self.supports_masking:
            return None
        return next((each for each in flatten(mask) if each is not None), None)

    # --- calling ---

    def __call__(self, inputs: Any, training: bool | None = None, mask: Any = None, **options: Any) -> Any:
        """Builds the weights at the first call, then traces `call` in a name scope of the layer's name.

        Args:
            inputs: a tensor, or a list, tuple or dict of them; or symbols of a functional model.
            training: see `call`. None takes that of the layer in whose `call` this one is used, else False.
            mask: bool [batch, steps], in place of the inputs' own mask.
            options: further arguments of `call`.

        Raises:
            GraphError: the weights belong to another graph.
            ShapeError: the input has a shape that the layer cannot take.
        """
        if is_symbolic(inputs, options):
            given = {"training": training, "mask": mask}
            options = {**{key: value for key, value in given.items() if value is not None}, **options}
            return call_on_symbols(self, inputs, options)
        inputs = pack(inputs, [lk.convert_to_tensor(leaf) for leaf in flatten(inputs)])
        if not flatten(inputs):
            raise ShapeError(f"Layer {self.name or type(self).__name__!r} is called on nothing", received=repr(inputs))
        training = bool(_TRAINING.get() if training is None else training)
        graph, inside = flatten(inputs)[0].graph, lk.get_default_graph()
        if inside.outermost is graph.outermost:
            graph = inside  # of a loop or branch, in which the layer is called on what was made outside
        with graph.as_default(), lk.name_scope(self.name or default_name(type(self))) as scope:
            if self.name is None:
                self.name = scope.strip("/").rpartition("/")[2]
            shape = self.shape_of(inputs)
            self.check_input(shape)
            self._require_built(inputs, shape)
            if mask is None:
                mask = masks_of(inputs)
            self.pre_activation = None
            output = self.traced_output = self._traced(inputs, shape, training, mask, options)
            if training and self.activity_regularizer is not None:
                self._regularize(output)
        masks = self.compute_mask(inputs, mask)
        for tensor, own in zip(flatten(output), flatten(masks), strict=False):
            if own is not None:
                set_mask(tensor, own)
        return output

    def _require_built(self, inputs: Any, shape: Any) -> None:
        """Makes the weights, or checks that they are in the inputs' graph."""
        leaves = flatten(inputs)
        graph = leaves[0].graph.outermost
        if self.built and not self.has_weights:
            self.built = self._graph is graph  # nothing ties it to the first graph
        if self.built and graph is not self._graph:
            raise GraphError(
                f"Layer {self.name!r} has its weights in another graph than {leaves[0].name}",
                rule="A layer belongs to the graph, and so to the model, that it was first used in",
                fix="Make a new layer for each model.",
            )
        if not self.built:
            floats = [leaf.dtype for leaf in leaves if leaf.dtype.is_floating]
            self._graph, self.dtype = graph, (floats or [leaves[0].dtype])[0]
            self.build(shape)
            self.built, self._built_for = True, shape

    def _traced(self, inputs: Any, shape: Any, training: bool, mask: Any, options: Mapping[str, Any]) -> Any:
        named = _parameters(type(self).call)
        given = {key: value for key, value in {"training": training, "mask": mask}.items() if key in named}
        before = _TRAINING.set(training)
        try:
            outputs = self.call(inputs, **given, **options)
        except ShapeError as error:
            if self._built_for in (None, shape) or not self.has_weights:
                raise
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) cannot take this input: {error.what}",
                rule=f"Its weights were made for shape {_shown(self._built_for)}",
                received=f"shape {_shown(shape)}",
                fix="Use another layer for inputs of this shape.",
            ) from error
        finally:
            _TRAINING.reset(before)
        if outputs is None:
            raise DTypeError(
                f"call of {self.name or type(self).__name__!r} ({type(self).__name__}) returns nothing",
                rule="It returns a tensor, or a list, tuple or dict of tensors",
                received="None",
                fix="End it with return.",
            )
        return outputs

    def __getattr__(self, name: str) -> Any:
        """Asked for what is not there: all of it where a subclass forgot to call this class's constructor."""
        if "_trainable" not in vars(self) and not name.startswith("__"):
            raise MissingNameError(
                f"{type(self).__name__!r} object has no attribute {name!r}",
                name=name,
                rule="The __init__ of a layer or model of your own first calls that of its base",
                fix="Begin it with super().__init__().",
            )
        return super().__getattribute__(name)  # raises what it raised before, which may come from a property

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuses names of initializers, regularizers and constraints that do not exist where they are given, rather than
        when the layer is built."""
        kind = _KINDS.get(name.rpartition("_")[2])
        if kind is not None and isinstance(value, str | Mapping):
            resolve(kind, value)
        super().__setattr__(name, value)

    def _regularize(self, output: Any) -> None:
        """Records the outputs' penalty in the graph, under this trace's scope, where the model finds it."""
        self._require_outside("regularizes its output")
        for tensor in flatten(output):
            with lk.name_scope("activity_regularizer"):
                penalty = self.activity_regularizer(tensor) / lk.cast(lk.shape(tensor)[0], tensor.dtype)
            lk.add_to_collection(lk.GraphKeys.REGULARIZATION_LOSSES, penalty)

    def activate(self, values: lk.Tensor, activation: Any) -> lk.Tensor:
        """The activation's output, or `values` where `activation` is None; keeps `values` as the pre-activation."""
        if activation is None:
            return values
        self.pre_activation = values
        return activation(values)

    def _forget(self) -> None:
        super()._forget()
        self._graph = None
        self._built_for = None
        self.built = False
        self.pre_activation = self.traced_output = None

    # --- showing ---

    @property
    def output(self) -> Any:
        """The output in the latest trace, a tensor or a nest of them; None before. Of a model the symbols of `outputs`."""
        return self.traced_output

    output_shape = Missing("After model.build(): layer.output.shape of a layer, model.output_shape of a model.")
    input = Missing("What a layer of a model takes and gives, as symbols: model.inputs and model.symbols()['dense'].")
    get_config = Missing(
        "repr(layer) shows a layer's settings; model.save(path) and lk.load_model(path) keep whole models."
    )
    from_config = Missing("lk.load_model(path) makes a saved model again; a layer: {'name': 'Dense', 'units': 8}.")
    add_loss = Missing("Use activity_regularizer= of a layer, or a loss function given to compile.")

    def settings(self) -> dict[str, Any]:
        """The settings worth showing, for `repr`."""
        return {}

    def __repr__(self) -> str:
        shown = [f"{key}={value!r}" for key, value in self.settings().items()]
        if self.name is not None:
            shown.append(f"name={self.name!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


@functools.cache
def _parameters(function: Any) -> frozenset[str]:
    """The names of a function's parameters; those of `call` say what the layer wants to know."""
    return frozenset(inspect.signature(function).parameters)


def _shown(shape: Any) -> str:
    return show(shape) if all(dim is None or isinstance(dim, int) for dim in shape) else repr(shape)


def _dims(shape: Any) -> Shape:
    dims = [shape] if isinstance(shape, int) else shape
    if isinstance(dims, list | tuple) and all(d is None or (isinstance(d, int | np.integer) and d >= 0) for d in dims):
        return tuple(None if dim is None else int(dim) for dim in dims)
    raise ShapeError(
        "The shape of an example is a tuple of sizes",
        rule="Each size is a whole number from 0 on, or None where it is not known; the batch is left out",
        received=repr(shape),
        fix="For example (28, 28, 1), or (784,).",
    )
