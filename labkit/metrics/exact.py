"""ExactSums: sums that are rounded once, at the end, whatever was added in which order and in how many pieces."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np


class ExactSums:
    """The sums of float64 numbers at a number of places, without any rounding until they are asked for.

    Each sum is kept as a few numbers of decreasing size that add up to it exactly (Shewchuk 1997, "Adaptive precision
    floating-point arithmetic and fast robust geometric predicates"; Python's `math.fsum` makes them). So the bits
    depend neither on the order of the terms nor on how they come in batches. A term that is infinite or NaN makes its
    sum infinite or NaN; so may terms that are within a factor of their number of the largest float64, 1.8e308.

    Args:
        size: the number of places.

    Attributes:
        parts: [parts, size], float64; the first row holds the sums, correctly rounded.
    """

    def __init__(self, size: int = 0) -> None:
        self.parts = np.zeros((1, size))

    @property
    def size(self) -> int:
        return int(self.parts.shape[1])

    def add(self, values: np.ndarray, places: np.ndarray | None = None) -> None:
        """Adds numbers.

        Args:
            values: float64, [n, size]; or [n] for the places.
            places: which sum each of them belongs to, int64 [n].
        """
        with np.errstate(over="ignore", invalid="ignore"):
            self._add(self._rows(values, places))

    def _add(self, rows: np.ndarray) -> None:
        """Adds what `_rows` made."""
        if len(rows) == len(self.parts) == 1:
            old, new = self.parts[0], rows[0]
            total = old + new
            there = total - old
            if not ((old - (total - there)) + (new - there)).any():  # no rounding (Knuth): as for counts
                self.parts = total[None]
                return
        sums = {
            place: _distilled([*self.parts[:, place].tolist(), *rows[:, place].tolist()])
            for place in np.flatnonzero(rows.any(axis=0)).tolist()
        }
        longest = max(map(len, sums.values()), default=0)
        parts = np.zeros((max(longest, len(self.parts)), self.size))
        parts[: len(self.parts)] = self.parts
        for place, distilled in sums.items():
            parts[:, place] = 0
            parts[: len(distilled), place] = distilled
        self.parts = parts[: np.flatnonzero(parts.any(axis=1)).max(initial=0) + 1]  # none of nothing but zeros, or one

    def _rows(self, values: np.ndarray, places: np.ndarray | None) -> np.ndarray:
        """A few numbers for each place, [rows, size], that add up to its values exactly.

        Of all values the leading bits are taken, so few that their sum holds them all; then of what is left the same,
        until nothing is (Rump, Ogita and Oishi 2008, "Accurate floating-point summation", ExtractVector).
        """

        def total(terms: np.ndarray) -> np.ndarray:
            return terms.sum(axis=0) if places is None else np.bincount(places, terms, self.size)

        rows = []
        rest = values
        if not np.isfinite(values).all():
            rows.append(total(np.where(np.isfinite(values), 0, values)))
            rest = np.where(np.isfinite(values), values, 0)
        while largest := float(np.abs(rest).max(initial=0)):
            power = math.frexp(largest)[1] + len(rest).bit_length()
            if power > 1022:
                rows.append(total(rest))
                break
            bound = math.ldexp(1.0, power)  # above the sum of all
            leading = (bound + rest) - bound
            rows.append(total(leading))
            rest = rest - leading
        return np.array(rows or [np.zeros(self.size)])

    def totals(self) -> np.ndarray:
        """The sums, float64 [size], each correctly rounded."""
        return self.parts[0].copy()

    def exact(self, place: int) -> Fraction:
        """A sum as a fraction, without rounding.

        Raises:
            OverflowError, ValueError: it is infinite or NaN.
        """
        return sum(map(Fraction, self.parts[:, place].tolist()), Fraction(0))


def _distilled(terms: list[float]) -> list[float]:
    """Numbers of decreasing size whose exact sum is that of the terms."""
    parts: list[float] = []
    try:
        while part := math.fsum(terms):
            if not math.isfinite(part):
                return [part]
            parts.append(part)
            terms.append(-part)
    except (OverflowError, ValueError):  # a sum beyond float64, or infinities of both signs
        return [sum(terms)]
    return parts
