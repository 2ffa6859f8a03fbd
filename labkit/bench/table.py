"""The benchmark's results: one row for each piece of work, labkit beside the best of its peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.bench.match import Measured
from labkit.bench.works import WORKS


def row(name: str, measured: Sequence[Measured], target: str) -> dict[str, Any]:
    """One row.

    Args:
        measured: labkit's first.
        target: the kernel target labkit ran on, such as "avx2".

    Returns:
        name, median and least seconds of labkit and of its best peer (the smallest median), their ratios, the ratio labkit
        aims at, and everything that was measured.
    """
    ours, others = measured[0], measured[1:]
    best = min(others, key=lambda m: m.median) if others else None
    return {
        "work": name,
        "ours": ours,
        "best": best,
        "ratio": best.median / ours.median if best else None,
        "ratio of minima": min(m.least for m in others) / ours.least if best else None,
        "goal": WORKS[name].targets.get(target, WORKS[name].target),
        "measured": list(measured),
    }


def seconds(value: float) -> str:
    """Seconds in three digits: "218 ms", "9.30 us"."""
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if value >= s * 0.9995), ("us", 1e-6))
    number = value / size
    digits = max(0, 3 - len(str(int(number))))
    return f"{number:.{digits}f} {unit}"


def markdown(rows: Sequence[Mapping[str, Any]], machine: Mapping[str, str]) -> str:
    """The table for people, and all that was measured below it."""
    lines = ["| work | labkit | best peer | ratio | of minima | goal |", "| --- | --- | --- | --- | --- | --- |"]
    for r in rows:
        best = r["best"]
        peer = f"{seconds(best.median)}, {best.side} {best.variant}" if best else "-"
        ratios = [f"{r[key]:.1f}" if best else "-" for key in ("ratio", "ratio of minima")]
        lines.append(
            f"| {WORKS[r['work']].title} | {seconds(r['ours'].median)} | {peer} | {ratios[0]} | {ratios[1]} | {r['goal']:g} |"
        )
    lines += ["", "Medians; " + ", ".join(f"{key} {value}" for key, value in machine.items()) + "."]
    lines += ["", "| work | side | median | least | memory |", "| --- | --- | --- | --- | --- |"]
    for r in rows:
        for m in r["measured"]:
            memory = f"{m.peak / 1e6:.0f} MB"
            lines.append(
                f"| {r['work']} | {m.side} {m.version}, {m.variant} | {seconds(m.median)} | {seconds(m.least)} | {memory} |"
            )
    return "\n".join(lines) + "\n"


def records(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One flat record for everything measured, for a file of comma-separated values."""
    return [
        {
            "work": r["work"],
            "side": m.side,
            "variant": m.variant,
            "version": m.version,
            "median_seconds": m.median,
            "least_seconds": m.least,
            "turns": len(m.seconds),
            "peak_bytes": m.peak,
        }
        for r in rows
        for m in r["measured"]
    ]
