"""check_layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import require


def check_layer(make: Callable[[], Any], input_shape: tuple[int, ...], batch: int = 3) -> None:
    """Checks that a layer keeps its contract.

    In float32 and float64, for a batch of unknown size: the output has the input's dtype and the shape that the graph
    says. Weights are made at the first call and shared by the traces for training and inference; their names are
    distinct and begin with the layer's. Inference gives the same bits for each example alone, and again. The same
    program gives the same weights. Every trainable weight has a gradient, and along a random direction it agrees with
    central differences.

    Args:
        make: gives a new layer at each call.
        input_shape: the shape of one example, without the batch dimension.
        batch: how many examples to use.

    Raises:
        AssertionError: it does not.
    """
    x = np.random.default_rng(0).normal(size=(batch, *input_shape))
    for dtype in (lk.float32, lk.float64):
        program = _Program(make(), x, dtype)
        layer, name = program.layer, repr(program.layer)
        output = program.run(program.output)
        require(output.dtype == dtype.numpy, f"{name} gives {output.dtype} for {dtype.name}")
        shape = program.output.shape
        dims = zip(shape.as_list(), output.shape, strict=False) if shape.rank == output.ndim else [(0, 1)]
        fits = all(a in (None, b) for a, b in dims)
        require(fits, f"{name}: the graph says shape {shape}, but the output has {output.shape}")
        require(len(output) == batch, f"{name} gives {len(output)} outputs for {batch} examples")
        names = [weight.op.name for weight in layer.weights]
        require(len(set(names)) == len(names), f"{name} has weights of one name: {names}")
        outside = [weight for weight in names if not weight.startswith(f"{layer.name}/")]
        require(not outside, f"{name} has weights outside its name scope {layer.name}/: {outside}")
        require(np.array_equal(output, program.run(program.output)), f"{name} gives another inference when run again")
        for i in range(batch):
            alone = program.run(program.output, slice(i, i + 1))
            require(np.array_equal(alone[0], output[i]), f"{name}: example {i} gives another inference alone")
        for a, b in zip(program.weights(), _Program(make(), x, dtype).weights(), strict=True):
            require(np.array_equal(a, b), f"{name} starts from other weights when the same program runs again")
    _check_gradients(program)


class _Program:
    """A layer traced for inference and for training, its weights initialized."""

    def __init__(self, layer: Any, x: np.ndarray, dtype: Any) -> None:
        self.layer, self.values, self.graph = layer, x.astype(dtype.numpy), lk.Graph()
        with self.graph.as_default():
            self.x = lk.placeholder(dtype, [None, *x.shape[1:]], name="x")
            self.output = layer(self.x, training=False)
            made = list(layer.weights)
            layer(self.x, training=True)
            require(layer.weights == made, f"{layer!r} makes new weights in its second call")
            self.session = lk.Session(self.graph)
            self.session.run(lk.global_variables_initializer())

    def run(self, fetches: Any, rows: slice = slice(None)) -> Any:
        return self.session.run(fetches, {self.x: self.values[rows]})

    def weights(self) -> list[np.ndarray]:
        return [self.session.read(weight) for weight in self.layer.weights]


def _check_gradients(program: _Program) -> None:
    """Directional derivatives of a random projection of the output, for each trainable weight by itself."""
    random, eps, session = np.random.default_rng(1), 1e-6, program.session
    with program.graph.as_default():
        projection = lk.constant(random.normal(size=program.run(program.output).shape))
        total = lk.reduce_sum(program.output * projection)
        variables = program.layer.trainable_weights
        for variable, gradient in zip(variables, lk.gradients(total, variables), strict=True):
            require(gradient is not None, f"{program.layer!r}: trainable weight {variable.name} has no gradient")
            start = session.read(variable)
            direction = random.normal(size=start.shape)
            along = float(np.sum(program.run(gradient) * direction))
            sides = []
            for sign in (1, -1):
                session.load(variable, start + sign * eps * direction)
                sides.append(float(program.run(total)))
            session.load(variable, start)
            expected = (sides[0] - sides[1]) / (2 * eps)
            close = abs(along - expected) <= 1e-5 + 1e-3 * abs(expected)
            found = f"its gradient is {along}, central differences give {expected}"
            require(close, f"{program.layer!r}: {variable.name}: {found}")
