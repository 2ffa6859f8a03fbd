"""A graph of layers with a session of its own: built once, looked at through its inference graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import GraphError
from labkit.layers.base import Layer, Shape, default_name
from labkit.models import weights
from labkit.models.arrays import inputs_array, numeric, positive
from labkit.models.summary import summary_table


class TracedLayers:
    """What a model is without training: layers, their graph and session, their weights.

    Arguments and attributes as of `Model`, which adds what training needs.
    """

    def __init__(self, name: str | None = None, seed: int | None = None) -> None:
        self.name = name or default_name(type(self))
        self.seed: int = next(s for s in (seed, lk.get_default_graph().seed, 0) if s is not None)
        self.layers: list[Layer] = []
        self.input_shape: Shape | None = None
        self.input_dtype: Any = "float32"
        self._clear()

    def _clear(self) -> None:
        self.graph = lk.Graph()
        self.graph.seed = self.seed
        self.session = lk.Session(graph=self.graph)
        self.built = False
        self._initialized = 0
        self._taps: dict[str, lk.Tensor] = {}

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        """Traces the model: adds its operations to the graph and returns the output."""
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs, training)")

    # --- building ---

    def build(self, input_shape: Any = None) -> None:
        """Makes weights and the inference graph. A second call does nothing.

        Args:
            input_shape: the shape of a batch, its first dimension None; None takes the one declared by the layers.

        Raises:
            GraphError: no shape is known, or there are no layers.
            ShapeError: the layers do not fit each other.
        """
        if self.built:
            return
        declared = None if input_shape is None else (None, *tuple(input_shape)[1:])
        shape = self.input_shape or declared
        if shape is None or not self.layers:
            raise GraphError(
                f"Model {self.name!r} cannot be built yet",
                rule="A model needs at least one layer and the shape of one example",
                received="no layers" if not self.layers else "no shape",
                fix="Put lk.layers.Input((28, 28, 1)) first, or call build([None, 28, 28, 1]), or fit data.",
            )
        try:
            with self.graph.as_default():
                self._x = lk.placeholder(self.input_dtype, shape, name="input")
                self._y_pred = self.call(self._x, training=False)
                self._taps = self._collect_taps()
                self._initialize()
        except BaseException:
            for layer in self.layers:  # so that the model can be built again, with data that fit
                layer.reset()
            self._clear()
            raise
        self.input_shape, self.built = shape, True

    def _initialize(self) -> None:
        """Gives the variables made since the last call their initial values."""
        variables = lk.global_variables()
        if new := variables[self._initialized :]:
            self.session.run(lk.variables_initializer(new))
        self._initialized = len(variables)

    def _collect_taps(self) -> dict[str, lk.Tensor]:
        taps = {}
        for layer in self.layers:
            if layer.pre_activation is not None and layer.pre_activation is not layer.output:
                taps[f"{layer.name}/pre_activation"] = layer.pre_activation
            if layer.output is not None:
                taps[f"{layer.name}/output"] = layer.output
        return taps

    @property
    def x(self) -> lk.Tensor:
        """The placeholder of the inputs, [None, ...]."""
        self.build()
        return self._x

    @property
    def y_pred(self) -> lk.Tensor:
        """The output of the inference graph, [None, ...]."""
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

    def _inputs(self, x: Any) -> np.ndarray:
        if not self.built:
            shape = numeric(x, "x").shape
            self.build((None, 1) if len(shape) == 1 else shape)
        return inputs_array(x, self.x, self.name)

    # --- looking ---

    def predict(self, x: Any, batch_size: int = 32) -> np.ndarray:
        """The outputs in inference mode, [examples, ...]; they do not depend on the batch size."""
        inputs = self._inputs(x)
        return self._in_batches([self.y_pred], {self.x: inputs}, batch_size)[0]

    def _in_batches(self, fetches: list[Any], feeds: dict[Any, np.ndarray], batch_size: int) -> list[np.ndarray]:
        """Each fetch for all examples: full batches in one native call, then the rest."""
        batch_size = positive(batch_size, "batch_size")
        examples = len(next(iter(feeds.values())))
        whole = examples // batch_size * batch_size
        parts: list[list[np.ndarray]] = []
        if whole:
            indices = np.arange(whole).reshape(-1, batch_size)
            batches = {tensor: lk.Batches(array, indices) for tensor, array in feeds.items()}
            stacked = self.session.run(fetches, batches, steps=len(indices))
            parts.append([value.reshape(-1, *value.shape[2:]) for value in stacked])
        if whole < examples or not examples:
            parts.append(self.session.run(fetches, {tensor: array[whole:] for tensor, array in feeds.items()}))
        return [np.concatenate(pieces) if len(pieces) > 1 else pieces[0] for pieces in zip(*parts, strict=True)]

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Prints a table of the layers: output shape, number of weights and of biases."""
        print_fn(summary_table(self))

    # --- weights ---

    @property
    def weights(self) -> list[lk.Variable]:
        """The layers' variables in order; the optimizer's are none of them."""
        self.build()
        return [variable for layer in self.layers for variable in layer.weights]

    @property
    def trainable_weights(self) -> list[lk.Variable]:
        return [variable for variable in self.weights if variable.trainable]

    def get_weights(self) -> list[np.ndarray]:
        """The weights' values, in the order of `weights`."""
        return [self.session.read(variable) for variable in self.weights]

    def set_weights(self, values: Sequence[Any]) -> None:
        """Sets all weights, in the order of `weights`.

        Raises:
            ShapeError: number or shapes differ; nothing is changed.
        """
        weights.set_all(self, values)

    def count_params(self) -> int:
        """The number of weights and biases."""
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
