"""What a searcher is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.lab.space.domains import Domain


class Searcher:
    """Chooses configurations. It makes values small; where a metric is to be large, it sees its negative.

    A runner calls `begin` once, then `ask` whenever there is room for a configuration, and says with `report` and `tell`
    what became of those that were asked for. A searcher writes nothing down: a runner that goes on with a sweep of an earlier
    process makes a new one and tells it all that the store knows, in the order in which it happened, with `recall` in the
    place of `ask`, and the configurations first. So what a searcher decides follows from its settings and from what it was
    told, never from the clock, nor from a random state of its own: random numbers are functions of seed and number.

    Attributes:
        adaptive: whether what it asks for depends on results; else all is asked for at the beginning, where there is an end.
        rungs: rising steps at which it decides whether a trial goes on; none where it never ends one. A figure counts for the
            last rung at or before its step. With rungs, the first seed of a configuration is run alone, the others when it
            has come to its end.
    """

    adaptive = True
    rungs: Sequence[int] = ()

    def begin(self, space: Mapping[str, Domain]) -> None:
        """The space: a domain for every key that varies, each behind the keys that its conditions speak of.

        Else their order is as it comes, and may be another when a sweep goes on: what an adaptive searcher asks for must not
        depend on it.

        Raises:
            ConfigError: it cannot search that space.
        """
        raise NotImplementedError

    def ask(self) -> dict[str, Any] | None:
        """The next configuration: a value for every key of the space whose conditions hold, and none asked for before.

        None: nothing, unless something ends first.
        """
        raise NotImplementedError

    def recall(self, config: Mapping[str, Any]) -> None:
        """A configuration that an earlier searcher of the same settings asked for."""
        raise NotImplementedError

    def report(self, number: int, step: int, value: float) -> bool:
        """A figure on the way of a configuration's first seed; True ends that trial.

        It may come twice, from a trial that goes on after an interruption; the second time it changes nothing.

        Args:
            number: of the configuration, in the order in which they were asked for, from 0.
            step: of the trial.
            value: of the metric, finite.
        """
        return False

    def tell(self, number: int, value: float | None) -> None:
        """A configuration came to its end.

        Args:
            number: as of `report`.
            value: of the metric, the mean over its seeds; None where it has none: they failed or were pruned.
        """
