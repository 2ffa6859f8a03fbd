"""The warning for a program that adds operations in the loop that runs them."""

from __future__ import annotations

import warnings

_NODES = 1000
_RUNS = 10


class Growth:
    """Watches a graph that has run: a line that goes on adding operations between runs stands in a loop.

    A line that adds many operations between two runs only, as when a second network is built after the first was tried,
    is no such line.
    """

    def __init__(self) -> None:
        self.runs = 0
        self._by_line: dict[
            str, tuple[int, int, int]
        ] = {}  # -> operations, runs that they came after, the last such run
        self._warned = False

    def watch(self, line: str) -> None:
        """Counts an operation that `line`, "file:number", adds after the graph has run."""
        nodes, stretches, last = self._by_line.get(line, (0, 0, 0))
        nodes, stretches = nodes + 1, stretches + (last != self.runs)
        self._by_line[line] = nodes, stretches, self.runs
        if nodes >= _NODES and stretches >= _RUNS and not self._warned:
            self._warned = True
            file, _, number = line.rpartition(":")
            warnings.warn_explicit(
                f"{line} has added {nodes} operations since the graph first ran. A graph that grows inside a loop "
                "gets slower with every step: build the operations once before the loop, and run them inside it.",
                RuntimeWarning,
                file,
                int(number),
            )
