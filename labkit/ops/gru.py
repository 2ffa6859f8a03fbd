"""Gated recurrent units over whole sequences, one operation for each direction of the pass."""

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
    states_before,
    wide,
)
from labkit.ops.reduce import reduce_sum

_SOURCE = (
    "Cho et al., Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation, 2014, "
    "equations 5 to 8, where h' = z h + (1 - z) g"
)
_BIAS = (("units", 3),)


def _gradient(op: Operation, *grads: Tensor | None) -> Sequence[Tensor | None]:
    g_gates, g_inner, dy, dh = grads
    if g_gates is not None or g_inner is not None:
        return through(_formula)(op, *grads)
    _, recurrent, _, h, *mask = op.inputs
    gates, inner, y, _ = op.outputs
    sequences = [dy] if dy is not None else []
    inputs = [gates, inner, y, recurrent, h, zeros_like(h) if dh is None else dh, *sequences, *mask]
    attrs = {**op.attrs, "sequences": dy is not None}
    dp, ds, before, first = op.graph.apply("GRUGrad", inputs, attrs).outputs
    if op.attrs["reset_after"]:
        of_matrix = matmul(rows(before), rows(ds), transpose_a=True)
    else:
        of_gates, of_candidate = _first_two(rows(ds))
        products = [
            matmul(rows(before), of_gates, transpose_a=True),
            matmul(rows(inner), of_candidate, transpose_a=True),
        ]
        of_matrix = concat(products, 1)
    return [dp, of_matrix, reduce_sum(rows(ds), 0), first, *[None] * len(mask)]


def _first_two(x: Tensor) -> tuple[Tensor, Tensor]:
    """The columns of the gates z and r, and those of the candidate g."""
    z, r, g = split(x, 3, axis=-1)
    return concat([z, r], -1), g


