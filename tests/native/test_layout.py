"""The arena: memory is used again as soon as nobody needs what is in it, and not before."""

from __future__ import annotations

import os
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from labkit import _native
from tests.native.plans import Builder

KB = 1024 // 4  # elements of float32


def test_a_chain_in_place_needs_one_block() -> None:
    build = Builder()
    value = build.slot("feed", (KB,))
    for _ in range(10):
        value = build.do("neg.f32", [value], build.slot("arena", (KB,)))
    build.do("copy.f32", [value], build.slot("fetch", (KB,)))
    x = np.arange(KB, dtype=np.float32)
    plan = build.plan(fuse=False)
    assert plan.arena_bytes == 1024
    np.testing.assert_array_equal(plan.run([x])[0], x)


def test_kernels_that_cannot_work_in_place_alternate_between_two_blocks() -> None:
    build = Builder()
    value = build.slot("feed", (16, 16))
    for _ in range(10):
        value = build.do("transpose.f32", [value], build.slot("arena", (16, 16)), ints=[1, 0])
    build.do("copy.f32", [value], build.slot("fetch", (16, 16)))
    plan = build.plan(fuse=False)
    assert plan.arena_bytes == 2 * 1024
    x = np.arange(256, dtype=np.float32).reshape(16, 16)
    np.testing.assert_array_equal(plan.run([x])[0], x)


def test_a_value_that_is_used_later_is_not_overwritten() -> None:
    build = Builder()
    first = build.do("copy.f32", [build.slot("feed", (KB,))], build.slot("arena", (KB,)))
    second = build.do("neg.f32", [first], build.slot("arena", (KB,)))
    third = build.do("square.f32", [second], build.slot("arena", (KB,)))  # second dies here, first does not
    build.do("add.f32", [first, third], build.slot("fetch", (KB,)))
    x = np.arange(KB, dtype=np.float32)
    plan = build.plan(fuse=False)
    assert plan.arena_bytes == 2 * 1024
    np.testing.assert_array_equal(plan.run([x])[0], x + x * x)


def test_an_alias_keeps_its_root_alive() -> None:
    build = Builder()
    root = build.do("copy.f32", [build.slot("feed", (16, 16))], build.slot("arena", (16, 16)))
    alias = build.alias(build.alias(root, (256,)), (1, 256))
    other = build.do("neg.f32", [root], build.slot("arena", (16, 16)))  # the root's last use under its own number
    product = build.do("matmul.f32", [other, other], build.slot("arena", (16, 16)), ints=[0, 0])
    build.do("copy.f32", [product], build.slot("fetch", (16, 16)))
    build.do("copy.f32", [alias], build.slot("fetch", (1, 256)))
    x = np.arange(256, dtype=np.float32).reshape(16, 16) % 7
    squared, kept = build.plan(fuse=False).run([x])
    np.testing.assert_array_equal(squared, x @ x)
    np.testing.assert_array_equal(kept, x.reshape(1, 256))


def test_an_alias_of_another_shape_is_not_worked_on_in_place() -> None:
    build = Builder()
    column = build.do("copy.f32", [build.slot("feed", (300, 1))], build.slot("arena", (300, 1)))
    build.do("add.f32", [column, build.alias(column, (1, 300))], build.slot("arena", (300, 300)))
    total = build.do("add.f32", [column, build.alias(column, (300, 1))], build.slot("arena", (300, 1)))
    build.do("copy.f32", [total], build.slot("fetch", (300, 1)))
    x = np.arange(300, dtype=np.float32).reshape(300, 1)
    np.testing.assert_array_equal(build.plan(fuse=False).run([x])[0], 2 * x)


def test_a_fetch_may_be_read_and_may_be_filled_through_an_alias() -> None:
    build = Builder()
    fetch = build.slot("fetch", (2, 3))
    build.do("neg.f32", [build.slot("feed", (6,))], build.alias(fetch, (6,)))
    build.do("neg.f32", [fetch], build.slot("fetch", (2, 3)))
    x = np.arange(6, dtype=np.float32)
    negative, back = build.plan(fuse=False).run([x])
    np.testing.assert_array_equal(negative, -x.reshape(2, 3))
    np.testing.assert_array_equal(back, x.reshape(2, 3))


def test_constants_are_copied() -> None:
    value = np.ones(3, np.float32)
    build = Builder()
    build.do("copy.f32", [build.constant(value)], build.slot("fetch", (3,)))
    plan = build.plan(fuse=False)
    value[:] = 5
    np.testing.assert_array_equal(plan.run([])[0], [1, 1, 1])


def test_large_constants_that_nobody_may_write_are_read_where_they_lie() -> None:
    value = np.arange(1 << 16, dtype=np.float32)
    value.flags.writeable = False
    gone = weakref.ref(value)
    build = Builder()
    build.do("copy.f32", [build.constant(value)], build.slot("fetch", value.shape))
    plan = build.plan()
    del build, value
    np.testing.assert_array_equal(plan.run([])[0], np.arange(1 << 16))
    assert gone() is not None
    del plan
    assert gone() is None


def test_results_are_arrays_of_their_own() -> None:
    build = Builder()
    build.do("copy.f32", [build.slot("feed", (3,))], build.slot("fetch", (3,)))
    plan = build.plan(fuse=False)
    x = np.ones(3, np.float32)
    (first,), (second,) = plan.run([x]), plan.run([x])
    first[:] = 7
    np.testing.assert_array_equal(second, [1, 1, 1])
    assert first.flags.owndata
    assert first.flags.writeable


