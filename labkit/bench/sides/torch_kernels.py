"""PyTorch's side of single kernels: its native functions on tensors that exist, in the layout that is faster.

Functions are called from Python, which takes PyTorch up to a microsecond a call; matrix products, the shortest, from a
compiled loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
import torch_operations
from torch_operations import Looped, Repeat
from torch_side import version  # noqa: F401 - a part of what a side answers

CALL_SECONDS = 0.01  # of one call, about


def variants(kernel: dict[str, Any]) -> list[str]:
    return ["eager"]


def prepare(kernel: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that runs the operation some times, and how many times that is."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    with torch.inference_mode():
        made = getattr(torch_operations, kernel["operation"])(**kernel["sizes"])
        ways = [way.repeat if isinstance(way, Looped) else _repeated(way) for way in made]
        timed = [(_steps(way), way) for way in ways]
    steps, fastest = max(timed, key=lambda pair: pair[0])

    def call() -> None:
        with torch.inference_mode():
            fastest(steps)

    return call, steps


def _repeated(once: Callable[[], Any]) -> Repeat:
    def repeat(steps: int) -> None:
        for _ in range(steps):
            once()

    return repeat


def _steps(repeat: Repeat) -> int:
    """How many fit into CALL_SECONDS."""

    def run(steps: int) -> float:
        began = time.perf_counter()
        repeat(steps)
        return time.perf_counter() - began

    steps = 1
    run(steps)
    while (took := run(steps)) < CALL_SECONDS / 4:
        steps *= 4
    took = min(took, run(steps), run(steps))
    return max(1, round(steps * CALL_SECONDS / took))
