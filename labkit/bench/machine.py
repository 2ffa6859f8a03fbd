"""The most this machine can do: multiply-adds and bytes a second, as measured, to hold kernels against.

The two make a roofline (Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model", 2009).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labkit import native

FOOTPRINTS = tuple(1 << n for n in range(18, 29))
"""Bytes that are read and written over and over where bandwidth is measured: from what a core's own caches hold (256 KB)
to what no cache does (256 MB)."""
STEADY = 0.1
"""Two measurements whose multiply-adds differ by a larger share are of a machine that others use."""
_TURNS = 7
_SECONDS = 0.01  # of a turn, about


@dataclass(frozen=True)
class Machine:
    """What was measured with the kernels of one target.

    Attributes:
        flops: float32 additions and multiplications a second, of fused multiply-adds where the target has them.
        bandwidths: (footprint in bytes, bytes a second that are read and written) of y = x + y / 2, by footprint.
    """

    flops: float
    bandwidths: tuple[tuple[int, float], ...]

    def bandwidth(self, footprint: float) -> float:
        """Bytes a second for work on that many bytes: between the sizes measured, and as at the ends beyond them."""
        sizes, rates = zip(*self.bandwidths, strict=True)
        return float(np.exp(np.interp(np.log(footprint), np.log(sizes), np.log(rates))))

    def with_again(self, again: Machine) -> Machine:
        """The larger figures of two measurements of one machine: what else ran meanwhile made them smaller."""
        most = [(size, max(a, b)) for (size, a), (_, b) in zip(self.bandwidths, again.bandwidths, strict=True)]
        return Machine(max(self.flops, again.flops), tuple(most))


def measure(threads: int) -> Machine:
    """This machine with the active target's kernels on that many threads. Takes about a second."""
    return Machine(_flops(threads), tuple((size, _bandwidth(size, threads)) for size in FOOTPRINTS))


class Watch:
    """Tells whether something else ran on the machine while one thing after the other was measured.

    Its peak is measured in between, and the most that was ever seen is what the machine can do.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._before = self._most = _flops(threads)

    def disturbed(self) -> bool:
        """Whether the peak was lower before or after what has just been measured, by more than STEADY."""
        before, self._before = self._before, _flops(self._threads)
        self._most = max(self._most, self._before)
        return min(before, self._before) < (1 - STEADY) * self._most


def _flops(threads: int) -> float:
    tasks = 4 * threads
    sums = np.zeros(tasks, np.float32)

    def run(count: int) -> None:
        native.call_kernel(native.active_target(), "peak_fma.f32", [], [sums], [count], [], threads)

    # Whole rounds of the kernel's loop, whatever the target's vectors.
    count = 12 * 16 * 1000
    run(count)
    count *= max(1, round(_SECONDS / _least(lambda: run(count), 2)))
    return 2 * count * tasks / _least(lambda: run(count), _TURNS)


def _bandwidth(footprint: int, threads: int) -> float:
    x, y = np.ones((2, footprint // 8), np.float32)

    def run(rounds: int) -> None:
        native.call_kernel(native.active_target(), "peak_bandwidth.f32", [x], [y], [threads, rounds], [], threads)

    run(1)
    rounds = max(1, round(_SECONDS / _least(lambda: run(1), 2)))
    return 12 * y.size * rounds / _least(lambda: run(rounds), _TURNS)


def _least(call: Callable[[], None], turns: int) -> float:
    took = []
    for _ in range(turns):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return min(took)
