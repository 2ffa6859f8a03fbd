"""Recurrent kernels against the float64 references of their operations, at sizes of several blocks, panels and phases."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit import _native
from labkit.core.opdef import OPS

assert lk.ops  # registers records

# Batch, steps, units: one block and several, columns that do not fill a vector, sums of several chunks, several phases.
SIZES = [(1, 1, 1), (3, 5, 16), (37, 4, 33), (150, 2, 7), (9, 3, 300), (2, 1030, 64), (600, 2, 5)]
GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
NAMES = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
# Of GRU whether r comes after the product, of the simple layer whether it is rectified.
VARIANTS = [("lstm", None), ("gru", True), ("gru", False), ("simple_rnn", False), ("simple_rnn", True)]


class Sequence:
    """Operands of a layer, and what the references make of them."""

    def __init__(self, layer, variant, size, dtype, masked):
        batch, steps, units = size
        rng = np.random.default_rng(size)
        wide = (batch, steps, GATES[layer] * units)
        self.layer, self.variant, self.dtype, self.size = layer, variant, dtype, size

        def draw(*shape, scale=1.0):
            return (rng.normal(size=shape) * scale).astype(dtype)

        self.inputs = [draw(*wide), draw(units, GATES[layer] * units, scale=0.7 / units**0.5)]
        self.inputs += [draw(GATES[layer] * units)] if layer == "gru" else []
        self.states = [draw(batch, units) for _ in range(1 + (layer == "lstm"))]
        self.dstates = [draw(batch, units) for _ in self.states]
        self.dy = draw(batch, steps, units)
        self.mask = [rng.random((batch, steps)) < 0.6] if masked else []
        sequence, one = ((batch, steps, units), dtype), ((batch, units), dtype)
        self.outputs = {
            "lstm": [(wide, dtype), sequence, sequence, one, one],
            "gru": [(wide, dtype), sequence, sequence, one],
            "simple_rnn": [sequence, one],
        }[layer]
        self.gradients = {
            "lstm": [(wide, dtype), sequence, one, one],
            "gru": [(wide, dtype), (wide, dtype), sequence, one],
            "simple_rnn": [sequence, sequence, one],
        }[layer]

    @property
    def ints(self):
        return [] if self.variant is None else [int(self.variant)]

    def attrs(self):
        if self.layer == "lstm":
            return {}
        return (
            {"reset_after": self.variant} if self.layer == "gru" else {"activation": "relu" if self.variant else "tanh"}
        )

    def forward(self):
        return [*self.inputs, *self.states, *self.mask]

    def backward(self, made, with_dy):
        """Inputs of the way back, given results of the way forward."""
        kept = {"lstm": [0, 2, 1], "gru": [0, 1, 2], "simple_rnn": [0]}[self.layer]
        sequences = [self.dy] if with_dy else []
        return [*(made[i] for i in kept), self.inputs[1], *self.states, *self.dstates, *sequences, *self.mask]

    def reference(self, name, inputs, **attrs):
        wide = [x.astype(np.float64) if x.dtype != bool else x for x in inputs]
        return OPS[name].reference(*wide, **self.attrs(), **attrs)


def close(values, expected, scale):
    for value, exact in zip(values, expected, strict=True):
        eps = np.finfo(value.dtype).eps
        np.testing.assert_allclose(value, exact, rtol=0, atol=scale * eps * max(1.0, np.abs(exact).max(initial=0)))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("layer", "variant"), VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_ways(kernels, layer, variant, size, dtype, masked):
    case = Sequence(layer, variant, size, dtype, masked)
    made = kernels(layer, case.forward(), case.outputs, case.ints)
    close(made, case.reference(NAMES[layer], case.forward()), 200)
    for with_dy in (True, False):
        inputs = case.backward(made, with_dy)
        grads = kernels(f"{layer}_grad", inputs, case.gradients, [*case.ints, int(with_dy)])
        close(grads, case.reference(f"{NAMES[layer]}Grad", inputs, sequences=with_dy), 1000)


@pytest.mark.parametrize(("layer", "variant"), VARIANTS)
def test_an_example_has_the_same_bits_alone(kernels, layer, variant):
    case = Sequence(layer, variant, (45, 6, 40), np.float32, True)
    made = kernels(layer, case.forward(), case.outputs, case.ints)
    grads = kernels(f"{layer}_grad", case.backward(made, True), case.gradients, [*case.ints, 1])
    for one in (slice(0, 1), slice(17, 18), slice(30, 37)):

        def part(arrays, one=one):
            return [x[one] if x.shape[0] == 45 else x for x in arrays]

        def shapes(outputs, one=one):
            return [((one.stop - one.start, *shape[1:]), dtype) for shape, dtype in outputs]

        some = kernels(layer, part(case.forward()), shapes(case.outputs), case.ints)
        assert [x.tobytes() for x in some] == [x.tobytes() for x in part(made)]
        back = kernels(f"{layer}_grad", part(case.backward(made, True)), shapes(case.gradients), [*case.ints, 1])
        assert [x.tobytes() for x in back] == [x.tobytes() for x in part(grads)]


@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 86), (np.float64, 700)])
def test_the_functions_of_gates(kernels, ulps, dtype, far):
    """Without a recurrent matrix each number of an example goes through them alone."""
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.normal(size=6000) * 3, rng.uniform(-far, far, 6000), np.geomspace(1e-30, 1, 999), [0, -0.0]]
    )
    x = x.astype(dtype)
    p, zero, h = x.reshape(-1, 1, 1), np.zeros((1, 1), dtype), np.zeros((x.size, 1), dtype)
    y, _ = kernels("simple_rnn", [p, zero, h], [(p.shape, dtype), (h.shape, dtype)], [0])
    assert ulps(y.reshape(-1), np.tanh(x.astype(np.longdouble))) <= 4
    p, zero = np.repeat(p, 3, 2), np.zeros((1, 3), dtype)
    outputs = [(p.shape, dtype), *[((x.size, 1, 1), dtype)] * 2, (h.shape, dtype)]
    gates, *_ = kernels("gru", [p, zero, np.zeros(3, dtype), h], outputs, [1])
    exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    assert np.all(
        np.abs(gates[:, 0, 0] - exact) <= np.finfo(dtype).eps * exact * (2 + np.abs(x))
    )  # as rounding of x does
    ends = np.array([np.inf, -np.inf, np.nan, 1e4, -1e4], dtype).reshape(-1, 1, 1)
    y, _ = kernels("simple_rnn", [ends, zero[:, :1], h[:5]], [(ends.shape, dtype), ((5, 1), dtype)], [0])
    np.testing.assert_array_equal(y.reshape(-1), np.array([1, -1, np.nan, 1, -1], dtype))


def test_long_sequences_are_cut():
    """Runs are cancelled between tasks: a long sequence goes through several phases of the same tasks."""
    case = Sequence("lstm", None, (2, 1030, 64), np.float32, False)
    outputs = [np.empty(shape, dtype) for shape, dtype in case.outputs]
    target = _native.targets()[0]
    assert _native.kernel_tasks(target, "lstm.f32", case.forward(), outputs, [], [])[1:] == [1, 1, 1]
    case = Sequence("lstm", None, (2, 9000, 64), np.float32, False)
    outputs = [np.empty(shape, dtype) for shape, dtype in case.outputs]
    assert len(_native.kernel_tasks(target, "lstm.f32", case.forward(), outputs, [], [])) == 1 + -(-9000 // 512)
