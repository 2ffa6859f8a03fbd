"""The warning for a program that adds operations in the loop that runs them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

_NODES = 1000
_RUNS = 10


@dataclass
class _Added:
    """What one line has added since the first run."""

    operations: int = 0
    stretches: int = 0  # runs that some of them came after
    last: int = 0  # the number of the last such run


class Growth:
    """Watches a graph that has run: a line that goes on adding operations between runs stands in a loop.

    A line that adds many operations between two runs only, as when a second network is built after the first was tried,
    is no such line.
    """

    def __init__(self) -> None:
        self.runs = 0
        self._by_line: dict[str, _Added] = {}
        self._warned = False

    def watch(self, line: str) -> None:
        """Counts an operation that `line`, "file:number", adds after the graph has run."""
        added = self._by_line.setdefault(line, _Added())
        added.operations += 1
        added.stretches += added.last != self.runs
        added.last = self.runs
        if added.operations >= _NODES and added.stretches >= _RUNS and not self._warned:
            self._warned = True
            file, _, number = line.rpartition(":")
            warnings.warn_explicit(
                f"{line} has added {added.operations} operations since the graph first ran. A graph that grows inside a loop "
                "gets slower with every step: build the operations once before the loop, and run them inside it.",
                RuntimeWarning,
                file,
                int(number),
            )
