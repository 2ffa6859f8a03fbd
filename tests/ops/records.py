"""Turns the operation records into cases, and builds one operation on placeholders."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import OPS, OpDef, Sample
from labkit.errors import DTypeError

assert lk.ops  # registers the records

RECORDS = sorted(OPS.values(), key=lambda record: record.name)
FLOAT_OF_INT_LABELS = {"SparseSoftmaxCrossEntropyWithLogits": (1,), "MaxPoolGrad": (1,)}


def generator(record: OpDef) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(record.name.encode()))


def samples(record: OpDef) -> Sequence[Sample]:
    assert record.samples is not None
    return record.samples(generator(record))


def input_dtypes(record: OpDef, sample: Sample, dtype: dt.DType) -> list[dt.DType]:
    """The inputs' dtypes for a case in `dtype`: inputs that are given as integers keep an integer dtype."""
    chosen = []
    for i, array in enumerate(sample.inputs):
        if array.dtype.kind == "f":
            chosen.append(dtype)
        elif array.dtype.kind == "b":
            chosen.append(dt.bool_)
        elif record.name == "MaxPoolGrad" and i == 1:
            chosen.append(dt.uint8)
        else:
            chosen.append(dt.int32 if array.dtype.itemsize == 4 else dt.int64)
    return chosen


def cases(record: OpDef) -> Iterator[tuple[dt.DType, Sample]]:
    """Each sample in each dtype that the record accepts."""
    for dtype in dt.ALL:
        for sample in samples(record):
            inputs = input_dtypes(record, sample, dtype)
            try:
                record.dtypes(inputs, record.check_attrs(sample.attrs))
            except DTypeError:
                continue
            yield dtype, sample


class Built:
    """One operation on placeholders of unknown dimensions, in a graph of its own."""

    def __init__(self, record: OpDef, sample: Sample, dtype: dt.DType, *, static: bool = False) -> None:
        self.record, self.graph = record, lk.Graph()
        self.dtypes = input_dtypes(record, sample, dtype)
        self.arrays = [np.asarray(x).astype(d.numpy) for x, d in zip(sample.inputs, self.dtypes, strict=True)]
        with self.graph.as_default():
            self.inputs = [
                lk.placeholder(d, x.shape if static else [None] * x.ndim)
                for x, d in zip(self.arrays, self.dtypes, strict=True)
            ]
            self.op = self.graph.apply(record.name, self.inputs, sample.attrs)
        self.session = lk.Session(self.graph)

    def run(self, fetches: Any, arrays: Sequence[np.ndarray] | None = None) -> Any:
        given = self.arrays if arrays is None else arrays
        return self.session.run(fetches, dict(zip(self.inputs, given, strict=True)))

    def reference(self) -> list[np.ndarray]:
        """The outputs by the record's NumPy reference, computed in float64 from the very numbers that are fed."""
        assert self.record.reference is not None
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in self.arrays]
        result = self.record.reference(*wide, **self.op.attrs)
        return list(result) if isinstance(result, tuple) else [result]
