"""How much fit, evaluate and predict print."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from labkit.callbacks.texts import duration, shown
from labkit.errors import InvalidArgumentError
from labkit.io import SYSTEM, Clock


def verbosity(verbose: Any, what: str = "fit", one: str = "a progress bar, 2 for one line for each epoch") -> int:
    """0, 1 or 2; "auto" is 1.

    Args:
        what: the method, and what its 1 stands for, for messages.

    Raises:
        InvalidArgumentError: it is something else.
    """
    known = {0: 0, 1: 1, 2: 2, "auto": 1}
    if not isinstance(verbose, int | str) or verbose not in known:
        raise InvalidArgumentError(
            f"{what} does not know how much to print",
            rule=f"verbose is 0 for nothing, 1 (or 'auto') for {one}",
            received=repr(verbose),
        )
    return known[verbose]


class Line:
    """One line about a look at a model, where somebody wants to see it: "evaluate - 1,000 examples - 0.2 s - loss: 0.1234".

    Args:
        what: the method.
        verbose: 0 prints nothing; 1, 2 and "auto" the line.
        clock: for tests.

    Raises:
        InvalidArgumentError: another `verbose`.
    """

    def __init__(self, what: str, verbose: Any, clock: Clock = SYSTEM) -> None:
        self.what, self.clock = what, clock
        self.wanted = bool(verbosity(verbose, what, "a line, as 2 does"))
        self._began = clock.monotonic()

    def end(self, examples: int, values: Mapping[str, Any] | None = None) -> None:
        """Prints it: so many examples, and what was found of them."""
        if self.wanted:
            took = duration(self.clock.monotonic() - self._began)
            texts = [self.what, f"{examples:,} examples", took, *([shown(values)] if values else [])]
            print(" - ".join(texts), file=sys.stdout, flush=True)
