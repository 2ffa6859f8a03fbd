"""Random graphs of registered operations.

    python -m tests.ops.graphs SEED COUNT

prints a checksum of each graph's results, for comparison between processes.
"""

from __future__ import annotations

import hashlib
import math
import sys
from dataclasses import dataclass, field

import numpy as np

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import OpDef
from labkit.core.shapes import is_known
from labkit.errors import LabkitError
from tests.ops.records import WITH_SAMPLES, accepts, bits, cast, sample_dtypes, samples

LINKABLE = [record for record in WITH_SAMPLES if not record.writes and not record.reads]
FED = ((3, 17), (2, 3, 5), (400, 333))
"""Shapes of what is fed; the last is cut into several tasks by every kernel."""
LARGEST = 1 << 18


@dataclass
class RandomGraph:
    """A graph of chained operations, with what to feed and fetch.

    A floating input of an operation is the sample's own array plus a little of an earlier result, so that it stays where
    the operation is defined; or, for operations whose floating inputs have one shape, an earlier result itself.
    """

    seed: int
    graph: lk.Graph = field(default_factory=lk.Graph)
    feeds: dict[lk.Tensor, np.ndarray] = field(default_factory=dict)
    pool: list[lk.Tensor] = field(default_factory=list)
    fetches: list[lk.Tensor] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        with self.graph.as_default():
            for shape in FED:
                self.pool.append(self.fed(self.rng.normal(size=shape).astype(np.float32)))
            for _ in range(40):
                self.grow(LINKABLE[self.rng.integers(len(LINKABLE))])
            self.choose()

    def fed(self, array: np.ndarray) -> lk.Tensor:
        tensor = lk.placeholder(array.dtype, array.shape)
        self.feeds[tensor] = array
        return tensor

    def grow(self, record: OpDef) -> None:
        drawn = samples(record)
        sample = drawn[self.rng.integers(len(drawn))]
        dtypes = sample_dtypes(sample, dt.float32)
        if not accepts(record, dtypes, sample.attrs):
            return
        arrays = [cast(x, d) for x, d in zip(sample.inputs, dtypes, strict=True)]
        floats = [i for i, x in enumerate(arrays) if x.dtype == np.float32]
        alike = len({arrays[i].shape for i in floats}) == 1
        whole = self.pool[self.rng.integers(len(self.pool))] if alike and self.rng.random() < 0.5 else None
        try:
            inputs = []
            for i, x in enumerate(arrays):
                if i in floats:
                    inputs.append(self.linked(x) if whole is None else whole)
                else:
                    constant = i in record.value_inputs or self.rng.random() < 0.5
                    inputs.append(lk.constant(x) if constant else self.fed(x))
            made = [self.graph.apply(record.name, inputs, sample.attrs)]
            if self.rng.random() < 0.3:  # an equal one
                made.append(self.graph.apply(record.name, inputs, sample.attrs))
        except LabkitError:
            return
        self.used.add(record.name)
        for tensor in (x for op in made for x in op.outputs):
            self.fetches.append(tensor)
            if tensor.dtype is dt.float32 and is_known(tensor.dims) and math.prod(tensor.dims or ()) <= LARGEST:  # type: ignore[arg-type]
                self.pool.append(tensor)

    def linked(self, x: np.ndarray) -> lk.Tensor:
        """x and a little of an earlier result."""
        source = self.pool[self.rng.integers(len(self.pool))]
        size = math.prod(source.dims or ())  # type: ignore[arg-type]
        if not size or not x.size or self.rng.random() < 0.2:
            return lk.constant(x) if self.rng.random() < 0.5 else self.fed(x)
        times = -(-x.size // size)
        row = lk.broadcast_to(lk.reshape(source, [1, size]), [times, size])
        part = lk.reshape(lk.slice(lk.reshape(row, [-1]), [0], [x.size]), list(x.shape))
        return lk.constant(x) + lk.constant(np.float32(1e-3)) * lk.tanh(part)

    def choose(self) -> None:
        """A few results to fetch, such as can be computed, and derivatives with respect to what is fed."""
        candidates = [self.fetches[i] for i in self.rng.permutation(len(self.fetches))[:8]]
        smooth = [x for x in candidates if x.dtype is dt.float32]
        try:
            grads = lk.gradients([lk.reduce_sum(x) for x in smooth[:3]], list(self.feeds)[: len(FED)]) if smooth else []
            candidates += [lk.convert_to_tensor(g) for g in grads if g is not None]
        except LabkitError:  # a rule that refuses to be differentiated again
            pass
        self.fetches = [x for x in candidates if self.computable(x)]

    def computable(self, tensor: lk.Tensor) -> bool:
        try:
            self.run([tensor], optimize=False)
        except LabkitError:
            return False
        return True

    def run(self, fetches: list[lk.Tensor] | None = None, *, optimize: bool = True) -> list[bytes]:
        """The results' bytes, in a session of its own."""
        with lk.Session(self.graph, optimize=optimize) as session:
            return [bits(x) for x in session.run(self.fetches if fetches is None else fetches, self.feeds)]

    def checksum(self) -> str:
        return hashlib.sha256(b"".join(self.run())).hexdigest()[:16]


def main(seed: int, count: int) -> None:
    for number in range(seed, seed + count):
        print(number, RandomGraph(number).checksum(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
