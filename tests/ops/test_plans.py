"""Results have the same bits however they are planned: optimised or not, with any number of threads, in any process, and
for an example alone or in a batch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core.opdef import OpContext, OpDef, Sample
from labkit.errors import LabkitError
from tests.ops.checks import one_dtype
from tests.ops.graphs import LINKABLE, RandomGraph
from tests.ops.records import Case, Uses, bits, seed

GRAPHS = 100
FIRST = seed() % 10**6  # other graphs on every commit


@pytest.fixture
def threads() -> Iterator[None]:
    before = lk.get_num_threads()
    yield
    lk.set_num_threads(before)


@pytest.mark.parametrize("start", range(FIRST, FIRST + GRAPHS, 10))
def test_optimised_plans_and_any_number_of_threads_give_the_bits_of_the_naive_plan(start: int, threads: None) -> None:
    for number in range(start, start + 10):
        lk.set_num_threads(1)
        case = RandomGraph(number)
        assert case.fetches
        expected = case.run(optimize=False)
        for count in (1, 2, 4):
            lk.set_num_threads(count)
            for tensor, got, want in zip(case.fetches, case.run(), expected, strict=True):
                assert got == want, f"graph {number}, {count} threads: {tensor!r} ({tensor.op.type})"


def test_random_graphs_reach_most_operations() -> None:
    used = set().union(*(RandomGraph(number).used for number in range(30)))
    assert len(used) > 0.9 * len(LINKABLE)


def test_two_processes_give_the_same_bits() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ops.graphs", str(FIRST), str(GRAPHS)],
        capture_output=True, text=True, timeout=250, cwd=Path(__file__).parents[2],
        env={**os.environ, "LABKIT_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = dict(line.split() for line in done.stdout.splitlines())
    assert told == {str(n): RandomGraph(n).checksum() for n in range(FIRST, FIRST + GRAPHS)}


# --- an example alone and in a batch ---


def batches(record: OpDef, case: Case) -> Iterator[tuple[Case, Case]]:
    """The case with more examples, and the first of them alone, where the reference says that the operation maps over the
    first dimension: of its first input, or of all inputs that have as many examples."""
    arrays = [np.asarray(x) for x in case.sample.inputs]
    if not arrays or not arrays[0].ndim or len(arrays[0]) < 2:
        return
    n = len(arrays[0])
    for chosen in ([0], [i for i, x in enumerate(arrays) if x.ndim and len(x) == n and i not in record.value_inputs]):
        if 0 in record.value_inputs:
            continue
        many, one = (
            [make(x) if i in chosen else x for i, x in enumerate(arrays)]
            for make in (lambda x: np.resize(x, (5 * n + 3, *x.shape[1:])), lambda x: x[:1])
        )
        if maps(record, case, many, one):
            yield tuple(Case(Sample(inputs, case.sample.attrs), case.dtypes) for inputs in (many, one))  # type: ignore[misc]


def maps(record: OpDef, case: Case, many: list[np.ndarray], one: list[np.ndarray]) -> bool:
    assert record.reference is not None
    attrs = record.check_attrs(case.sample.attrs)
    try:
        for inputs in (many, one):
            values = [x if i in record.value_inputs else None for i, x in enumerate(inputs)]
            record.shapes(OpContext([x.shape for x in inputs], case.dtypes, attrs, values))
        results: Any = [record.reference(*inputs, **attrs) for inputs in (many, one)]
    except (ArithmeticError, AssertionError, IndexError, LabkitError, TypeError, ValueError):
        return False
    pairs = zip(*(r if isinstance(r, tuple | list) else [r] for r in results), strict=True)
    return all(
        np.ndim(a)
        and np.shape(a[:1]) == np.shape(b)
        and len(a) == len(many[0])
        and (bits(a[:1]) == bits(b) if np.asarray(a).dtype.hasobject else np.allclose(a[:1], b, equal_nan=True))
        for a, b in pairs
    )


@pytest.mark.parametrize("record", [r for r in LINKABLE if not r.random], ids=lambda record: record.name)
def test_an_example_alone_has_the_bits_it_has_in_a_batch(record: OpDef) -> None:
    pairs = [pair for case in one_dtype(record) for pair in batches(record, case)]
    if not pairs:
        pytest.skip("it does not map over a batch")
    uses = Uses(record, [case for pair in pairs for case in pair])
    values = uses.run(uses.outputs)
    for (many, _), together, alone in zip(pairs, values[::2], values[1::2], strict=True):
        for a, b in zip(together, alone, strict=True):
            assert bits(a[:1]) == bits(b), f"{record.name}{many}"
