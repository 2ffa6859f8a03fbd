"""How the cost of an example changes with the size of the batch and the number of threads.

Peers show it in their usual way alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.bench.machine import Watch
from labkit.bench.match import play
from labkit.bench.side import Measured
from labkit.bench.table import DISTURBED, megabytes, seconds, table
from labkit.bench.works import DENSE, VGG, Work

WORKS = {
    "vgg": Work("VGG-MNIST training step, Adam", VGG),
    "vgg-forward": Work("VGG-MNIST forward", VGG, mode="forward"),
    "dense": Work("784-128-10 step, Adam, stepped", DENSE, feeding="stepped"),
    "dense-forward": Work("784-128-10 forward, fed from Python", DENSE, mode="forward"),
}
"""Name -> work, at any batch."""
BATCHES = (1, 2, 8, 32, 128, 256, 512)
STEADY = 8
"""From this batch on an example is meant to cost the same, to SPREAD."""
SPREAD = 0.15


@dataclass(frozen=True)
class Point:
    """One work at one batch and number of threads; `measured` has labkit first.

    `disturbed`: whether something else ran on the machine meanwhile.
    """

    name: str
    threads: int
    batch: int
    measured: tuple[Measured, ...]
    disturbed: bool = False

    @property
    def ours(self) -> float:
        """labkit's seconds for an example. Of the least times: points are measured minutes apart, and these drift least."""
        return self.measured[0].least / self.batch

    @property
    def best(self) -> Measured | None:
        """The fastest peer's way."""
        return min(self.measured[1:], key=lambda m: m.least, default=None)

    @property
    def memory(self) -> int | None:
        """Of all peers' ways the least peak in bytes."""
        return min((m.peak for m in self.measured[1:]), default=None)


def scale(
    names: Sequence[str],
    batches: Sequence[int],
    threads: Sequence[int],
    sides: Sequence[tuple[str, str]],
    turns: int,
    limit: float,
    tell: Callable[[str], None],
) -> Iterator[Point]:
    """Each point as it has been measured; arguments as of `match.play`, of which there is one at each point."""
    watches: dict[int, Watch] = {}
    for name in names:
        for count in threads:
            for batch in batches:
                network = dataclasses.replace(WORKS[name].network, batch=batch)
                work = dataclasses.replace(WORKS[name], network=network)
                watch = watches.get(count) or watches.setdefault(count, Watch(count))
                took = tuple(play(work, sides, count, turns, tell, limit, fewest=3, ways=1))
                yield Point(name, count, batch, took, watch.disturbed())


def spread(points: Sequence[Point]) -> float | None:
    """By how much the dearest example costs more than the cheapest, at batches from STEADY on; None below two of these."""
    steady = [p for p in points if p.batch >= STEADY]
    if len({p.batch for p in steady}) < 2:
        return None
    return max(p.ours for p in steady) / min(p.ours for p in steady) - 1


def costs(points: Sequence[Point]) -> tuple[float, float] | None:
    """Seconds of a step whatever its batch, and of each example: the line through the smallest steady batch and the largest.

    None below two different steady batches, through which there is no line.
    """
    steady = sorted((p for p in points if p.batch >= STEADY), key=lambda p: p.batch)
    if len({p.batch for p in steady}) < 2:
        return None
    first, last = steady[0], steady[-1]
    slope = (last.ours * last.batch - first.ours * first.batch) / (last.batch - first.batch)
    return (first.ours - slope) * first.batch, slope


def summary(points: Sequence[Point]) -> str:
    """The points and the spread of each work at each number of threads, in Markdown."""
    lines: list[Sequence[str]] = []
    series = dict.fromkeys((p.name, p.threads) for p in points)
    for name, threads in series:
        for p in (p for p in points if (p.name, p.threads) == (name, threads)):
            best, memory = p.best, p.memory
            peer = "-" if best is None else f"{seconds(best.least / p.batch)}, {best.side} {best.variant}"
            memories = megabytes(p.measured[0].peak), "-" if memory is None else megabytes(memory)
            ours = seconds(p.ours) + ", **disturbed**" * p.disturbed
            lines.append((WORKS[name].title, str(threads), str(p.batch), ours, peer, *memories))
    heads = (
        "work",
        "threads",
        "batch",
        "labkit, least time of an example",
        "best peer, least time of an example",
        "labkit's memory",
        "peers' least memory",
    )
    said = []
    for name, threads in series:
        one = [p for p in points if (p.name, p.threads) == (name, threads)]
        found, line_of_costs = spread(one), costs(one)
        if found is not None and line_of_costs is not None:
            flag = f", **more than {SPREAD:.0%}**" if found > SPREAD else ""
            step, example = line_of_costs
            line = f"{found:.0%}{flag} ({seconds(example)} an example, {round(step * 1e3, 1) + 0.0} ms a step beside)"
            said.append(f"- {WORKS[name].title}, threads {threads}: {line}")
    text = table(heads, lines) + (f"\n{DISTURBED}\n" if any(p.disturbed for p in points) else "")
    return text + (f"\nSpread of an example's cost from batch {STEADY} on:\n" + "\n".join(said) + "\n" if said else "")


def records(points: Sequence[Point]) -> list[dict[str, Any]]:
    """One flat record for everything measured, for a file of comma-separated values."""
    return [
        {
            "work": p.name,
            "threads": p.threads,
            "batch": p.batch,
            "side": m.side,
            "variant": m.variant,
            "version": m.version,
            "least_seconds_an_example": m.least / p.batch,
            "median_seconds_an_example": m.median / p.batch,
            "turns": len(m.seconds),
            "peak_bytes": m.peak,
            "disturbed": p.disturbed,
        }
        for p in points
        for m in p.measured
    ]
