"""Long short-term memory over whole sequences, one operation for each direction of the pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.ops.broadcast import zeros_like
from labkit.ops.build import scoped
from labkit.ops.composite import through
from labkit.ops.concat import concat, split
from labkit.ops.elementwise import sigmoid, tanh
from labkit.ops.matmul import matmul
from labkit.ops.recurrent import (
    CASES,
    SEQUENCE,
    STATE,
    choose,
    dtype_rule,
    first_state,
    logistic,
    mask_of,
    masked_steps,
    matrix,
    numpy_states_before,
    over_steps,
    project,
    returning,
    rows,
    sample_mask,
    shape_rule,
    shifted,
    states_before,
    wide,
)

_SOURCE = (
    "Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; the forget gate: Gers, Schmidhuber and Cummins, "
    "Learning to Forget, 2000"
)
_FORMULA = "z = p + h U; i, f, o = 1 / (1 + exp(-z)) of their parts, g = tanh(z_g); c' = f c + i g; y = h' = o tanh(c')"


def _gradient(op: Operation, *grads: Tensor | None) -> Sequence[Tensor | None]:
    g_gates, dy, g_cells, dh, dc = grads
    if g_gates is not None or g_cells is not None:
        return through(_formula)(op, *grads)
    _, recurrent, h, c, *mask = op.inputs
    gates, y, cells, *_ = op.outputs
    arriving = [zeros_like(x) if g is None else g for x, g in ((h, dh), (c, dc))]
    sequences = [dy] if dy is not None else []
    inputs = [gates, cells, y, recurrent, h, c, *arriving, *sequences, *mask]
    dz, before, *states = op.graph.apply("LSTMGrad", inputs, {"sequences": dy is not None}).outputs
    return [dz, matmul(rows(before), rows(dz), transpose_a=True), *states, *[None] * len(mask)]


def _formula(p: Tensor, recurrent: Tensor, h: Tensor, c: Tensor, *mask: Tensor) -> list[Tensor]:
    def cell(states: Sequence[Tensor], elements: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        y, h, c = states
        z_i, z_f, z_g, z_o = split(elements[0] + matmul(h, recurrent), 4, axis=-1)
        i, f, g, o = sigmoid(z_i), sigmoid(z_f), tanh(z_g), sigmoid(z_o)
        memory = f * c + i * g
        out = o * tanh(memory)
        gates = concat([i, f, g, o], -1)
        counts = elements[1] if mask else None
        y, h, c, gates = choose(counts, [out, out, memory, gates], [y, h, c, zeros_like(gates)])
        return [y, h, c], [gates, y, c]

    (_, h, c), (gates, y, cells) = over_steps(cell, [zeros_like(h), h, c], [p, *mask])
    return [gates, y, cells, h, c]


def _gradient_formula(*inputs: Tensor, sequences: bool) -> list[Tensor]:
    gates, cells, y, recurrent, h, c, dh, dc, *rest = inputs
    dy = rest.pop(0) if sequences else None
    mask = rest[0] if rest else None

    def cell(states: Sequence[Tensor], elements: Sequence[Tensor], d: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        i, f, g, o = split(elements[0], 4, axis=-1)
        e = tanh(elements[1])
        memory = states[1] + d * o * (1 - e * e)
        parts = [
            memory * g * i * (1 - i),
            memory * elements[2] * f * (1 - f),
            memory * i * (1 - g * g),
            d * e * o * (1 - o),
        ]
        dz = concat(parts, -1)
        return [matmul(dz, recurrent, transpose_b=True), memory * f], [dz]

    states, (dz,) = returning(cell, [dh, dc], [gates, cells, shifted(cells, c)], dy, mask)
    return [dz, states_before(y, h, mask), *states]


def _reference(p: Any, recurrent: Any, h: Any, c: Any, *mask: Any) -> Any:
    batch, steps, width = p.shape
    gates, y, cells = np.zeros_like(p), np.zeros((batch, steps, width // 4)), np.zeros((batch, steps, width // 4))
    counts, out = masked_steps(mask, batch, steps), np.zeros_like(h)
    for t in range(steps):
        z = p[:, t] + h @ recurrent
        i, f, o = (logistic(x) for k, x in enumerate(np.split(z, 4, axis=1)) if k != 2)
        g = np.tanh(np.split(z, 4, axis=1)[2])
        memory = np.where(counts[:, t], f * c + i * g, c)
        now = o * np.tanh(memory)
        h, out, c = np.where(counts[:, t], now, h), np.where(counts[:, t], now, out), memory
        gates[:, t] = counts[:, t] * np.concatenate([i, f, g, o], 1)
        y[:, t], cells[:, t] = out, c
    return gates, y, cells, h, c


def _reference_gradient(*inputs: Any, sequences: bool) -> Any:
    gates, cells, y, recurrent, h, c, dh, dc, *rest = inputs
    dy = rest.pop(0) if sequences else np.zeros_like(y)
    batch, steps, units = y.shape
    counts, kept, dz = masked_steps(rest, batch, steps), np.zeros((batch, units)), np.zeros_like(gates)
    for t in reversed(range(steps)):
        kept = kept + dy[:, t]
        i, f, g, o = np.split(gates[:, t], 4, axis=1)
        e, earlier = np.tanh(cells[:, t]), cells[:, t - 1] if t else c
        d = dh + kept
        memory = dc + d * o * (1 - e * e)
        parts = memory * g * i * (1 - i), memory * earlier * f * (1 - f), memory * i * (1 - g * g), d * e * o * (1 - o)
        dz[:, t] = counts[:, t] * np.concatenate(parts, 1)
        dh = np.where(counts[:, t], dz[:, t] @ recurrent.T, dh)
        dc, kept = np.where(counts[:, t], memory * f, dc), np.where(counts[:, t], 0, kept)
    return dz, numpy_states_before(y, h, rest), dh, dc


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for batch, steps, units, kind in CASES:
        states = rng.normal(size=(2, batch, units))
        inputs = [rng.normal(size=(batch, steps, 4 * units)), rng.normal(size=(units, 4 * units)) / units**0.5, *states]
        cases.append(Sample([*inputs, *sample_mask(rng, batch, steps, kind)]))
    return cases


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for number, (batch, steps, units, kind) in enumerate(CASES):
        sequence, sequences = (batch, steps, units), number != 2
        gates = rng.uniform(0, 1, size=(batch, steps, 4 * units))
        inputs = [gates, rng.normal(size=sequence), rng.normal(size=sequence), rng.normal(size=(units, 4 * units))]
        inputs += [*rng.normal(size=(4, batch, units)), *([rng.normal(size=sequence)] if sequences else [])]
        cases.append(Sample([*inputs, *sample_mask(rng, batch, steps, kind)], {"sequences": sequences}))
    return cases


def _gradient_inputs(attrs: Mapping[str, Any]) -> list[Any]:
    return [wide(4), SEQUENCE, SEQUENCE, matrix(4), *[STATE] * 4, *[SEQUENCE] * attrs["sequences"]]


register(
    OpDef(
        name="LSTM",
        inputs=("projections", "recurrent", "h", "c", "**mask"),
        outputs=("gates", "y", "cells", "last_h", "last_c"),
        kernel="lstm",
        dtypes=dtype_rule(lambda attrs: 4, 5),
        shapes=shape_rule(
            lambda attrs: [wide(4), matrix(4), STATE, STATE], [wide(4), SEQUENCE, SEQUENCE, STATE, STATE]
        ),
        gradient=_gradient,
        reference=_reference,
        samples=_samples,
        formula=_FORMULA,
        source=_SOURCE,
        doc="A long short-term memory along the second dimension, from p = x W + b of all steps on; parts of p and U are in "
        "the order i, f, g, o. Results are the gates' values and the memory of each step, and the last states. Where a mask, "
        "bool [batch, steps], is False, the states stay and y is that of the step before (0 at the first); gates are then 0.",
    )
)
register(
    OpDef(
        name="LSTMGrad",
        inputs=("gates", "cells", "y", "recurrent", "h", "c", "dh", "dc", "**rest"),
        outputs=("dz", "before", "dh", "dc"),
        attrs={"sequences": Attr("bool")},
        kernel="lstm_grad",
        dtypes=dtype_rule(lambda attrs: 8 + attrs["sequences"], 4),
        shapes=shape_rule(_gradient_inputs, [wide(4), SEQUENCE, STATE, STATE]),
        gradient=through(_gradient_formula),
        reference=_reference_gradient,
        samples=_gradient_samples,
        formula="m = dc + d o (1 - e^2) with e = tanh(c'), d = dh + dy; dz = [m g i (1 - i), m c f (1 - f), m i (1 - g^2), "
        "d e o (1 - o)]; dh = dz U^T, dc = m f",
        source=_SOURCE,
        doc="The gradient of LSTM with respect to z, back through time, and to the first states; the state before each step, "
        "with which dz makes the gradient of U, comes with it. With `sequences` the derivative dy at the results of all steps "
        "is an input, and the mask may follow.",
    )
)


@scoped("lstm")
def lstm(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Sequence[Any] | None = None,
    mask: Any = None,
    name: str | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """A long short-term memory along sequences; all steps are one operation.

    z = x W + b + h U in four parts i, f, g, o; i, f, o = sigmoid(z), g = tanh(z); c' = f c + i g, h' = o tanh(c').
    (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.)

    Args:
        x: [batch, steps, features]; float32 or float64.
        kernel: W [features, 4 units].
        recurrent_kernel: U [units, 4 units].
        bias: b [4 units], or None.
        initial_state: h and c, each [batch, units]; None for zeros.
        mask: bool [batch, steps]; at a step that is False the states stay and the result is that of the step before, 0 at
            the first.

    Returns:
        h' of all steps [batch, steps, units], and the last states [h, c].

    Raises:
        ShapeError: the sizes do not fit.
        DTypeError: the dtypes differ, or are no floats.
    """
    p = project(x, kernel, bias)
    recurrent = to_tensor(recurrent_kernel, p.dtype)
    states = [first_state(p, recurrent, s) for s in (initial_state or (None, None))]
    _, y, _, h, c = p.graph.apply("LSTM", [p, recurrent, *states, *mask_of(mask)], name=name).outputs
    return y, [h, c]
