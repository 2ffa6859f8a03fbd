"""What holds for every operation record, as checks that raise AssertionError or LabkitError where it does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import OpDef
from labkit.core.shapes import compatible
from tests.ops.records import Case, Use, Uses, accepts, array_of, bits, cases, generator, sample_dtypes, samples


def close(value: np.ndarray, expected: Any, sizes: int) -> None:
    """Compares with a reference in float64 of a result that `sizes` numbers may have been summed to."""
    if value.dtype.kind == "f":
        eps = np.finfo(value.dtype).eps
        with np.errstate(over="ignore"):  # what does not fit is infinite
            expected = np.asarray(expected).astype(value.dtype)
        finite = np.abs(np.where(np.isfinite(expected), expected, 0))
        atol = 8 * eps * max(1.0, float(np.max(finite, initial=0))) * np.sqrt(max(sizes, 1))
        np.testing.assert_allclose(value, expected, rtol=64 * eps, atol=atol)
    else:
        np.testing.assert_array_equal(value, np.asarray(expected).astype(value.dtype))


def check_results(record: OpDef, use: Use, values: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Dtypes and shapes as declared, numbers as the reference has them (a random operation's reference has the shape)."""
    wanted = expected[: len(values)] if record.writes else expected
    assert len(values) == len(wanted), f"the record has {len(values)} outputs, its reference {len(expected)}"
    for tensor, value, want in zip(use.op.outputs, values, wanted, strict=True):
        assert value.dtype == tensor.dtype.numpy, f"{value.dtype}, declared {tensor.dtype}"
        assert value.shape == want.shape, f"{value.shape}, the reference's is {want.shape}"
        assert compatible(tensor.dims, value.shape), f"{value.shape}, declared {tensor.dims}"
        if not record.random:
            close(value, want, max((x.size for x in use.arrays), default=1))


def check_forward(record: OpDef) -> None:
    """Every accepted dtype is computed, and agrees with the reference."""
    chosen = list(cases(record))
    assert chosen, "no sample has dtypes that the record accepts"
    uses = Uses(record, chosen)
    for use, values in zip(uses.uses, uses.run(uses.outputs), strict=True):
        try:
            expected = use.reference(record)
            check_results(record, use, [array_of(v) for v in values], expected)
            for i, want in zip(record.writes, expected if record.writes else (), strict=True):
                close(uses.session.read(use.variables[i]), want, use.arrays[i].size)  # type: ignore[arg-type]
        except AssertionError as error:
            raise AssertionError(f"{record.name}{use.case}: {error}") from error


def one_dtype(record: OpDef) -> list[Case]:
    """Each sample in the first dtype that the record accepts."""
    chosen = []
    for sample in samples(record):
        options = [sample_dtypes(sample, dtype) for dtype in dt.ALL]
        chosen += [Case(sample, d) for d in options if accepts(record, d, sample.attrs)][:1]
    return chosen


def check_static_shapes(record: OpDef) -> None:
    """With inputs of known shape the rule knows what the run gives; only data may leave it open."""
    uses = Uses(record, one_dtype(record), static=True)
    for use, values in zip(uses.uses, uses.run(uses.outputs), strict=True):
        for tensor, value in zip(use.op.outputs, values, strict=True):
            shape = np.shape(value)
            fits = compatible(tensor.dims, shape) if record.host else tensor.dims == shape
            assert fits, f"{record.name}{use.case}: the rule says {tensor.dims}, the run gives {shape}"


def strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


def misaligned(x: np.ndarray) -> np.ndarray:
    if x.dtype.hasobject:
        return x.copy()
    raw = np.zeros(x.nbytes + 1, np.uint8)[1:]
    view = raw.view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def read_only(x: np.ndarray) -> np.ndarray:
    kept = x.copy()
    kept.setflags(write=False)
    return kept


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": strided,
    "backwards": lambda x: x[::-1].copy()[::-1] if x.ndim else x,
    "Fortran order": lambda x: np.array(x, order="F"),
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "misaligned": misaligned,
    "read-only": read_only,
}


def check_layouts(record: OpDef) -> None:
    """However fed arrays lie in memory, results have the same bits, and the arrays are left as they were."""
    uses = Uses(record, one_dtype(record))
    expected = uses.run(uses.outputs)
    for name, layout in LAYOUTS.items():
        fed = [[layout(x) for x in use.arrays] for use in uses.uses]
        for use, arrays, values, wants in zip(uses.uses, fed, uses.run(uses.outputs, fed), expected, strict=True):
            for value, want in zip(values, wants, strict=True):
                assert bits(value) == bits(want), f"{record.name}{use.case} fed {name}: other bits"
            for array, own in zip(arrays, use.arrays, strict=True):
                np.testing.assert_array_equal(array, own, err_msg=f"{name}: the fed array has changed")


# --- derivatives ---------------------------------------------------------------------------------------------------

EPS = 1e-6
DIRECTIONS = 3
"""Random directions that the derivative of a large input is compared along; small ones are compared element by element."""


