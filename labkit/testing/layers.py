"""check_layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.plugins import settings_of
from labkit.testing.numeric import require


def check_layer(
    make: Callable[[], Any],
    input_shape: Any,
    batch: int = 3,
    x: Any = None,
    output_dtype: Any = None,
    differentiable: bool = True,
) -> None:
    """Checks that a layer keeps its contract.

    In float32 and float64, for a batch of unknown size: the outputs for inference and for training have the input's dtype
    and the shape that the graph says. Weights are made at the first call and shared by both traces; their names are
    distinct and begin with the layer's. Inference gives the same bits for each example alone, and again. The same
    program gives the same weights, and the same outputs in training. The constructor's arguments that the layer keeps
    (`labkit.plugins.settings_of`) make a layer of the same weights and outputs. The input and every trainable weight
    have a gradient, and along a random direction it agrees with central differences.

    Args:
        make: gives a new layer at each call.
        input_shape: the shape of one example, without the batch dimension; of a layer of several inputs a list of them;
            None where x is given.
        batch: how many examples to use.
        x: the examples [batch, *input_shape], or a list or dict of such arrays, in place of normal random numbers. Whole
            numbers stay what they are, and have no gradients; without others the layer chooses its dtype itself.
        output_dtype: the outputs' dtype, where it is always the same one.
        differentiable: False for a layer that no gradient flows through.

    Raises:
        AssertionError: it does not.
    """
    random = np.random.default_rng(0)
    if x is None:
        several = isinstance(input_shape, list)
        x = [random.normal(size=(batch, *shape)) for shape in (input_shape if several else [input_shape])]
        x = x if several else x[0]
    arrays = [np.asarray(array) for array in (flatten(x) if isinstance(x, list | dict) else [x])]
    examples = pack(x, arrays) if isinstance(x, list | dict) else arrays[0]
    kinds = [array.dtype for array in arrays]
    kind, batch = next((each for each in kinds if each.kind == "f"), kinds[0]), len(arrays[0])
    for dtype in (lk.float32, lk.float64) if kind.kind == "f" else (lk.as_dtype(kind),):
        program = _Program(make(), examples, dtype)
        layer, name = program.layer, repr(program.layer)
        computed = lk.as_dtype(output_dtype) if output_dtype else dtype if dtype.is_floating else layer.dtype
        output, training = program.run(program.output), program.run(program.training)
        for tensor, values in ((program.output, output), (program.training, training)):
            require(values.dtype == computed.numpy, f"{name} gives {values.dtype} for {dtype.name}")
            shape = tensor.shape
            dims = zip(shape.as_list(), values.shape, strict=False) if shape.rank == values.ndim else [(0, 1)]
            fits = all(a in (None, b) for a, b in dims)
            require(fits, f"{name}: the graph says shape {shape}, but the output has {values.shape}")
            require(len(values) == batch, f"{name} gives {len(values)} outputs for {batch} examples")
        names = [weight.op.name for weight in layer.weights]
        require(len(set(names)) == len(names), f"{name} has weights of one name: {names}")
        outside = [weight for weight in names if not weight.startswith(f"{layer.name}/")]
        require(not outside, f"{name} has weights outside its name scope {layer.name}/: {outside}")
        require(np.array_equal(output, program.run(program.output)), f"{name} gives another inference when run again")
        for i in range(batch):
            alone = program.run(program.output, slice(i, i + 1))
            require(np.array_equal(alone[0], output[i]), f"{name}: example {i} gives another inference alone")
        again = _Program(make(), examples, dtype)
        _check_same(program, again, training, f"{name} starts from other weights when the same program runs again")
        _check_same(
            program, _Program(_remade(layer), examples, dtype), training, f"{name} made from its settings differs"
        )
    if differentiable:
        _check_gradients(program)


def _remade(layer: Any) -> Any:
    """A new layer from the settings that `layer` keeps."""
    try:
        settings = settings_of(layer)
        return type(layer)(**{k: _remade(v) if isinstance(v, lk.layers.Layer) else v for k, v in settings.items()})
    except (TypeError, lk.errors.LabkitError) as error:
        raise AssertionError(f"{layer!r} cannot be made from its settings {settings_of(layer)}: {error}") from error


def _check_same(program: _Program, other: _Program, training: np.ndarray, message: str) -> None:
    """Requires another program's weights, inference and first output in training to be the same bits."""
    for a, b in zip(program.weights(), other.weights(), strict=True):
        require(np.array_equal(a, b), message)
    require(np.array_equal(program.run(program.output), other.run(other.output)), f"{message}: another inference")
    require(np.array_equal(training, other.run(other.training)), f"{message}: another output in training")


class _Program:
    """A layer traced for inference and for training, its weights initialized."""

    def __init__(self, layer: Any, x: Any, dtype: Any) -> None:
        self.layer, self.graph = layer, lk.Graph()
        self.values = [array.astype(dtype.numpy) if array.dtype.kind == "f" else array for array in flatten(x)]
        with self.graph.as_default():
            self.inputs = [lk.placeholder(array.dtype, [None, *array.shape[1:]], name="x") for array in self.values]
            self.x = pack(x, self.inputs)
            self.output = layer(self.x, training=False)
            made = list(layer.weights)
            self.training = layer(self.x, training=True)
            require(layer.weights == made, f"{layer!r} makes new weights in its second call")
            self.session = lk.Session(self.graph)
            self.session.run(lk.global_variables_initializer())

    def run(self, fetches: Any, rows: slice = slice(None)) -> Any:
        return self.session.run(fetches, {x: array[rows] for x, array in zip(self.inputs, self.values, strict=True)})

    def weights(self) -> list[np.ndarray]:
        return [self.session.read(weight) for weight in self.layer.weights]


def _check_gradients(program: _Program) -> None:
    """Directional derivatives of a random projection of the output, for the input and each trainable weight alone."""
    random, eps, session = np.random.default_rng(1), 1e-6, program.session

    def move_input(place: int, values: np.ndarray) -> None:
        program.values[place] = values

    with program.graph.as_default():
        output = program.run(program.output)
        projection = lk.constant(random.normal(size=output.shape).astype(output.dtype))
        total = lk.reduce_sum(program.output * projection)
        places: list[tuple[Any, str, np.ndarray, Callable[[np.ndarray], None]]] = [
            (weight, f"trainable weight {weight.name}", session.read(weight), partial(session.load, weight))
            for weight in program.layer.trainable_weights
        ]
        for i, (x, values) in enumerate(zip(program.inputs, program.values, strict=True)):
            if x.dtype.is_floating:
                places.append(
                    (x, f"input {i}" if len(program.inputs) > 1 else "the input", values, partial(move_input, i))
                )
        if output.dtype != np.float64:
            eps = 1e-2
        gradients = lk.gradients(total, [place[0] for place in places])
        for (_, what, start, move), gradient in zip(places, gradients, strict=True):
            require(gradient is not None, f"{program.layer!r}: {what} has no gradient")
            direction = random.normal(size=start.shape)
            along = float(np.sum(program.run(lk.convert_to_tensor(gradient)) * direction))
            sides = []
            for sign in (1, -1):
                move((start + sign * eps * direction).astype(start.dtype))
                sides.append(float(program.run(total)))
            move(start)
            expected = (sides[0] - sides[1]) / (2 * eps)
            close = abs(along - expected) <= (1e-5 if output.dtype == np.float64 else 1e-3) + 1e-3 * abs(expected)
            found = f"its gradient is {along}, central differences give {expected}"
            require(close, f"{program.layer!r}: {what}: {found}")
