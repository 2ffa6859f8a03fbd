"""Every kernel of every target: the same bits for any number of threads, with its tasks in any order, for any batch."""

from __future__ import annotations

import numpy as np
import pytest

from labkit import _native
from tests.numerics.calls import KernelCall, fresh, large_calls
from tests.numerics.pipeline_calls import pipeline_calls
from tests.ops.records import bits

TARGETS = _native.targets()
COUNTS = (2, 3, 4)

BY_HAND = [
    KernelCall("range.f32", [], [fresh((140_001,), np.float32)], [], [0.5, 0.25], "real numbers, which plans fold"),
    KernelCall("range.f64", [], [fresh((140_001,), np.float64)], [], [0.5, 0.25], "real numbers, which plans fold"),
    KernelCall(
        "max_pool_argmax.i32",
        [np.random.default_rng(0).integers(0, 16 * 17, (3, 100, 100, 5), np.int32)],
        [fresh((3, 100, 100, 5), np.int64)],
        [16, 17, 1, 1, 0, 0, 115, 116],
        [],
        "windows of more than 256 pixels",
    ),
    *(
        KernelCall(
            f"histogram.{code}",
            [np.linspace(-1, 1, 600_001, dtype=dtype) ** 3],
            [fresh((64,), np.int64), fresh((7,), np.float64)],
            [64],
            [],
            "a tensor of several parts",
        )
        for code, dtype in (("f32", np.float32), ("f64", np.float64))
    ),
    *pipeline_calls(400, 40),
]
"""Calls of kernels that no operation's samples reach."""

ONE_TASK = {
    "array_index": "it checks one number",
    "log_uniform_candidates": "a candidate is drawn again where one before it is the same",
    "uniform_candidates": "as log_uniform_candidates",
    "scatter_winners": "the last of several rows for one place wins",
    "shuffle_order": "each place in the buffer depends on those before",
}
"""Kernels that are one task at any size, each with the reason."""


def of_target(target: str) -> list[KernelCall]:
    own = set(_native.kernel_names(target))
    return [call for kernel, calls in large_calls().items() if kernel in own for call in calls] + BY_HAND


@pytest.mark.parametrize("target", TARGETS)
def test_results_have_the_same_bits_for_any_number_of_threads(target: str) -> None:
    for call in of_target(target):
        alone = [bits(x) for x in call.run(target)]
        for count in COUNTS if target == TARGETS[0] else COUNTS[-1:]:
            assert [bits(x) for x in call.run(target, count)] == alone, f"{count} threads: {call}"


@pytest.mark.parametrize("target", TARGETS)
def test_the_tasks_of_a_phase_do_not_depend_on_each_other(target: str) -> None:
    """Nor on what the scratch memory holds at first."""
    for call in of_target(target):
        forwards = [bits(x) for x in call.run(target)]
        assert [bits(x) for x in call.run(target, backwards=True)] == forwards, f"{call}"


def test_the_calls_reach_every_kernel_with_several_tasks() -> None:
    """Save those that measure the machine, whose results mean nothing."""
    most: dict[str, int] = {}
    for call in of_target(TARGETS[0]):
        most[call.kernel] = max(most.get(call.kernel, 0), *call.tasks(TARGETS[0]))
    assert most.keys() == {name for name in _native.kernel_names(TARGETS[0]) if not name.startswith("peak_")}
    assert {kernel.partition(".")[0] for kernel, tasks in most.items() if tasks < 2} == ONE_TASK.keys()
