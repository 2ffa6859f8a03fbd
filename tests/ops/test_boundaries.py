"""Operations at their boundaries: every case gives what was inferred or a LabkitError, never another exception or a crash.

Cases are drawn from each record's samples: dimensions, ranks, dtypes, counts, attributes, indices and values are changed to
those where mistakes live. A case that both labkit and the NumPy reference compute must agree, and a case that is refused
must leave every variable as it was. The test tier draws 50 cases an operation, other ones on every commit (LABKIT_TEST_SEED
repeats them); the campaign 2,000: `pytest -m campaign -k boundary`. For sanitizers build the core with
-DLABKIT_SANITIZE=address,undefined and start Python with libasan.so and libstdc++.so (`gcc -print-file-name=`) in
LD_PRELOAD, and ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1, so that a refused size is a MemoryError.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpContext, OpDef
from labkit.core.shapes import compatible, is_known
from labkit.errors import LabkitError
from tests.ops.checks import close
from tests.ops.records import WITH_SAMPLES, array_of, cast, generator, sample_dtypes, samples

DIMS = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129)
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, 1e-30, np.finfo(np.float32).max, 5e-324)
WHOLE = (-(2**63), -(2**31), -9, -3, -2, -1, 0, 1, 2, 3, 4, 5, 9, 65535, 65536, 65537, 2**31, 2**40, 2**63 - 1)
MOST = 1 << 13  # elements of one input: keeps a case to milliseconds
LARGEST = 1 << 22  # elements of an output that is computed, larger ones are only inferred
TEST_CASES, CAMPAIGN_CASES = 50, 2000


class Boundary:
    """One drawn use of an operation: arrays to feed, declared shapes, attributes.

    Attributes:
        loose: only dtype and shape of the result are held against the reference: at 1e30 and infinity rounding and order
            are the kernels' tests' matter.
    """

    def __init__(self, record: OpDef, rng: np.random.Generator) -> None:
        drawn = samples(record)
        sample = drawn[rng.integers(len(drawn))]
        self.record, self.rng = record, rng
        self.dtypes = sample_dtypes(sample, dt.ALL[rng.integers(len(dt.ALL))] if rng.random() < 0.3 else dt.float32)
        self.attrs = dict(sample.attrs)
        self.own = [np.asarray(x) for x in sample.inputs]
        self.shapes = [x.shape for x in self.own]
        self.loose = False
        self.kind = KINDS[rng.integers(len(KINDS))]
        self.special: set[int] = set()
        getattr(self, self.kind)()
        self.arrays = [
            self.values(i, x, s, d) for i, (x, s, d) in enumerate(zip(self.own, self.shapes, self.dtypes, strict=True))
        ]
        self.declared = [None if i in record.writes else declared(x.shape, rng) for i, x in enumerate(self.arrays)]

    # --- kinds ---

    def as_sampled(self) -> None:
        """Another dtype or declared shape at most."""

    def resized(self) -> None:
        """One size becomes another wherever it occurs, so that shapes often still fit."""
        sizes = sorted({n for shape in self.shapes for n in shape})
        if sizes:
            old, new = int(self.rng.choice(sizes)), int(self.rng.choice(DIMS))
            self.set_shapes([tuple(new if n == old else n for n in shape) for shape in self.shapes])

    def one_reshaped(self) -> None:
        """One input gets another size or another number of dimensions."""
        if self.shapes:
            i = int(self.rng.integers(len(self.shapes)))
            self.set_shapes([self.mutated(s) if i == j else s for j, s in enumerate(self.shapes)])

    def more_dimensions(self) -> None:
        """Some inputs, or all, get dimensions in front: ranks up to 6, and beyond 8."""
        front = tuple(int(n) for n in self.rng.choice((1, 1, 2, 3), size=self.rng.integers(1, 7)))
        all_of_them = self.rng.random() < 0.5
        self.set_shapes([(*front, *s) if all_of_them or self.rng.random() < 0.5 else s for s in self.shapes])

    def other_dtype(self) -> None:
        if self.dtypes:
            self.dtypes[self.rng.integers(len(self.dtypes))] = dt.ALL[self.rng.integers(len(dt.ALL))]

    def other_count(self) -> None:
        if len(self.own) > 1 and self.rng.random() < 0.5:
            self.own, self.shapes, self.dtypes = self.own[:-1], self.shapes[:-1], self.dtypes[:-1]
        elif self.own:
            self.own, self.shapes = [*self.own, self.own[-1]], [*self.shapes, self.shapes[-1]]
            self.dtypes = [*self.dtypes, self.dtypes[-1]]

    def attribute(self) -> None:
        if self.attrs:
            name = list(self.attrs)[self.rng.integers(len(self.attrs))]
            attr = self.record.attrs[name]
            self.loose = attr.kind in ("float", "floats")
            self.attrs[name] = beyond(attr, self.attrs[name], self.rng)

    def special_values(self) -> None:
        self.loose = True
        self.special = {i for i in range(len(self.own)) if i not in self.record.value_inputs}

    def indices(self) -> None:
        """Whole numbers at and beyond the sizes that they may count."""
        self.loose = any(x.dtype.kind == "f" for x in self.own)
        self.special = {i for i, x in enumerate(self.own) if x.dtype.kind in "iu"}

    # --- their parts ---

    def set_shapes(self, shapes: list[tuple[int, ...]]) -> None:
        if all(np.prod(shape) <= MOST for shape in shapes):
            self.shapes = shapes

    def mutated(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        dims, action = list(shape), self.rng.integers(3)
        if action == 0 and dims:
            dims[self.rng.integers(len(dims))] = int(self.rng.choice(DIMS))
        elif action == 1 and dims:
            del dims[self.rng.integers(len(dims))]
        elif len(dims) < 8:
            dims.insert(int(self.rng.integers(len(dims) + 1)), int(self.rng.choice(DIMS)))
        return tuple(dims)

    def values(self, i: int, own: np.ndarray, shape: tuple[int, ...], dtype: dt.DType) -> np.ndarray:
        """The sample's own numbers, repeated or cut where the shape is another; special ones mixed in."""
        array = np.resize(own, shape) if own.size else np.zeros(shape, own.dtype)
        pool: Any = ()
        if i in self.special and array.size and own.dtype.kind in "iuf":
            sizes = [n + by for s in self.shapes for n in s for by in (-1, 0)]
            pool = SPECIAL if own.dtype.kind == "f" else (-1, 0, 2**31 - 1, 2**31, -(2**31), 2**62, *sizes)
            array = array.astype(float if own.dtype.kind == "f" else np.int64)
            for place in self.rng.integers(array.size, size=int(self.rng.integers(1, 4))):
                array.flat[place] = self.rng.choice(np.asarray(pool))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast(array, dtype)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{x.dtype}{x.shape}" for x in self.arrays)
        small = [x.tolist() for x in self.arrays if x.dtype.kind in "iu" and x.size <= 8]
        return f"{self.kind}: {self.record.name}({inputs}) {small} declared {self.declared} attrs {self.attrs}"

    # --- running ---

    def run(self) -> tuple[lk.Operation, list[np.ndarray]] | None:
        """The operation and its results; None where they are too large to be computed here.

        Raises:
            AssertionError: the run was refused, and has changed a variable.
        """
        graph = lk.Graph()
        feeds: dict[Any, np.ndarray] = {}
        variables: dict[lk.Variable, np.ndarray] = {}
        with graph.as_default():
            inputs = []
            for i, (x, dtype, dims) in enumerate(zip(self.arrays, self.dtypes, self.declared, strict=True)):
                if i in self.record.writes or i in self.record.reads:
                    variable = lk.Variable(x, dtype=dtype, trainable=False)
                    variables[variable] = x
                    inputs.append(variable.ref)
                else:
                    inputs.append(lk.placeholder(dtype, dims))
                    feeds[inputs[-1]] = x
            op = graph.apply(self.record.name, inputs, self.attrs)
        values = [x if i in self.record.value_inputs else None for i, x in enumerate(self.arrays)]
        shapes = self.record.shapes(OpContext([x.shape for x in self.arrays], self.dtypes, op.attrs, values))
        if any(is_known(dims) and math.prod(dims) > LARGEST for dims in shapes):  # type: ignore[arg-type]
            return None
        with lk.Session(graph) as session:
            for variable, x in variables.items():
                session.load(variable, x)
            try:
                return op, session.run(list(op.outputs), feeds)
            except LabkitError:
                for variable, x in variables.items():
                    assert session.read(variable).tobytes() == x.tobytes(), "a refused run has changed a variable"
                raise

    def reference(self, op: lk.Operation) -> list[np.ndarray] | None:
        """The outputs by NumPy in float64, None where the reference is not defined."""
        assert self.record.reference is not None
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in self.arrays]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a mean of nothing, which is NaN
                result = self.record.reference(*wide, **op.attrs)
        except (
            ArithmeticError,
            AssertionError,
            IndexError,
            LabkitError,
            MemoryError,
            TypeError,
            ValueError,
        ):  # it has no such result
            return None
        return [np.asarray(x) for x in (result if isinstance(result, tuple | list) else [result])]

    def confirmed(self, op: lk.Operation, got: list[np.ndarray]) -> bool:
        """Holds the results against what was declared and against the reference; whether it has these results, too."""
        for tensor, value in zip(op.outputs, got, strict=True):
            assert isinstance(value, np.ndarray | np.generic | bytes)
            value = array_of(value)
            assert value.dtype == tensor.dtype.numpy
            assert compatible(tensor.dims, value.shape)
        expected = self.reference(op)
        if expected is None:
            return False
        for value, want in zip(map(array_of, got), expected, strict=False):
            assert value.shape == want.shape
            if not self.loose and not self.record.random:
                close(value, want, max((x.size for x in self.arrays), default=1))
        return True


