"""A plan that makes no sense is refused with an explanation, and never reaches a kernel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labkit import _native
from tests.native.plans import Builder


def relu(build: Builder, **changes: Any) -> None:
    """A sound plan of one instruction, but for `changes` of the instruction."""
    x, y = build.slot("feed", (2, 3)), build.slot("fetch", (2, 3))
    build.do("relu.f32", [x], y)
    build.instructions[0].update(changes)


def edited(part: str, number: int, /, **changes: Any) -> Callable[[Builder], None]:
    def edit(build: Builder) -> None:
        relu(build)
        getattr(build, part)[number].update(changes)

    return edit


def with_slot(*args: Any, **more: Any) -> Callable[[Builder], None]:
    def edit(build: Builder) -> None:
        relu(build)
        build.slot(*args, **more)

    return edit


def reads_too_early(build: Builder) -> None:
    build.do("relu.f32", [build.slot("arena", (4,))], build.slot("fetch", (4,)))


def alias_circle(build: Builder) -> None:
    build.slots += [{"kind": "alias", "dtype": "f32", "shape": [1], "of": (i + 1) % 3} for i in range(3)]


def overlapping_product(build: Builder) -> None:
    x, y = build.slot("feed", (3, 3)), build.slot("arena", (3, 3))
    build.do("copy.f32", [x], y)
    build.do("matmul.f32", [y, x], y, ints=[0, 0])
    build.do("copy.f32", [y], build.slot("fetch", (3, 3)))


def in_place_through_an_alias_of_another_shape(build: Builder) -> None:
    y = build.slot("arena", (3, 1))
    build.do("copy.f32", [build.slot("feed", (3, 1))], y)
    build.do("add.f32", [y, y], build.alias(y, (1, 3)))


def one_output_twice(build: Builder) -> None:
    logits, labels, out = build.slot("feed", (3, 1)), build.slot("feed", (3, 1)), build.slot("arena", (3,))
    build.do("softmax_cross_entropy.f32", [logits, labels], [out, build.alias(out, (3, 1))])


def writes_in_secret(build: Builder) -> None:
    build.do("copy.f32", [build.slot("feed", (2,))], build.variable((2,)))


def two_states(build: Builder) -> None:
    build.variable((2,))
    build.state = _native.State()


def cell_twice(build: Builder) -> None:
    build.variable((2,))
    build.cells *= 2


BAD: list[tuple[Callable[[Builder], None], str]] = [
    (edited("slots", 0, kind="register"), "kind is"),
    (edited("slots", 0, dtype="f16"), "dtype is"),
    (edited("slots", 0, shape=[2, -3]), "never negative"),
    (edited("slots", 0, shape=[1] * 9), "at most 8 dimensions"),
    (edited("slots", 0, shape=[2**32, 2**32]), "too large"),
    (edited("slots", 0, shape=[4194305, 4194305, 211106198978564]), "too large"),
    (edited("slots", 0, shape=[0, 2**62, 4]), "too large"),
    (edited("slots", 0, shape=[2**64]), "dimension"),
    (edited("slots", 0, shape=["a"]), "dimension"),
    (edited("slots", 0, index=1), "no slot is feed 0"),
    (edited("slots", 0, index=-1), "positions count from 0"),
    (edited("slots", 0, index=2**40), "positions count from 0"),
    (with_slot("alias", (6,), of=9), "cannot be"),
    (with_slot("alias", (6,), of=-1), "cannot be"),
    (with_slot("alias", (6,), of=2), "cannot be"),
    (with_slot("alias", (7,), of=0), "same number of elements"),
    (with_slot("alias", (6,), "i32", of=0), "same dtype"),
    (with_slot("alias", (6,)), "has no 'of'"),
    (with_slot("state", (6,), index=0), "does not exist"),
    (with_slot("constant", (6,)), "has no 'value'"),
    (with_slot("constant", (6,), value=np.zeros(5, np.float32)), "expected f32 [6]"),
    (with_slot("constant", (6,), value=np.zeros(6)), "expected f32 [6]"),
    (with_slot("constant", (6,), value=np.zeros(12, np.float32)[::2]), "dense"),
    (with_slot("constant", (6,), value=np.zeros(6, ">f4")), "array of"),
    (with_slot("constant", (6,), value=[0.0] * 6), "not a NumPy array"),
    (with_slot("fetch", (6,)), "nothing writes fetch 1"),
    (edited("instructions", 0, kernel="rely.f32"), "no kernel named 'rely.f32'"),
    (edited("instructions", 0, inputs=[7]), "slot 7"),
    (edited("instructions", 0, inputs=[-2]), "slot -2"),
    (edited("instructions", 0, outputs=[-1]), "slot -1"),
    (edited("instructions", 0, outputs=[]), "no output"),
    (edited("instructions", 0, outputs=[0]), "writes a feed"),
    (edited("instructions", 0, inputs=[]), "takes 1 inputs"),
    (edited("instructions", 0, inputs=[-1]), "lacks an input"),
    (edited("instructions", 0, inputs="x"), "wrong type"),
    (edited("instructions", 0, kernel="relu.f64"), "not f64"),
    (edited("instructions", 0, kernel="transpose.f32"), "lacks attributes"),
    (edited("instructions", 0, kernel="transpose.f32", ints=[0, 2]), "permutation"),
    (edited("instructions", 0, kernel="slice.f32", ints=[0, 1]), "beyond"),
    (edited("instructions", 0, kernel="slice.f32", ints=[0, 2**63 - 1]), "beyond"),
    (edited("instructions", 0, kernel="pad.f32", ints=[1, 0], reals=[0.0]), "room"),
    (edited("instructions", 0, kernel="reduce_sum.f32", ints=[1, 0]), "rising order"),
    (edited("instructions", 0, kernel="reduce_sum.f32", ints=[1]), "another shape"),
    (edited("instructions", 0, kernel="matmul.f32", inputs=[0, 0], ints=[0, 1]), "[..., m, k]"),
    (edited("instructions", 0, ints=[2**63]), "wrong type"),
    (reads_too_early, "before anything is in it"),
    (alias_circle, "circle"),
    (overlapping_product, "same memory"),
    (in_place_through_an_alias_of_another_shape, "same memory"),
    (one_output_twice, "same memory twice"),
    (writes_in_secret, "does not say so"),
    (two_states, "one State"),
    (cell_twice, "each cell once"),
]


@pytest.mark.parametrize(("edit", "text"), BAD, ids=[text for _, text in BAD])
def test_a_bad_plan_is_refused(edit: Callable[[Builder], None], text: str) -> None:
    build = Builder()
    edit(build)
    with pytest.raises(ValueError) as error:
        build.plan()
    assert text in str(error.value)


def test_cells_and_read_first_are_checked() -> None:
    with pytest.raises(ValueError, match="read_first names cell 0"):
        _native.Plan([], [], [], [0])
    build = Builder()
    build.variable((2,))
    build.slots[0]["shape"] = [3]
    with pytest.raises(ValueError, match=r"does not fit its cell, which is f32 \[2\]"):
        build.plan()


@pytest.mark.parametrize(
    "feeds",
    [
        [],
        [np.zeros((2, 3))],
        [np.zeros((3, 2), np.float32)],
        [np.zeros((2, 6), np.float32)[:, ::2]],
        [[[0.0] * 3] * 2],
        [None],
    ],
)
def test_feeds_that_do_not_fit_are_refused(feeds: list[Any]) -> None:
    build = Builder()
    relu(build)
    with pytest.raises(ValueError):
        build.plan().run(feeds)


def test_a_misaligned_feed_is_refused() -> None:
    build = Builder()
    relu(build)
    shifted = np.frombuffer(bytes(25), np.uint8)[1:].view(np.float32).reshape(2, 3)
    with pytest.raises(ValueError, match="aligned"):
        build.plan().run([shifted])


def test_every_kernel_has_a_signature() -> None:
    for name in _native.kernel_names("portable"):
        with pytest.raises(ValueError) as error:
            _native.call_kernel("portable", name, [None] * 9, [np.zeros(1, np.float32)])
        assert "has no signature" not in str(error.value), name


def test_call_kernel_checks_its_operands() -> None:
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="one shape"):
        _native.call_kernel("portable", "relu.f32", [x], [np.zeros((3, 2), np.float32)])
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        _native.call_kernel("portable", "relu.f32", [x], [x])
    with pytest.raises(ValueError, match="no kernel"):
        _native.call_kernel("portable", "relu.f16", [x], [x])
    with pytest.raises(ValueError, match="Choose one of"):
        _native.call_kernel("sse9", "relu.f32", [x], [x])
    for threads in (0, 257):
        with pytest.raises(ValueError, match="threads is from 1 to 256"):
            _native.call_kernel("portable", "relu.f32", [x], [np.zeros_like(x)], threads=threads)


def test_threads_without_a_task_have_no_memory_of_their_own() -> None:
    """One task of this convolution has a panel of the filter: more threads do not make it larger."""
    build = Builder()
    x, w = build.slot("feed", (1, 8, 8, 256)), build.slot("feed", (3, 3, 256, 16))
    build.do("conv2d.f32", [x, w], build.slot("fetch", (1, 8, 8, 16)), ints=[1, 1, 1, 1, 1, 1, 1, 2])
    plan, before = build.plan(), _native.get_num_threads()
    try:
        sizes = []
        for threads in (1, 100):
            _native.set_num_threads(threads)
            sizes.append(plan.arena_bytes)
    finally:
        _native.set_num_threads(before)
    assert sizes[0] == sizes[1]


def test_describe_tells_constants_only_when_asked() -> None:
    build = Builder()
    build.do(
        "relu.f32",
        [build.constant(np.array([1.0, -math.inf], np.float32))],
        build.slot("fetch", (2,)),
        name='a "name"\n',
    )
    plan = build.plan()
    assert "slot constant f32 [2] 0000803f000080ff\n" in plan.describe()
    assert '"a \\x22name\\x22\\x0a"' in plan.describe()
    assert "0000803f" not in plan.describe(values=False)
    assert len(plan) == 1
