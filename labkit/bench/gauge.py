"""Single kernels, measured: labkit's and PyTorch's by turns, against the roofline of the machine."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.bench.kernels import Kernel
from labkit.bench.machine import Machine
from labkit.bench.match import PAUSE
from labkit.bench.side import Measured, Side, SideError
from labkit.bench.table import seconds, table


@dataclass(frozen=True)
class Gauged:
    """What one kernel took.

    Attributes:
        ours: by labkit; torch: by PyTorch, None where it took no part.
        machine: what it is held against.
    """

    name: str
    kernel: Kernel
    ours: Measured
    torch: Measured | None
    machine: Machine

    @property
    def _roofs(self) -> tuple[float, float]:
        """Seconds that calculating takes at the machine's peak, and moving bytes."""
        return self.kernel.flops / self.machine.flops, self.kernel.moved / self.machine.bandwidth(self.kernel.moved)

    @property
    def bound(self) -> str:
        """What binds it: "GFLOP/s" or "GB/s"."""
        calculating, moving = self._roofs
        return "GFLOP/s" if calculating > moving else "GB/s"

    @property
    def rate(self) -> float:
        """In units of `bound`."""
        return (self.kernel.flops if self.bound == "GFLOP/s" else self.kernel.moved) / self.ours.median / 1e9

    @property
    def share(self) -> float:
        return max(self._roofs) / self.ours.median

    @property
    def ratio(self) -> float | None:
        """How many times as fast as PyTorch."""
        return self.torch.median / self.ours.median if self.torch else None

    @property
    def below_goal(self) -> bool:
        goal, wanted = self.kernel.goal, self.kernel.torch
        if goal is not None and self.share < goal:
            return True
        return wanted is not None and self.ratio is not None and self.ratio < wanted


def gauge(
    kernels: Mapping[str, Kernel],
    sides: Sequence[tuple[str, str]],
    machine: Machine,
    threads: int,
    turns: int,
    tell: Callable[[str], None],
) -> Iterator[Gauged]:
    """Each kernel as it has been measured.

    Args:
        sides: (name, interpreter) of labkit, and of PyTorch if it is to be compared.
        turns: of each side at each kernel.
        tell: is told which kernel PyTorch cannot do, and that it takes no further part once it has failed in a turn.

    Raises:
        SideError: labkit cannot.
    """
    with contextlib.ExitStack() as processes:
        working: list[Side] = []
        for name, python in sides:
            try:
                working.append(processes.enter_context(Side(name, python, threads, "kernels")))
            except SideError as error:
                if name == "labkit":
                    raise
                tell(str(error))
        for name, kernel in kernels.items():
            took = _by_turns(working, name, kernel, turns, tell)
            yield Gauged(name, kernel, took[0], took[1] if len(took) > 1 else None, machine)


def _by_turns(
    working: list[Side], name: str, kernel: Kernel, turns: int, tell: Callable[[str], None]
) -> list[Measured]:
    """What each side took, labkit first; a peer that fails in a turn is closed and taken from `working`."""
    ready = []
    for side in working:
        try:
            side.prepare(dataclasses.asdict(kernel), "", warm_ups=2)
            ready.append(side)
        except SideError as error:
            if side.name == "labkit":
                raise
            tell(f"{name}: {error}")
    for _ in range(turns):
        for side in list(ready):
            time.sleep(PAUSE)
            try:
                side.turn()
            except SideError as error:
                if side.name == "labkit":
                    raise
                tell(f"{name}: {error} The other kernels go on without {side.name}.")
                side.close()
                ready.remove(side)
                working.remove(side)
    return [side.measured() for side in ready]


def summary(gauged: Sequence[Gauged], machine: Machine, disturbed: bool = False) -> str:
    """The machine's peaks and the kernels against them, in Markdown.

    `disturbed`: whether the peak was another one after the kernels than before.
    """
    bandwidths = ", ".join(f"{rate / 1e9:.0f} GB/s on {_size(size)}" for size, rate in machine.bandwidths)
    lines = [f"Peak: {machine.flops / 1e9:.0f} GFLOP/s of multiply-adds (float32); {bandwidths}.", ""]
    if disturbed:
        lines += ["**Disturbed**: the peak changed meanwhile, so something else ran on the machine. Measure again.", ""]
    rows = []
    for g in gauged:
        ratio = "-" if g.ratio is None else f"{g.ratio:.2f}"
        goals = [] if g.kernel.goal is None else [_percent(g.kernel.goal)]
        goals += [] if g.kernel.torch is None else [f"{g.kernel.torch:g}x torch"]
        goals += ["**below goal**"] if g.below_goal else []
        rows.append(
            (g.name, seconds(g.ours.median), f"{g.rate:.3g} {g.bound}", _percent(g.share), ratio, ", ".join(goals))
        )
    lines.append(table(("kernel", "time", "rate", "of the peak", "times torch", "goal"), rows))
    if any(g.share > 1 for g in gauged):
        lines.append(
            "Convolutions pass 100% of the peak by Winograd's algorithm: a rate counts the operations of the direct "
            "convolution, of which it needs fewer.\n"
        )
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.0995 else f"{share * 100:.2g}%"


def _size(footprint: int) -> str:
    return f"{footprint >> 20} MB" if footprint >= 1 << 20 else f"{footprint >> 10} KB"


def records(gauged: Sequence[Gauged]) -> list[dict[str, Any]]:
    """One flat record for each kernel, for a file of comma-separated values."""
    return [
        {
            "kernel": g.name,
            "seconds": g.ours.median,
            "least_seconds": g.ours.least,
            "torch_seconds": g.torch.median if g.torch else None,
            "flops": g.kernel.flops,
            "bytes": g.kernel.moved,
            "share": g.share,
            "goal": g.kernel.goal,
            "torch_goal": g.kernel.torch,
            "below_goal": g.below_goal,
        }
        for g in gauged
    ]