class Derivatives:
    """For each use a sum of its float64 outputs with weights of their own, and its first and second derivatives.

    The first derivative is compared along directions in one input at a time. The second one is the derivative of `along`,
    the inner product of all first ones with fixed numbers.
    """

    def __init__(self, record: OpDef, chosen: list[Case], rng: np.random.Generator) -> None:
        uses = Uses(record, chosen)
        self.uses, self.rng, self.record = uses, rng, record
        values = uses.run(uses.outputs)
        self.kept: list[Use] = []
        self.losses: list[lk.Tensor] = []
        with uses.graph.as_default():
            for use, outputs in zip(uses.uses, values, strict=True):
                terms = [
                    lk.reduce_sum(tensor * rng.normal(size=np.shape(value)))
                    for tensor, value in zip(use.op.outputs, outputs, strict=True)
                    if tensor.dtype is dt.float64
                ]
                if terms:
                    self.kept.append(use)
                    self.losses.append(sum(terms[1:], terms[0]))

    def floats(self, use: Use) -> list[int]:
        return [i for i, x in enumerate(use.inputs) if x.dtype is dt.float64 and i not in self.record.held]

    def gradients(self, losses: list[lk.Tensor]) -> list[dict[int, lk.Tensor]]:
        """For each use the derivatives that exist, by input."""
        found = []
        with self.uses.graph.as_default(), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a graph that grows: the derivatives of long formulas
            for use, loss in zip(self.kept, losses, strict=True):
                inputs = self.floats(use)
                grads = lk.gradients(loss, [use.inputs[i] for i in inputs])
                found.append({i: lk.convert_to_tensor(g) for i, g in zip(inputs, grads, strict=True) if g is not None})
        return found

    def along(self, gradients: list[dict[int, lk.Tensor]]) -> list[lk.Tensor]:
        with self.uses.graph.as_default():
            return [
                sum(
                    (lk.reduce_sum(g * self.rng.normal(size=use.arrays[i].shape)) for i, g in grads.items()),
                    lk.constant(0.0, lk.float64),
                )
                for use, grads in zip(self.kept, gradients, strict=True)
            ]

    def compare(self, sums: list[lk.Tensor], gradients: list[dict[int, lk.Tensor]], rtol: float, atol: float) -> int:
        """Holds `gradients` of `sums` against central differences; how many inputs were compared."""
        values = self.uses.run(gradients)
        plans = []  # for each use its (input, direction)s
        for use, grads, found in zip(self.kept, gradients, values, strict=True):
            for i in grads:
                assert found[i].shape == use.arrays[i].shape, f"{use.case}: the gradient of input {i} has another shape"
            plans.append([(i, d) for i in self.floats(use) for d in self.directions(use.arrays[i])])
        for number in range(max(map(len, plans), default=0)):
            steps = [plan[number] if number < len(plan) else None for plan in plans]
            ahead, behind = (self.uses.run(sums, self.moved(steps, sign)) for sign in (EPS, -EPS))
            for use, step, found, a, b in zip(self.kept, steps, values, ahead, behind, strict=True):
                if step is not None:
                    actual = np.sum(found[step[0]] * step[1]) if step[0] in found else 0.0
                    message = f"{self.record.name}{use.case}: input {self.record_input(step[0])}"
                    np.testing.assert_allclose(actual, (a - b) / (2 * EPS), rtol, atol, err_msg=message)
        return sum(len(grads) for grads in gradients)

    def record_input(self, i: int) -> str:
        names = self.record.inputs
        return names[min(i, len(names) - 1)]

    def directions(self, x: np.ndarray) -> list[np.ndarray]:
        if 0 < x.size <= 2 * DIRECTIONS:
            return list(np.eye(x.size).reshape(x.size, *x.shape))
        return [self.rng.normal(size=x.shape) for _ in range(DIRECTIONS if x.size else 0)]

    def moved(self, steps: list[Any], by: float) -> list[list[np.ndarray]]:
        moves = {use: step for use, step in zip(self.kept, steps, strict=True) if step is not None}
        fed = []
        for use in self.uses.uses:
            arrays = list(use.arrays)
            if use in moves:
                i, direction = moves[use]
                arrays[i] = arrays[i] + by * direction
            fed.append(arrays)
        return fed


def smooth(record: OpDef) -> list[Case]:
    """The samples away from kinks, in float64."""
    chosen = [Case(s, sample_dtypes(s, dt.float64)) for s in samples(record) if s.differentiate]
    return [case for case in chosen if accepts(record, case.dtypes, case.sample.attrs)]


def check_gradients(record: OpDef) -> None:
    """First derivatives agree with central differences; where a rule gives none, the result does not change."""
    derivatives = Derivatives(record, smooth(record), generator(record))
    compared = derivatives.compare(derivatives.losses, derivatives.gradients(derivatives.losses), 1e-3, 1e-5)
    assert compared, f"{record.name} has a gradient and no sample that it can be compared on"


def check_second_derivatives(record: OpDef) -> None:
    """Second derivatives agree with central differences of the first; up to four samples, others on each commit."""
    chosen = smooth(record)
    if len(chosen) > 4:
        rng = generator(record, "second derivatives")
        chosen = [chosen[i] for i in sorted(rng.choice(len(chosen), 4, replace=False))]
    derivatives = Derivatives(record, chosen, generator(record))
    along = derivatives.along(derivatives.gradients(derivatives.losses))
    derivatives.compare(along, derivatives.gradients(along), 1e-3, 1e-4)


def checks(record: OpDef) -> list[Callable[[OpDef], None]]:
    """The checks above that concern a record."""
    from tests.ops.records import DIFFERENTIABLE, WITH_SAMPLES

    names = {r.name for r in WITH_SAMPLES}
    found: list[Callable[[OpDef], None]] = []
    if record.name in names:
        found += [check_forward, check_static_shapes, check_layouts]
    if record.name in {r.name for r in DIFFERENTIABLE}:
        found += [check_gradients, check_second_derivatives]
    return found
