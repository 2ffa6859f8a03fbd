"""Operations at their boundaries: every case gives what was inferred or a LabkitError, never another exception or a crash.

Cases are drawn from each record's samples: dimensions, dtypes, attributes and values are changed to those where mistakes
live. A case that both labkit and the NumPy reference compute must agree.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpDef
from labkit.core.shapes import compatible
from labkit.errors import LabkitError
from tests.ops.records import RECORDS, generator, input_dtypes, samples

WITH_SAMPLES = [record for record in RECORDS if record.samples]
DIMS = (0, 1, 3, 15, 16, 17, 33)
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30)
WHOLE = (-(2**63), -(2**31), -9, -3, -2, -1, 0, 1, 2, 3, 4, 5, 9, 65535, 65536, 65537, 2**31, 2**40, 2**63 - 1)
MOST = 1 << 16  # elements of one input: keeps a case to milliseconds
COUNT = 40
"""Cases of one operation in the test tier."""


class Case:
    """One drawn use of an operation: arrays to feed, declared shapes, attributes."""

    def __init__(self, record: OpDef, rng: np.random.Generator) -> None:
        drawn = samples(record)
        sample = drawn[rng.integers(len(drawn))]
        self.record = record
        dtypes = input_dtypes(record, sample, dt.FLOATS[rng.integers(2)])
        self.attrs = dict(sample.attrs)
        shapes = [np.shape(x) for x in sample.inputs]
        kind = rng.integers(6)
        self.special = kind == 5
        if kind == 1:
            shapes = resized(shapes, rng)
        elif kind == 2 and shapes:
            i = int(rng.integers(len(shapes)))
            shapes[i] = mutated(shapes[i], rng)
        elif kind == 3 and dtypes:
            dtypes[rng.integers(len(dtypes))] = dt.ALL[rng.integers(len(dt.ALL))]
        elif kind == 4 and self.attrs:
            name = list(self.attrs)[rng.integers(len(self.attrs))]
            # MaxPoolGrad's index belongs to the window it was made with: under another one NumPy's answer is another
            self.special = record.attrs[name].kind == "float" or record.name == "MaxPoolGrad"
            self.attrs[name] = beyond(record.attrs[name], self.attrs[name], rng)
        self.dtypes = dtypes
        self.arrays = [
            values(x, shape, dtype, special=kind == 5 and i not in record.value_inputs, rng=rng)
            for i, (x, shape, dtype) in enumerate(zip(sample.inputs, shapes, dtypes, strict=True))
        ]
        self.declared = [declared(x.shape, rng) for x in self.arrays]

    def __repr__(self) -> str:
        inputs = ", ".join(f"{x.dtype}{x.shape}" for x in self.arrays)
        return f"{self.record.name}({inputs}) declared {self.declared} attrs {self.attrs}"

    def run(self) -> tuple[lk.Operation, list[np.ndarray]]:
        graph = lk.Graph()
        with graph.as_default():
            inputs = [lk.placeholder(d, dims) for d, dims in zip(self.dtypes, self.declared, strict=True)]
            op = graph.apply(self.record.name, inputs, self.attrs)
        with lk.Session(graph) as session:
            return op, session.run(list(op.outputs), dict(zip(inputs, self.arrays, strict=True)))

    def reference(self, op: lk.Operation) -> list[np.ndarray] | None:
        """The outputs by NumPy in float64, None where the reference is not defined."""
        assert self.record.reference is not None
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in self.arrays]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a mean of nothing, which is NaN
                result = self.record.reference(*wide, **op.attrs)
        except (ValueError, IndexError, TypeError, ZeroDivisionError):  # NumPy refuses, e.g. a maximum of nothing
            return None
        return list(result) if isinstance(result, tuple) else [result]


def resized(shapes: list[tuple[int, ...]], rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Shapes in which one size became another wherever it occurs, so that they often still fit."""
    sizes = sorted({n for shape in shapes for n in shape})
    if not sizes:
        return shapes
    old, new = int(rng.choice(sizes)), int(rng.choice(DIMS))
    changed = [tuple(new if n == old else n for n in shape) for shape in shapes]
    return changed if all(np.prod(shape) <= MOST for shape in changed) else shapes


