"""NaN propagates: what depends on a number of an input is NaN when that number is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from labkit import _native
from labkit.core import dtypes as dt
from labkit.core.opdef import OpDef
from labkit.errors import LabkitError
from tests.numerics.calls import KernelCall, large_calls
from tests.ops.records import WITH_SAMPLES, Case, Uses, accepts, generator, sample_dtypes, samples

MOVES = (0.37, -1.3, 60.0, -60.0)
"""How far a number is moved to see what depends on it."""
SAMPLES, PLACES = 4, 3
"""At most so many samples of an operation, and numbers of an input."""

MASK = "the derivative at NaN chooses nothing: the gradient of relu is passed on where y > 0 (the loss itself is NaN)"
MOVED = "numbers are only moved; NaN comes last"
PLACE = "a place that is no number is nowhere in the image, so that fill_value is seen there"
EXCEPT = {
    "ReluGrad": MASK, "Relu6Grad": MASK, "LeakyReluGrad": MASK,
    "ImageProjectiveTransform": PLACE, "ImageProjectiveTransformGrad": PLACE,
    "Sort": MOVED, "TopKV2": MOVED, "UniqueWithCounts": MOVED, "ListDiff": MOVED,
    "HistogramCounts": "NaN is counted apart from the numbers that minimum, maximum and sum are of",
}  # fmt: skip
"""Operations where NaN rightly does not reach all that depends on it, each with the reason."""


def chosen(record: OpDef, dtype: dt.DType) -> list[Case]:
    """At most SAMPLES cases with numbers of that dtype."""
    found = []
    for sample in samples(record):
        dtypes = sample_dtypes(sample, dtype)
        if dtype in dtypes and accepts(record, dtypes, sample.attrs) and any(np.size(x) for x in sample.inputs):
            found.append(Case(sample, dtypes))
    return found[:SAMPLES]


class Probe:
    """One use of an operation, run again and again with a number exchanged."""

    def __init__(self, record: OpDef, case: Case) -> None:
        self.uses = Uses(record, [case])
        (self.use,) = self.uses.uses
        self.written = [self.use.variables[i] for i in record.writes]

    def run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The results, and what the variables are afterwards."""
        ((*outputs,),) = self.uses.run(self.uses.outputs, [arrays])
        return [np.asarray(x) for x in (*outputs, *map(self.uses.session.read, self.written))]  # type: ignore[arg-type]

    def exchanged(self, i: int, place: int, number: float) -> list[np.ndarray]:
        arrays = [x.copy() for x in self.use.arrays]
        arrays[i].flat[place] = number
        return self.run(arrays)


def lost(record: OpDef, case: Case) -> Iterator[str]:
    """Where a NaN does not reach what depends on it."""
    probe, rng = Probe(record, case), generator(record, "NaN")
    before = probe.run(probe.use.arrays)
    for i, x in enumerate(probe.use.arrays):
        if x.dtype.kind != "f" or not x.size or i in record.shape_inputs or i in record.value_inputs:
            continue
        for place in rng.choice(x.size, min(x.size, PLACES), replace=False):
            moved = []
            for by in MOVES:
                try:
                    moved.append(probe.exchanged(i, place, x.flat[place] + by))
                except LabkitError:  # a number that it refuses
                    continue
            try:
                after = probe.exchanged(i, place, np.nan)
            except LabkitError:
                continue
            for number, (a, b) in enumerate(zip(before, after, strict=True)):
                if a.dtype.kind != "f":
                    continue
                others = [m[number] for m in moved if m[number].shape == a.shape]
                depends = np.any([(o != a) & ~(np.isnan(o) & np.isnan(a)) for o in others], axis=0)
                if a.shape != b.shape or np.any(depends & ~np.isnan(b)):
                    yield f"{case}: result {number} of NaN in input {i} at {place}"


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_nan_reaches_what_depends_on_it(record: OpDef) -> None:
    cases = [case for dtype in dt.FLOATS for case in chosen(record, dtype)]
    if not cases:
        pytest.skip("it takes no real numbers")
    found = [text for case in cases for text in lost(record, case)]
    assert bool(found) == (record.name in EXCEPT), found


SPREADS = ("conv2d",)
"""Kernels whose algorithm depends on the target, and with it how far NaN spreads beyond what depends on it."""


def test_nan_goes_to_the_same_places_on_every_target() -> None:
    first, *others = _native.targets()
    rng = np.random.default_rng(0)
    compared = 0
    for calls in large_calls().values():
        for call in calls:
            inputs = [x if x is None else x.copy() for x in call.inputs]
            for x in inputs:
                if x is not None and x.dtype.kind == "f" and x.size:
                    x.flat[rng.integers(x.size, size=3)] = np.nan
            if call.kernel.startswith(SPREADS) or not any(x is not None and x.dtype.kind == "f" for x in inputs):
                continue
            spoiled = replace(call, inputs=inputs)
            expected = places(spoiled, first)
            assert all(places(spoiled, target) == expected for target in others), f"{call}"
            compared += any(map(any, expected))
    assert compared > 200


def places(call: KernelCall, target: str) -> list[bytes]:
    """Where the results are NaN, in bits; of a call that is refused nothing."""
    try:
        return [np.packbits(np.isnan(y)).tobytes() for y in call.run(target) if y.dtype.kind == "f"]
    except _native.KernelError:
        return []
