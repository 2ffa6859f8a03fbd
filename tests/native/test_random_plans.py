"""Random plans against NumPy: the arena never hands memory to two values that live at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from labkit import _native
from tests.native.plans import Builder, random_plan


@pytest.fixture
def threads() -> Iterator[None]:
    before = _native.get_num_threads()
    yield
    _native.set_num_threads(before)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_plan_gives_what_numpy_gives(seed: int) -> None:
    case = random_plan(seed)
    for _ in range(2):  # the second run finds the arena as the first one left it
        for cell, start in zip(case.cells, random_plan(seed).cells, strict=True):
            cell.load(start.read())
        results = case.plan.run(case.feeds)
        for result, expected in zip(results, case.expected, strict=True):
            np.testing.assert_array_equal(result, expected)
        for cell, expected in zip(case.cells, case.expected_cells, strict=True):
            np.testing.assert_array_equal(cell.read(), expected)


def test_plans_reuse_memory() -> None:
    cases = [random_plan(seed) for seed in range(1, 60)]
    used, needed_apart = sum(case.plan.arena_bytes for case in cases), sum(case.arena_sum for case in cases)
    assert used < 0.7 * needed_apart


@pytest.mark.parametrize("count", [2, 4])
def test_results_have_the_same_bits_for_any_number_of_threads(count: int, threads: None) -> None:
    rng = np.random.default_rng(5)
    x, w = rng.standard_normal((300, 700), np.float32), rng.standard_normal((700, 500), np.float32)

    def run() -> bytes:
        build = Builder()
        fed = [build.slot("feed", x.shape), build.slot("feed", w.shape)]
        product = build.do("matmul.f32", fed, build.slot("arena", (300, 500)), ints=[0, 0])
        squashed = build.do("tanh.f32", [product], build.slot("arena", (300, 500)))
        build.do("add.f32", [product, squashed], build.slot("fetch", (300, 500)))
        return build.plan().run([x, w])[0].tobytes()

    _native.set_num_threads(1)
    alone = run()
    _native.set_num_threads(count)
    assert run() == alone
