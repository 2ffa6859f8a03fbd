"""Lambda: a function of tensors as a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import labkit as lk
from labkit.core.nest import flatten
from labkit.errors import DTypeError, GraphError, InvalidArgumentError
from labkit.layers.base import Layer


class Lambda(Layer):
    """y = function(x, **arguments), in training as at inference.

        lk.layers.Lambda(lk.square)
        lk.layers.Lambda(lambda x, power: x**power, arguments={"power": 3})

    The function is traced as `Layer.call` is: it gets tensors, or the nest of them that the layer is given, and returns a
    tensor or a nest. It makes no variables: write a `Layer` for a function that learns.

    A model with a Lambda saves and loads its weights, and cannot be saved as a whole: the function is Python code, which
    the files of models do not hold, as reading one must never run what somebody wrote into it.

    Args:
        function: of tensors.
        output_shape: the shape of one example's output, without the batch dimension, where the graph cannot tell it; of a
            function that returns one tensor.
        mask: the mask of the output: a function (inputs, mask) -> mask, or a mask; None takes that of the inputs.
        arguments: further arguments of the function, by name.

    Raises:
        InvalidArgumentError: the function cannot be called, or arguments are no mapping.
        DTypeError: when called, the function returns something else than tensors.
        GraphError: when called, the function makes variables.
        ShapeError: when called, the output has another shape than output_shape.
    """

    supports_masking = True

    save_refusal = (
        "a Lambda holds a Python function, which no file of a model may hold: loading it would run code from the file. "
        "Register a Layer of its own for it, or save the weights alone (save_weights) and build the model in Python."
    )
    """Why a model that has this layer cannot be saved as a whole."""

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise InvalidArgumentError("Lambda takes a function of tensors", received=repr(function))
        if not isinstance(arguments, Mapping | None):
            raise InvalidArgumentError("Lambda's arguments are a dict, or None", received=repr(arguments))
        self.function, self.output_shape, self.mask, self.arguments = function, output_shape, mask, arguments

    def call(self, inputs: Any, training: bool = False) -> Any:
        graph = flatten(inputs)[0].graph.outermost
        before = len(graph.get_operations())
        result = self.function(inputs, **(self.arguments or {}))
        if made := [op for op in graph.get_operations()[before:] if op.type == "VariableV2"]:
            raise GraphError(
                f"The function of layer {self.name!r} (Lambda) makes variables",
                rule="A Lambda has no weights, so nobody would train or save them",
                received=", ".join(op.name for op in made),
                fix="Write a Layer: make them in build with add_weight, and use them in call.",
            )
        if not all(isinstance(each, lk.Tensor | lk.Variable) for each in flatten(result)):
            raise DTypeError(
                f"The function of layer {self.name!r} (Lambda) returns something else than tensors",
                rule="It returns a tensor, or a list, tuple or dict of tensors",
                received=repr(result),
            )
        if self.output_shape is not None:
            (tensor,) = flatten(result)
            tensor.set_shape([None, *self.output_shape])
        return result

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        if self.mask is None:
            return super().compute_mask(inputs, mask)
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def settings(self) -> dict[str, Any]:
        return {"function": getattr(self.function, "__name__", repr(self.function))}