def _formula(p: Tensor, recurrent: Tensor, bias: Tensor, h: Tensor, *mask: Tensor, reset_after: bool) -> list[Tensor]:
    def cell(states: Sequence[Tensor], elements: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        y, h = states
        p_z, p_r, p_g = split(elements[0], 3, axis=-1)
        s_z, s_r, s_g = split(matmul(h, recurrent) + bias, 3, axis=-1)
        z, r = sigmoid(p_z + s_z), sigmoid(p_r + s_r)
        if reset_after:
            inner = s_g
            g = tanh(p_g + r * s_g)
        else:
            inner = r * h
            g = tanh(p_g + (matmul(inner, _first_two(recurrent)[1]) + split(bias, 3)[2]))
        out = z * h + (1 - z) * g
        gates = concat([z, r, g], -1)
        counts = elements[1] if mask else None
        y, h, gates, inner = choose(counts, [out, out, gates, inner], [y, h, zeros_like(gates), zeros_like(inner)])
        return [y, h], [gates, inner, y]

    (_, h), (gates, inner, y) = over_steps(cell, [zeros_like(h), h], [p, *mask])
    return [gates, inner, y, h]


def _gradient_formula(*inputs: Tensor, reset_after: bool, sequences: bool) -> list[Tensor]:
    gates, inner, y, recurrent, h, dh, *rest = inputs
    dy = rest.pop(0) if sequences else None
    mask = rest[0] if rest else None
    before = states_before(y, h, mask)

    def cell(states: Sequence[Tensor], elements: Sequence[Tensor], d: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        z, r, g = split(elements[0], 3, axis=-1)
        _, inner, h = elements
        dz, dg = d * (h - g) * z * (1 - z), d * (1 - z) * (1 - g * g)
        if reset_after:
            dr = dg * inner * r * (1 - r)
            ds = concat([dz, dr, dg * r], -1)
            past = d * z + matmul(ds, recurrent, transpose_b=True)
        else:
            of_gates, of_candidate = _first_two(recurrent)
            reset = matmul(dg, of_candidate, transpose_b=True)
            dr = reset * h * r * (1 - r)
            ds = concat([dz, dr, dg], -1)
            past = d * z + reset * r + matmul(concat([dz, dr], -1), of_gates, transpose_b=True)
        return [past], [concat([dz, dr, dg], -1), ds]

    states, found = returning(cell, [dh], [gates, inner, before], dy, mask)
    return [*found, before, *states]


def _reference(p: Any, recurrent: Any, bias: Any, h: Any, *mask: Any, reset_after: bool) -> Any:
    batch, steps, width = p.shape
    units = width // 3
    gates, inner, y = np.zeros_like(p), np.zeros((batch, steps, units)), np.zeros((batch, steps, units))
    counts, out = masked_steps(mask, batch, steps), np.zeros_like(h)
    for t in range(steps):
        s = h @ recurrent + bias
        z, r = (logistic(p[:, t, k * units : (k + 1) * units] + s[:, k * units : (k + 1) * units]) for k in (0, 1))
        if reset_after:
            made = s[:, 2 * units :]
            g = np.tanh(p[:, t, 2 * units :] + r * made)
        else:
            made = r * h
            g = np.tanh(p[:, t, 2 * units :] + made @ recurrent[:, 2 * units :] + bias[2 * units :])
        now = z * h + (1 - z) * g
        h, out = np.where(counts[:, t], now, h), np.where(counts[:, t], now, out)
        gates[:, t], inner[:, t] = counts[:, t] * np.concatenate([z, r, g], 1), counts[:, t] * made
        y[:, t] = out
    return gates, inner, y, h


def _reference_gradient(*inputs: Any, reset_after: bool, sequences: bool) -> Any:
    gates, inner, y, recurrent, h, dh, *rest = inputs
    dy = rest.pop(0) if sequences else np.zeros_like(y)
    batch, steps, units = y.shape
    before, counts, kept = numpy_states_before(y, h, rest), masked_steps(rest, batch, steps), np.zeros((batch, units))
    dp, ds = np.zeros_like(gates), np.zeros_like(gates)
    for t in reversed(range(steps)):
        kept = kept + dy[:, t]
        z, r, g = np.split(gates[:, t], 3, axis=1)
        d = dh + kept
        dz, dg = d * (before[:, t] - g) * z * (1 - z), d * (1 - z) * (1 - g * g)
        reset = dg @ recurrent[:, 2 * units :].T
        dr = (dg * inner[:, t] if reset_after else reset * before[:, t]) * r * (1 - r)
        dp[:, t] = counts[:, t] * np.concatenate([dz, dr, dg], 1)
        ds[:, t] = counts[:, t] * np.concatenate([dz, dr, dg * r if reset_after else dg], 1)
        of_gates = ds[:, t, : 2 * units] @ recurrent[:, : 2 * units].T
        past = d * z + of_gates + ((dg * r) @ recurrent[:, 2 * units :].T if reset_after else reset * r)
        dh, kept = np.where(counts[:, t], past, dh), np.where(counts[:, t], 0, kept)
    return dp, ds, before, dh


def _samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for number, (batch, steps, units, kind) in enumerate([*CASES, *CASES]):
        inputs = [rng.normal(size=(batch, steps, 3 * units)), rng.normal(size=(units, 3 * units)) / units**0.5]
        inputs += [rng.normal(size=3 * units), rng.normal(size=(batch, units))]
        attrs = {"reset_after": number < len(CASES)}
        cases.append(Sample([*inputs, *sample_mask(rng, batch, steps, kind)], attrs))
    return cases


def _gradient_samples(rng: np.random.Generator) -> list[Sample]:
    cases = []
    for number, (batch, steps, units, kind) in enumerate([*CASES, *CASES]):
        sequence, sequences = (batch, steps, units), number % len(CASES) != 2
        inputs = [
            rng.uniform(0, 1, size=(batch, steps, 3 * units)),
            rng.normal(size=sequence),
            rng.normal(size=sequence),
        ]
        inputs += [rng.normal(size=(units, 3 * units)), *rng.normal(size=(2, batch, units))]
        inputs += [rng.normal(size=sequence)] if sequences else []
        attrs = {"reset_after": number < len(CASES), "sequences": sequences}
        cases.append(Sample([*inputs, *sample_mask(rng, batch, steps, kind)], attrs))
    return cases


def _gradient_inputs(attrs: Mapping[str, Any]) -> list[Any]:
    return [wide(3), SEQUENCE, SEQUENCE, matrix(3), STATE, STATE, *[SEQUENCE] * attrs["sequences"]]


register(
    OpDef(
        name="GRU",
        inputs=("projections", "recurrent", "bias", "h", "**mask"),
        outputs=("gates", "inner", "y", "last_h"),
        attrs={"reset_after": Attr("bool", True)},
        kernel="gru",
        dtypes=dtype_rule(lambda attrs: 4, 4),
        shapes=shape_rule(lambda attrs: [wide(3), matrix(3), _BIAS, STATE], [wide(3), SEQUENCE, SEQUENCE, STATE]),
        gradient=_gradient,
        reference=_reference,
        samples=_samples,
        formula="s = h U + b'; z, r = 1 / (1 + exp(-(p + s))) of their parts; g = tanh(p_g + r s_g), or without reset_after "
        "tanh(p_g + (r h) U_g + b'_g); y = h' = z h + (1 - z) g",
        source=_SOURCE,
        doc="Gated recurrent units along the second dimension, from p = x W + b of all steps on; parts of p, U and b' are in "
        "the order z, r, g. Results are the gates' values, what r is multiplied with (s_g) or makes (r h), each step's "
        "state, and the last one. Where a mask, bool [batch, steps], is False, the state stays and y is that of the step "
        "before (0 at the first); gates are then 0.",
    )
)
register(
    OpDef(
        name="GRUGrad",
        inputs=("gates", "inner", "y", "recurrent", "h", "dh", "**rest"),
        outputs=("dp", "ds", "before", "dh"),
        attrs={"reset_after": Attr("bool", True), "sequences": Attr("bool")},
        kernel="gru_grad",
        dtypes=dtype_rule(lambda attrs: 6 + attrs["sequences"], 4),
        shapes=shape_rule(_gradient_inputs, [wide(3), wide(3), SEQUENCE, STATE]),
        gradient=through(_gradient_formula),
        reference=_reference_gradient,
        samples=_gradient_samples,
        formula="dz = d (h - g) z (1 - z), dg = d (1 - z) (1 - g^2), dr = dg s_g r (1 - r) with d = dh + dy; ds = [dz, dr, "
        "dg r], dh = d z + ds U^T; without reset_after e = dg U_g^T, dr = e h r (1 - r), ds = [dz, dr, dg], "
        "dh = d z + e r + [dz, dr] U_zr^T",
        source=_SOURCE,
        doc="The gradient of GRU with respect to p and to s, back through time, and to the first state; the state before each "
        "step, with which ds makes the gradient of U, comes with it. With `sequences` the derivative dy at the results of all "
        "steps is an input, and the mask may follow.",
    )
)


@scoped("gru")
def gru(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    recurrent_bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    reset_after: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Gated recurrent units along sequences; all steps are one operation.

    p = x W + b and s = h U + b' in three parts z, r, g; z, r = sigmoid(p + s), g = tanh(p_g + r s_g),
    h' = z h + (1 - z) g. (Cho et al. 2014, equations 5 to 8.)

    Args:
        x: [batch, steps, features]; float32 or float64.
        kernel: W [features, 3 units].
        recurrent_kernel: U [units, 3 units].
        bias, recurrent_bias: b and b' [3 units], or None.
        initial_state: h [batch, units]; None for zeros.
        mask: bool [batch, steps]; at a step that is False the state stays and the result is that of the step before, 0 at
            the first.
        reset_after: whether r is applied after the product as above; else g = tanh(p_g + (r h) U_g + b'_g), as the paper
            has it.

    Returns:
        h' of all steps [batch, steps, units], and the last state.

    Raises:
        ShapeError: the sizes do not fit.
        DTypeError: the dtypes differ, or are no floats.
    """
    p = project(x, kernel, bias)
    recurrent = to_tensor(recurrent_kernel, p.dtype)
    offset = zeros_like(recurrent[0]) if recurrent_bias is None else to_tensor(recurrent_bias, p.dtype)
    inputs = [p, recurrent, offset, first_state(p, recurrent, initial_state), *mask_of(mask)]
    _, _, y, h = p.graph.apply("GRU", inputs, {"reset_after": reset_after}, name).outputs
    return y, h