def test_five_hundred_instructions_are_laid_out_quickly() -> None:
    rng = np.random.default_rng(0)
    build = Builder()
    values = [build.slot("feed", (64, 64))]
    for _ in range(500):
        inputs = [values[-1], values[rng.integers(max(0, len(values) - 30), len(values))]]
        values.append(build.do("matmul.f32", inputs, build.slot("arena", (64, 64)), ints=[0, 0]))
    build.do("copy.f32", [values[-1]], build.slot("fetch", (64, 64)))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        plan = build.plan(fuse=False)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.02  # Python dicts and all; the layout itself is a fraction of it
    assert plan.arena_bytes < 40 * 64 * 64 * 4


def test_plans_of_one_state_share_an_arena() -> None:
    """Two plans run in turns: what one leaves in the arena does not reach the other's results."""
    state = _native.State()
    plans = []
    for size in (1000, 3000, 10):
        build = Builder(state=state)
        twice = build.do("add.f32", [x := build.slot("feed", (size,)), x], build.slot("arena", (size,)))
        build.do("mul.f32", [twice, x], build.slot("fetch", (size,)))
        plans.append((build.plan(fuse=False), np.arange(size, dtype=np.float32)))
    for _ in range(3):
        for plan, x in plans:
            np.testing.assert_array_equal(plan.run([x])[0], 2 * x * x)


def test_elements_of_nothing() -> None:
    build = Builder()
    empty = build.do("relu.f32", [build.slot("feed", (0, 3))], build.slot("arena", (0, 3)))
    build.do("reduce_sum.f32", [empty], build.slot("fetch", (3,)), ints=[0])
    build.do("copy.f32", [empty], build.slot("fetch", (0, 3)))
    sums, rows = build.plan(fuse=False).run([np.zeros((0, 3), np.float32)])
    np.testing.assert_array_equal(sums, [0, 0, 0])
    assert rows.shape == (0, 3)


def test_what_is_large_and_wanted_late_is_made_late() -> None:
    """Outer products of small vectors, each wanted at the end: they are made one after the other, then."""
    build = Builder()
    rows = [build.slot("feed", (1, 512)) for _ in range(8)]
    products = []
    for row in rows:
        small = build.do("neg.f32", [row], build.slot("arena", (1, 512)))
        products.append(build.do("matmul.f32", [small, small], build.slot("arena", (512, 512)), ints=[1, 0]))
    for product in products:
        build.do("reduce_sum.f32", [product], build.slot("fetch", ()), ints=[0, 1])
    plan = build.plan()
    assert plan.arena_bytes < 1.1 * 512 * 512 * 4
    feeds = [np.full((1, 512), i, np.float32) for i in range(8)]
    np.testing.assert_array_equal(plan.run(feeds), [i * i * 512 * 512 for i in range(8)])


def test_nothing_is_made_later_than_what_it_reads_is_overwritten() -> None:
    build = Builder()
    start = (np.arange(512, dtype=np.float32) % 3).reshape(1, 512)
    variable = build.variable((1, 512), value=start)
    product = build.do("matmul.f32", [variable, variable], build.slot("arena", (512, 512)), ints=[1, 0])
    build.do("neg.f32", [build.slot("feed", (1, 512))], variable, writes=True)
    build.do("reduce_sum.f32", [product], build.slot("fetch", ()), ints=[0, 1])
    plan = build.plan()
    assert plan.run([np.ones((1, 512), np.float32)])[0] == start.sum() ** 2
    assert plan.run([np.ones((1, 512), np.float32)])[0] == 512 * 512


def test_what_reads_much_is_not_made_later() -> None:
    """A late product would keep the two large operands alive in its place."""
    build = Builder()
    large = [build.do("neg.f32", [build.slot("feed", (512, 512))], build.slot("arena", (512, 512))) for _ in range(2)]
    product = build.do("matmul.f32", large, build.slot("arena", (512, 512)), ints=[0, 0])
    other = build.do("neg.f32", [build.slot("feed", (512, 1024))], build.slot("arena", (512, 1024)))
    build.do("reduce_sum.f32", [other], build.slot("fetch", ()), ints=[0, 1])
    build.do("reduce_sum.f32", [product], build.slot("fetch", ()), ints=[0, 1])
    assert build.plan().arena_bytes < 1.1 * 3 * 512 * 512 * 4


def test_an_arena_that_is_far_too_large_is_given_back() -> None:
    told = Path("/proc/self/statm")
    if not told.exists():
        pytest.skip("this system does not tell how much memory a process has")

    def resident() -> int:
        return int(told.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    state, plans = _native.State(), []
    large, small = 25_000_000, 1000
    for size in (large, small):
        build = Builder(state=state)
        spread = build.do("broadcast_to.f32", [build.slot("feed", ())], build.slot("arena", (size,)))
        build.do("reduce_max.f32", [spread], build.slot("fetch", ()), ints=[0])
        plans.append(build.plan())
    one = np.ones((), np.float32)
    before = resident()
    plans[0].run([one])
    for _ in range(10):  # a program that takes turns keeps it
        plans[1].run([one])
    assert resident() - before > 3 * large
    for _ in range(10):
        plans[1].run([one])
    assert resident() - before < large
    assert plans[0].run([one])[0] == 1
