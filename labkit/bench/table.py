"""The benchmark's results: one row for each piece of work, labkit beside the best of its peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.bench.side import Measured
from labkit.bench.works import WORKS

DISTURBED = "Where it says disturbed, something else ran on the machine meanwhile: measure that again."


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        title: what was done; unit: "seconds" or "bytes".
        ours: labkit's figure (of seconds the median); best: that of the best peer, None without peers; peer: its name and way.
        ratio: best / ours; of_minima: the same of the least times.
        goal: the least ratio that labkit aims at; most: the most that its own figure may be; None: no such goal.
        disturbed: whether something else ran on the machine meanwhile.
    """

    title: str
    unit: str
    ours: float
    best: float | None
    peer: str
    ratio: float | None
    of_minima: float | None
    goal: float | None
    most: float | None
    disturbed: bool = False

    @property
    def missed(self) -> bool:
        slow = self.goal is not None and self.ratio is not None and self.ratio < self.goal
        return slow or (self.most is not None and self.ours > self.most)


def rows(name: str, measured: Sequence[Measured], target: str, disturbed: bool = False) -> list[Row]:
    """What is shown of one piece of work: its time, and its memory where there is a goal for that.

    Args:
        measured: labkit's first.
        target: the kernel target labkit ran on, such as "avx2".
        disturbed: whether something else ran on the machine meanwhile.
    """
    work, ours, others = WORKS[name], measured[0], measured[1:]
    best = min(others, key=lambda m: m.median, default=None)
    made = [
        Row(
            work.title,
            "seconds",
            ours.median,
            best.median if best else None,
            f"{best.side} {best.variant}" if best else "",
            best.median / ours.median if best else None,
            min(m.least for m in others) / ours.least if others else None,
            work.targets.get(work.kernels or target, work.target),
            work.most,
            disturbed,
        )
    ]
    if work.memory is not None:
        least = min(others, key=lambda m: m.peak, default=None)
        peer, ratio = (f"{least.side} {least.variant}", least.peak / ours.peak) if least else ("", None)
        title = f"peak memory of the process: {work.title}"
        made.append(Row(title, "bytes", ours.peak, least.peak if least else None, peer, ratio, None, None, work.memory))
    return made


def seconds(value: float) -> str:
    """Seconds in three digits: "218 ms", "9.30 us"."""
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if value >= s * 0.9995), ("us", 1e-6))
    number = value / size
    digits = max(0, 3 - len(str(int(number))))
    return f"{number:.{digits}f} {unit}"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB"


_SHOW: dict[str, Callable[[float], str]] = {"seconds": seconds, "bytes": megabytes}


def summary(made: Sequence[Row]) -> str:
    """The table for people, in Markdown."""
    lines = []
    for r in made:
        show = _SHOW[r.unit]
        peer = "-" if r.best is None else f"{show(r.best)}, {r.peer}"
        ratios = ["-" if x is None else f"{x:.2f}" for x in (r.ratio, r.of_minima)]
        goals = [] if r.goal is None else [f"{r.goal:g}x"]
        goals += [] if r.most is None else [f"at most {show(r.most)}"]
        goals += ["**missed**"] if r.missed else []
        goals += ["**disturbed**"] if r.disturbed else []
        lines.append((r.title, show(r.ours), peer, *ratios, ", ".join(goals)))
    text = table(("work", "labkit", "best peer", "ratio", "of minima", "goal"), lines)
    return text + f"\n{DISTURBED}\n" if any(r.disturbed for r in made) else text


def details(measured: Sequence[tuple[str, Measured]]) -> str:
    """Everything measured, in Markdown."""
    lines = []
    for name, m in measured:
        side = f"{m.side} {m.version}, {m.variant}"
        lines.append((name, side, seconds(m.median), seconds(m.least), str(len(m.seconds)), megabytes(m.peak)))
    return table(("work", "side", "median", "least", "turns", "peak memory"), lines)


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned for those who read it as it is."""
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    ruled = [heads, ["-" * width for width in widths], *lines]
    return "".join(f"| {' | '.join(map(str.ljust, line, widths))} |\n" for line in ruled)


def records(measured: Sequence[tuple[str, Measured]]) -> list[dict[str, Any]]:
    """One flat record for everything measured, for a file of comma-separated values."""
    return [
        {
            "work": name,
            "side": m.side,
            "variant": m.variant,
            "version": m.version,
            "median_seconds": m.median,
            "least_seconds": m.least,
            "turns": len(m.seconds),
            "peak_bytes": m.peak,
        }
        for name, m in measured
    ]