def mutated(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """A shape of another size or another number of dimensions."""
    dims = list(shape)
    action = rng.integers(3)
    if action == 0 and dims:
        dims[rng.integers(len(dims))] = int(rng.choice(DIMS))
    elif action == 1 and dims:
        del dims[rng.integers(len(dims))]
    elif len(dims) < 8:
        dims.insert(int(rng.integers(len(dims) + 1)), int(rng.choice(DIMS)))
    return tuple(dims) if np.prod(dims) <= MOST else shape


def values(like: Any, shape: Any, dtype: dt.DType, *, special: bool, rng: np.random.Generator) -> np.ndarray:
    """Numbers for an input: the sample's own, repeated or cut where the shape is another; or special ones mixed in."""
    own = np.asarray(like)
    array = np.resize(own, shape) if own.size else np.zeros(shape)
    if special and array.size:
        array = array.astype(float if own.dtype.kind == "f" else np.int64)
        pool = SPECIAL if own.dtype.kind == "f" else (-1, 0, 17, 2**31 - 1, -(2**31))
        for place in rng.integers(array.size, size=int(rng.integers(1, 4))):
            array.flat[place] = rng.choice(pool)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return array.astype(dtype.numpy)


def declared(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """The placeholder's shape: in full, with unknown dimensions, or unknown."""
    kind = rng.integers(4)
    return None if kind == 0 else [None if kind == 1 or (kind == 2 and rng.random() < 0.5) else n for n in shape]


def beyond(attr: Attr, value: Any, rng: np.random.Generator) -> Any:
    """A value of the attribute at its bounds, beyond them, or of another kind."""
    whole = lambda: int(rng.choice(np.array(WHOLE, object)))  # noqa: E731
    if rng.random() < 0.2:
        return [None, "a", 0.5, True, (), [[1]], object(), np.nan][rng.integers(8)]
    if attr.kind in ("ints", "axes"):
        items = list(value or (0,))
        if rng.random() < 0.3:
            return [*items, whole()]
        items[rng.integers(len(items))] = whole()
        return items
    if attr.kind == "pairs":
        items = [list(pair) for pair in value]
        items[rng.integers(len(items))][rng.integers(2)] = whole()
        return items
    choices = {
        "int": [whole()],
        "float": [0.0, -1.0, 1e300, np.inf, np.nan],
        "bool": [not value, 1],
        "str": ["SAME", "VALID", "same", ""],
        "dtype": list(dt.ALL),
    }[attr.kind]
    return choices[rng.integers(len(choices))]


def assert_agrees(case: Case, op: lk.Operation, got: list[np.ndarray]) -> bool:
    for tensor, value in zip(op.outputs, got, strict=True):
        assert isinstance(value, np.ndarray | np.generic)
        assert value.dtype == tensor.dtype.numpy
        assert compatible(tensor.dims, value.shape)
    expected = case.reference(op)
    if expected is None:
        return False
    for value, want in zip(got, expected, strict=False):
        assert value.shape == np.shape(want)
        if case.special:  # rounding of 1e30 and the order of infinities are the kernels' tests' matter
            continue
        if value.dtype.kind == "f":
            eps = np.finfo(value.dtype).eps
            size = max((x.size for x in case.arrays), default=1)
            finite = np.abs(np.where(np.isfinite(want), want, 0))
            atol = 8 * eps * max(1.0, float(np.max(finite, initial=0))) * np.sqrt(max(size, 1))
            np.testing.assert_allclose(value, want, rtol=64 * eps, atol=atol)
        else:
            np.testing.assert_array_equal(value, np.asarray(want).astype(value.dtype))
    return True


def run_cases(record: OpDef, count: int) -> tuple[int, int]:
    """How many of the cases were computed, and how many of these the reference confirmed."""
    rng = generator(record)
    computed = confirmed = 0
    for number in range(count):
        case = Case(record, rng)
        try:
            op, got = case.run()
        except LabkitError:
            continue
        except Exception as error:
            raise AssertionError(f"case {number}: {case}: {type(error).__name__}: {error}") from error
        try:
            confirmed += assert_agrees(case, op, got)
        except AssertionError as error:
            raise AssertionError(f"case {number}: {case}: {error}") from error
        computed += 1
    return computed, confirmed


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_boundary_cases_give_a_result_or_a_labkit_error(record: OpDef) -> None:
    computed, confirmed = run_cases(record, COUNT)
    assert computed >= COUNT // 8
    assert confirmed


@pytest.mark.campaign
@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_many_boundary_cases(record: OpDef) -> None:
    assert min(run_cases(record, 2000)) > 100
