"""Turns the operation records into cases, and builds many cases of one operation in one graph."""

from __future__ import annotations

import functools
import os
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import OPS, NotDifferentiable, OpDef, Sample
from labkit.errors import DTypeError

assert lk.ops  # registers records, as does the next
assert lk.summary

RECORDS = sorted(OPS.values(), key=lambda record: record.name)
COMPUTING = [record for record in RECORDS if record.kernel or record.host or record.from_shapes]
"""Records that compute something; the others are sources and places in the order of a run."""
WITH_SAMPLES = [record for record in RECORDS if record.samples]
DIFFERENTIABLE = [record for record in WITH_SAMPLES if not isinstance(record.gradient, NotDifferentiable)]


@functools.cache
def seed() -> int:
    """The seed that generated cases are drawn from: LABKIT_TEST_SEED, or it follows from the commit, so that each commit
    tries others and every process of a test run the same."""
    given = os.environ.get("LABKIT_TEST_SEED")
    if given is None:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        try:
            given = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):  # not a clone
            given = "0"
    return zlib.crc32(given.encode())


def generator(record: OpDef, purpose: str = "") -> np.random.Generator:
    """Random numbers for one record: the same on every commit, or with a purpose those of this commit."""
    return np.random.default_rng(
        [zlib.crc32(record.name.encode()), *([seed(), zlib.crc32(purpose.encode())] * bool(purpose))]
    )


def samples(record: OpDef) -> Sequence[Sample]:
    assert record.samples is not None
    return record.samples(generator(record))


def sample_dtypes(sample: Sample, dtype: dt.DType) -> list[dt.DType]:
    """The inputs' dtypes for a case in `dtype`: inputs that are given as integers or bools keep theirs."""
    own = [np.asarray(x).dtype for x in sample.inputs]
    return [dtype if kind.kind == "f" else dt.as_dtype(kind) for kind in own]


def cast(array: Any, dtype: dt.DType) -> np.ndarray:
    """A sample's numbers in a dtype; fractions go to whole numbers away from 0, so that no divisor becomes 0. Text becomes
    its length where the dtype is a number."""
    x = np.asarray(array)
    if x.dtype.hasobject and dtype is not dt.string:
        x = np.vectorize(len, otypes=[int])(x)
    if x.dtype.kind == "f" and dtype.numpy.kind in "iub":
        x = np.where(x < 0, np.floor(x), np.ceil(x))
        x = np.abs(x) if dtype is dt.uint8 else x > 0 if dtype is dt.bool_ else x
    return np.ascontiguousarray(x.astype(dtype.numpy)).reshape(x.shape)


def array_of(fetched: Any) -> np.ndarray:
    """What a run gave for a tensor, as an array: a single text is a bytes object there."""
    return np.asarray(fetched, object if isinstance(fetched, bytes) else None)


def bits(fetched: Any) -> bytes:
    """What equal results have in common: all bytes of numbers, or all texts."""
    array = array_of(fetched)
    return repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()


def accepts(record: OpDef, dtypes: Sequence[dt.DType], attrs: Any) -> bool:
    try:
        record.out_dtypes(dtypes, record.check_attrs(attrs))
    except DTypeError:
        return False
    return True


@dataclass
class Case:
    """One sample with a dtype for each input."""

    sample: Sample
    dtypes: list[dt.DType]

    @property
    def arrays(self) -> list[np.ndarray]:
        return [cast(x, d) for x, d in zip(self.sample.inputs, self.dtypes, strict=True)]

    def __repr__(self) -> str:
        shapes = ", ".join(f"{d.name}{np.shape(x)}" for x, d in zip(self.sample.inputs, self.dtypes, strict=True))
        return f"({shapes}) {dict(self.sample.attrs)}"


def cases(record: OpDef) -> Iterator[Case]:
    """Each sample in each dtype that the record accepts; the first one also with each input in each other dtype that the
    record accepts there."""
    for number, sample in enumerate(samples(record)):
        tried = []
        for dtype in dt.ALL:
            base = sample_dtypes(sample, dtype)
            options = [base]
            if number == 0:
                options += [[*base[:i], d, *base[i + 1 :]] for i in range(len(base)) for d in dt.ALL]
            for dtypes in options:
                if dtypes not in tried and accepts(record, dtypes, sample.attrs):
                    yield Case(sample, dtypes)
                tried.append(dtypes)


class Use:
    """One case in a graph: its placeholders (variables, where the operation writes), and the operation."""

    def __init__(self, record: OpDef, case: Case, name: str, *, static: bool, constant: bool) -> None:
        self.case, self.arrays = case, case.arrays
        self.inputs: list[lk.Tensor] = []
        self.variables: list[lk.Variable | None] = []
        for i, (array, dtype) in enumerate(zip(self.arrays, case.dtypes, strict=True)):
            variable = None
            if i in record.writes or i in record.reads:
                variable = lk.Variable(array, dtype=dtype, trainable=False, name="v")
                tensor = variable.ref
            elif constant or (static and i in record.value_inputs):
                tensor = lk.constant(array)
            else:
                tensor = lk.placeholder(dtype, array.shape if static else [None] * array.ndim)
            self.inputs.append(tensor)
            self.variables.append(variable)
        self.op = lk.get_default_graph().apply(record.name, self.inputs, case.sample.attrs, name)

    def reference(self, record: OpDef) -> list[np.ndarray]:
        """The outputs by the record's NumPy reference, computed in float64 from the very numbers that are fed."""
        assert record.reference is not None
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in self.arrays]
        result = record.reference(*wide, **self.op.attrs)
        return [np.asarray(x) for x in (result if isinstance(result, tuple | list) else [result])]


class Uses:
    """Cases of one operation in one graph, and a session that runs them all at once.

    Args:
        static: placeholders have the arrays' shapes, and inputs whose value decides a shape are constants.
        constant: all inputs but variables are constants.
    """

    def __init__(
        self,
        record: OpDef,
        chosen: Sequence[Case],
        *,
        static: bool = False,
        constant: bool = False,
        optimize: bool = True,
    ) -> None:
        self.record, self.graph = record, lk.Graph()
        with self.graph.as_default():
            self.uses = [
                Use(record, case, f"case{i}", static=static, constant=constant) for i, case in enumerate(chosen)
            ]
        self.session = lk.Session(self.graph, optimize=optimize)

    @property
    def outputs(self) -> list[list[lk.Tensor]]:
        return [list(use.op.outputs) for use in self.uses]

    def run(self, fetches: Any, arrays: Sequence[Sequence[np.ndarray]] | None = None) -> Any:
        """Fetches for these inputs of the uses (default: their own); variables and counters start from the same values."""
        self.session.restore_state({})
        feeds = {}
        for use, values in zip(self.uses, arrays or [use.arrays for use in self.uses], strict=True):
            for tensor, variable, value in zip(use.inputs, use.variables, values, strict=True):
                if variable is not None:
                    self.session.load(variable, value)
                elif tensor.op.type == "Placeholder":
                    feeds[tensor] = value
        return self.session.run(fetches, feeds)