KINDS = (
    "as_sampled", "resized", "resized", "one_reshaped", "more_dimensions", "other_dtype", "other_count",
    "attribute", "attribute", "special_values", "indices",
)  # fmt: skip


def declared(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """The placeholder's shape: in full, with unknown dimensions, or unknown."""
    kind = rng.integers(4)
    return None if kind == 0 else [None if kind == 1 or (kind == 2 and rng.random() < 0.5) else n for n in shape]


def beyond(attr: Attr, value: Any, rng: np.random.Generator) -> Any:
    """A value of the attribute at its bounds, beyond them, or of another kind."""
    edges = [int(bound) + by for bound in (attr.low, attr.high) if bound is not None for by in (-1, 0, 1)]
    numbers = np.array([*WHOLE, *edges, *edges], object)
    whole = lambda: int(rng.choice(numbers))  # noqa: E731
    if rng.random() < 0.2:
        return [None, "a", 0.5, True, (), [[1]], object(), np.nan][rng.integers(8)]
    if attr.kind in ("ints", "axes", "floats"):
        items = list(value or (0,))
        if rng.random() < 0.3:
            return [*items, whole()]
        items[rng.integers(len(items))] = whole()
        return items
    if attr.kind == "pairs":
        items = [list(pair) for pair in value] or [[0, 0]]
        items[rng.integers(len(items))][rng.integers(2)] = whole()
        return items
    choices = {
        "int": [whole()],
        "float": [0.0, -1.0, 1e300, np.inf, np.nan, *(float(n) for n in edges)],
        "bool": [not value, 1],
        "str": [*(attr.choices or ("SAME", "VALID")), "same", ""],
        "dtype": list(dt.ALL),
        "dtypes": [list(dt.ALL), [], [dt.int32]],
        "array": [np.zeros(0), np.full((2, 2), np.nan), np.zeros((1,) * 9)],
        "callable": [len, int],
    }[attr.kind]
    return choices[rng.integers(len(choices))]


def run_cases(record: OpDef, count: int) -> Counter[str]:
    """How many of the cases were computed, confirmed by the reference, refused."""
    rng = generator(record, "boundaries")
    told: Counter[str] = Counter()
    for number in range(count):
        case = Boundary(record, rng)
        try:
            result = case.run()
            told["computed" if result else "too large"] += 1
            told["confirmed"] += bool(result) and case.confirmed(*result)
        except LabkitError:
            told["refused"] += 1
        except Exception as error:
            raise AssertionError(f"case {number}, {case}: {type(error).__name__}: {error}") from error
    return told


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_boundary_cases_give_a_result_or_a_labkit_error(record: OpDef) -> None:
    told = run_cases(record, TEST_CASES)
    assert told["computed"] >= TEST_CASES // 8
    assert told["confirmed"]


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_many_boundary_cases(record: OpDef) -> None:
    told = run_cases(record, CAMPAIGN_CASES)
    print(record.name, dict(told))
    assert min(told["computed"], told["confirmed"]) > CAMPAIGN_CASES // 20
