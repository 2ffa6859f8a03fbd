"""Layer: the contract of everything that a model is made of."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import labkit as lk
from labkit.core.shapes import show
from labkit.errors import GraphError, ShapeError
from labkit.plugins import resolve

Shape: TypeAlias = tuple[int | None, ...]
"""A static shape with the batch dimension in front; None where a dimension is not known."""


class Layer:
    """A piece of a model: a function of one tensor, with weights of its own.

    The life of one layer:
      1. It is made: `__init__` keeps the settings and touches no graph.
      2. It gets a name: its own, or the one its model gives it (`dense`, `dense_1`: counted inside one model, so that
         a model built twice draws the same random numbers), or, called outside a model, that of its scope.
      3. At its first call `build(input_shape)` makes the weights, once, with `add_weight`. They belong to that graph.
      4. Every call traces `call(inputs, training)`: a model does it once for training and once for inference, and
         both traces share the weights.

    A layer of your own defines `__init__`, which keeps each of its arguments in an attribute of the same name, so that
    the layer can be made again; `check_input` when not every shape will do; `build` when it has weights; and `call`.
    One that ends in an activation sets `self.pre_activation` in `call`, so that the model can show what went into it.

    Args:
        name: the name inside the model; None counts up from the class's name.
        trainable: whether training changes the weights.
        input_shape: for the first layer of a model, the shape of one example, without the batch dimension.
        activity_regularizer: a regularizer of the output, a registered name, or {"name": ..., settings}. What it returns,
            divided by the batch size, is added to the training loss at every use of the layer; for graphs without a
            model a call with training=True puts it into the collection REGULARIZATION_LOSSES.

    Attributes:
        weights: the variables, in order of creation, named `<layer>/kernel` and the like.
        built: whether the weights exist.
        dtype: the element type of inputs and weights; that of the first input.
        pre_activation, output: tensors of the latest trace; `pre_activation` is None without an activation.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Any = None,
        activity_regularizer: Any = None,
    ) -> None:
        self.name = name
        self.trainable = trainable
        self.activity_regularizer: Any = (
            None if activity_regularizer is None else resolve("regularizers", activity_regularizer)
        )
        self.input_shape: Shape | None = None if input_shape is None else (None, *_dims(input_shape))
        self.weights: list[lk.Variable] = []
        self.built = False
        self.dtype: Any = None
        self.pre_activation: lk.Tensor | None = None
        self.output: lk.Tensor | None = None
        self._graph: lk.Graph | None = None
        self._regularized: list[tuple[Any, lk.Variable]] = []

    def check_input(self, input_shape: Shape) -> None:
        """Raises ShapeError for an input that the layer cannot take. Asked at every call; the default takes all.

        Args:
            input_shape: the shape of the input, the batch dimension included.
        """

    def build(self, input_shape: Shape) -> None:
        """Makes the weights with `add_weight`. The default: there are none.

        Args:
            input_shape: the shape of the input, the batch dimension included.
        """

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        """Adds the layer's operations to the graph and returns the output.

        Args:
            inputs: a tensor [batch, ...].
            training: whether this trace is the one that training runs; known while the graph is built.
        """
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs, training)")

    def __call__(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        """Builds the weights at the first call, then traces `call` in a name scope of the layer's name.

        Raises:
            GraphError: the weights belong to another graph.
            ShapeError: the input has a shape that the layer cannot take.
        """
        if self.built and not self.weights:
            self.built = self._graph is inputs.graph  # nothing ties it to the first graph
        if self.built and inputs.graph is not self._graph:
            raise GraphError(
                f"Layer {self.name!r} has its weights in another graph than {inputs.name}",
                rule="A layer belongs to the graph, and so to the model, that it was first used in",
                fix="Make a new layer for each model.",
            )
        with inputs.graph.as_default(), lk.name_scope(self.name or default_name(type(self))) as scope:
            if self.name is None:
                self.name = scope.strip("/").rpartition("/")[2]
            shape = self.shape_of(inputs)
            self.check_input(shape)
            if not self.built:
                self._graph, self.dtype = inputs.graph, inputs.dtype
                self.build(shape)
                self.built = True
            self.pre_activation = None
            self.output = self.call(inputs, training)
            if training and self.activity_regularizer is not None:
                self._regularize(self.output)
        return self.output

    def _regularize(self, output: lk.Tensor) -> None:
        """Records the output's penalty in the graph, under this trace's scope, where the model finds it."""
        with lk.name_scope("activity_regularizer"):
            penalty = self.activity_regularizer(output) / lk.cast(lk.shape(output)[0], output.dtype)
        lk.add_to_collection(lk.GraphKeys.REGULARIZATION_LOSSES, penalty)

    def add_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> lk.Variable:
        """A new variable `<layer>/<name>` of the layer's dtype.

        Args:
            initializer: an initializer object, a registered name, or {"name": ..., settings}; called when the
                variable is initialized, as initializer(shape, dtype).
            regularizer: likewise, or None; what it returns for the variable is added to the training loss.
            trainable: whether training changes it; a layer that is not trainable has no such weights.
            constraint: as the regularizer; after each of its updates an optimizer replaces the variable's value by what
                it returns for that.
        """
        draw = resolve("initializers", initializer)
        variable = lk.Variable(
            lambda: draw(shape, self.dtype),
            name=name,
            dtype=self.dtype,
            trainable=trainable and self.trainable,
            constraint=None if constraint is None else resolve("constraints", constraint),
        )
        self.weights.append(variable)
        if regularizer is not None:
            self._regularized.append((resolve("regularizers", regularizer), variable))
        return variable

    @property
    def trainable_weights(self) -> list[lk.Variable]:
        return [variable for variable in self.weights if variable.trainable]

    def regularization(self) -> list[lk.Tensor]:
        """One scalar for each regularized weight, added to the default graph."""
        return [regularizer(variable) for regularizer, variable in self._regularized]

    def activate(self, values: lk.Tensor, activation: Any) -> lk.Tensor:
        """The activation's output, or `values` where `activation` is None; keeps `values` as the pre-activation."""
        if activation is None:
            return values
        self.pre_activation = values
        return activation(values)

    def shape_of(self, inputs: lk.Tensor) -> Shape:
        """The input's static shape.

        Raises:
            ShapeError: not even its rank is known.
        """
        if inputs.shape.rank is None:
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) needs an input of known rank",
                received=f"{inputs.name} of unknown shape",
                fix="Give the placeholder a shape such as [None, 28, 28, 1].",
            )
        return tuple(inputs.shape.as_list())

    def require_rank(self, shape: Shape, rank: int, meaning: str) -> None:
        """Raises ShapeError unless `shape` has that many dimensions; `meaning` says what they stand for."""
        if len(shape) != rank:
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) cannot take its input",
                rule=f"The input has {rank} dimensions: {meaning}",
                received=f"shape {show(shape)}",
                fix="Give each example those dimensions (for grey images: array[..., None] adds the channel), "
                "or reshape it in the layer before.",
            )

    def require_known(self, shape: Shape, axes: tuple[int, ...], meaning: str) -> tuple[int, ...]:
        """Those dimensions as ints. Raises ShapeError when one is not known while the graph is built."""
        sizes = [shape[axis] for axis in axes]
        if any(size is None for size in sizes):
            raise ShapeError(
                f"Layer {self.name!r} ({type(self).__name__}) must know the size of its {meaning}",
                received=f"shape {show(shape)}",
                fix="Give the input a full shape, such as Input((28, 28, 1)).",
            )
        return tuple(size for size in sizes if size is not None)

    def require_room(self, shape: Shape, least: tuple[int, ...], fix: str) -> None:
        """Raises ShapeError where a dimension after the batch is known to be smaller than its entry in `least`."""
        for axis, (size, need) in enumerate(zip(shape[1:], least, strict=False), 1):
            if size is not None and size < need:
                raise ShapeError(
                    f"Layer {self.name!r} ({type(self).__name__}) cannot take an input as small as this",
                    rule=f"Dimension {axis} is at least {need}",
                    received=f"shape {show(shape)}",
                    fix=fix,
                )

    def reset(self) -> None:
        """Forgets the weights and their graph, as if the layer had never been called."""
        self.weights, self._regularized = [], []
        self.built, self._graph = False, None
        self.pre_activation = self.output = None

    def settings(self) -> dict[str, Any]:
        """The settings worth showing, for `repr`."""
        return {}

    def __repr__(self) -> str:
        shown = [f"{key}={value!r}" for key, value in self.settings().items()]
        if self.name is not None:
            shown.append(f"name={self.name!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def default_name(kind: type) -> str:
    """A class's name in Keras's lower case: Dense -> dense, Conv2D -> conv2d, PadToSize -> pad_to_size."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind.__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower().lstrip("_")


def _dims(shape: Any) -> Shape:
    return (shape,) if isinstance(shape, int) else tuple(None if dim is None else int(dim) for dim in shape)
