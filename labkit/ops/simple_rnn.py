"""The simple recurrent layer over whole sequences, one operation for each direction of the pass."""

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
from labkit.ops.logic import where
from labkit.ops.matmul import matmul
from labkit.ops.recurrent import (
    CASES,
    SEQUENCE,
    STATE,
    dtype_rule,
    first_state,
    mask_of,
    masked_steps,
    matrix,
    numpy_states_before,
    project,
    returning,
    rows,
    sample_mask,
    shape_rule,
    states_before,
)

_SOURCE = "Elman, Finding Structure in Time, Cognitive Science 14, 1990"
_ACTIVATION = Attr("str", "tanh", choices=("tanh", "relu"))


def _gradient(op: Operation, *grads: Tensor | None) -> Sequence[Tensor | None]:
    dy, dh = grads
    _, recurrent, h, *mask = op.inputs
    sequences = [dy] if dy is not None else []
    inputs = [op.outputs[0], recurrent, h, zeros_like(h) if dh is None else dh, *sequences, *mask]
    attrs = {**op.attrs, "sequences": dy is not None}
    dp, before, first = op.graph.apply("SimpleRNNGrad", inputs, attrs).outputs
    return [dp, matmul(rows(before), rows(dp), transpose_a=True), first, *[None] * len(mask)]


def _gradient_formula(*inputs: Tensor, activation: str, sequences: bool) -> list[Tensor]:
    y, recurrent, h, dh, *rest = inputs
    dy = rest.pop(0) if sequences else None
    mask = rest[0] if rest else None

    def cell(states: Sequence[Tensor], elements: Sequence[Tensor], d: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        (y,) = elements
        dp = d * (1 - y * y) if activation == "tanh" else where(y > 0, d, zeros_like(d))
        return [matmul(dp, recurrent, transpose_b=True)], [dp]

    states, (dp,) = returning(cell, [dh], [y], dy, mask)
    return [dp, states_before(y, h, mask), *states]


def _reference(p: Any, recurrent: Any, h: Any, *mask: Any, activation: str) -> Any:
    batch, steps, _ = p.shape
    y, counts, out = np.zeros_like(p), masked_steps(mask, batch, steps), np.zeros_like(h)
    for t in range(steps):
        s = p[:, t] + h @ recurrent
        now = np.tanh(s) if activation == "tanh" else np.maximum(s, 0)
        h, out = np.where(counts[:, t], now, h), np.where(counts[:, t], now, out)
        y[:, t] = out
    return y, h


def _reference_gradient(*inputs: Any, activation: str, sequences: bool) -> Any:
    y, recurrent, h, dh, *rest = inputs
    dy = rest.pop(0) if sequences else np.zeros_like(y)
    counts, kept, dp = masked_steps(rest, *y.shape[:2]), np.zeros_like(h), np.zeros_like(y)
    for t in reversed(range(y.shape[1])):
        kept = kept + dy[:, t]
        slope = 1 - y[:, t] ** 2 if activation == "tanh" else y[:, t] > 0
        dp[:, t] = counts[:, t] * (dh + kept) * slope
        dh, kept = np.where(counts[:, t], dp[:, t] @ recurrent.T, dh), np.where(counts[:, t], 0, kept)
    return dp, numpy_states_before(y, h, rest), dh


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for number, (batch, steps, units, kind) in enumerate([*CASES, *CASES]):
        inputs = [rng.normal(size=(batch, steps, units)), rng.normal(size=(units, units)) / units**0.5]
        inputs += [rng.normal(size=(batch, units)), *sample_mask(rng, batch, steps, kind)]
        cases.append(Sample(inputs, {"activation": "tanh" if number < len(CASES) else "relu"}))
    return cases


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for number, (batch, steps, units, kind) in enumerate([*CASES, *CASES]):
        sequence, sequences = (batch, steps, units), number % len(CASES) != 2
        inputs = [rng.normal(size=sequence), rng.normal(size=(units, units)), *rng.normal(size=(2, batch, units))]
        inputs += [rng.normal(size=sequence)] if sequences else []
        attrs = {"activation": "tanh" if number < len(CASES) else "relu", "sequences": sequences}
        cases.append(Sample([*inputs, *sample_mask(rng, batch, steps, kind)], attrs))
    return cases


def _gradient_inputs(attrs: Mapping[str, Any]) -> list[Any]:
    return [SEQUENCE, matrix(1), STATE, STATE, *[SEQUENCE] * attrs["sequences"]]


register(
    OpDef(
        name="SimpleRNN",
        inputs=("projections", "recurrent", "h", "**mask"),
        outputs=("y", "last_h"),
        attrs={"activation": _ACTIVATION},
        kernel="simple_rnn",
        lower=lambda c: ([c.attrs["activation"] == "relu"], ()),
        dtypes=dtype_rule(lambda attrs: 3, 2),
        shapes=shape_rule(lambda attrs: [SEQUENCE, matrix(1), STATE], [SEQUENCE, STATE]),
        gradient=_gradient,
        reference=_reference,
        samples=_samples,
        formula="y = h' = tanh(p + h U), or max(p + h U, 0)",
        source=_SOURCE,
        doc="A simple recurrent layer along the second dimension, from p = x W + b of all steps on. Where a mask, bool [batch, "
        "steps], is False, the state stays and y is that of the step before (0 at the first).",
    )
)
register(
    OpDef(
        name="SimpleRNNGrad",
        inputs=("y", "recurrent", "h", "dh", "**rest"),
        outputs=("dp", "before", "dh"),
        attrs={"activation": _ACTIVATION, "sequences": Attr("bool")},
        kernel="simple_rnn_grad",
        lower=lambda c: ([c.attrs["activation"] == "relu", c.attrs["sequences"]], ()),
        dtypes=dtype_rule(lambda attrs: 4 + attrs["sequences"], 3),
        shapes=shape_rule(_gradient_inputs, [SEQUENCE, SEQUENCE, STATE]),
        gradient=through(_gradient_formula),
        reference=_reference_gradient,
        samples=_gradient_samples,
        formula="dp = (dh + dy) (1 - y^2), or dh + dy where y > 0; dh = dp U^T",
        source=_SOURCE,
        doc="The gradient of SimpleRNN with respect to p, back through time, and to the first state; the state before each "
        "step, with which dp makes the gradient of U, comes with it. With `sequences` the derivative dy at the results of all "
        "steps is an input, and the mask may follow.",
    )
)


@scoped("simple_rnn")
def simple_rnn(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    activation: str = "tanh",
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """A simple recurrent layer along sequences, h' = f(x W + b + h U); all steps are one operation. (Elman 1990.)

    Args:
        x: [batch, steps, features]; float32 or float64.
        kernel: W [features, units].
        recurrent_kernel: U [units, units].
        bias: b [units], or None.
        initial_state: h [batch, units]; None for zeros.
        mask: bool [batch, steps]; at a step that is False the state stays and the result is that of the step before, 0 at
            the first.
        activation: f, "tanh" or "relu".

    Returns:
        h' of all steps [batch, steps, units], and the last state.

    Raises:
        ShapeError: the sizes do not fit.
        DTypeError: the dtypes differ, or are no floats.
        InvalidArgumentError: the activation is neither.
    """
    p = project(x, kernel, bias)
    recurrent = to_tensor(recurrent_kernel, p.dtype)
    inputs = [p, recurrent, first_state(p, recurrent, initial_state), *mask_of(mask)]
    y, h = p.graph.apply("SimpleRNN", inputs, {"activation": activation}, name).outputs
    return y, h
