"""Searchers that follow a list made in advance, whatever comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.lab import plain
from labkit.lab.search.base import Searcher
from labkit.lab.space.domains import Domain


class StreamSearcher(Searcher):
    """Asks for the configurations of a stream, leaving out those that are known.

    The stream is the same each time it begins; so where a searcher goes on follows from what was asked for, in any order.

    Attributes:
        known: what was asked for, as JSON.
    """

    adaptive = False

    def begin(self, space: Mapping[str, Domain]) -> None:
        self.known: set[str] = set()
        self._stream = self.stream(space)

    def stream(self, space: Mapping[str, Domain]) -> Iterator[dict[str, Any]]:
        """The configurations, where need be with some that came before; it ends when there are no others."""
        raise NotImplementedError

    def ask(self) -> dict[str, Any] | None:
        for choice in self._stream:
            if self.is_new(choice):
                self.known.add(plain.dumps(choice))
                return choice
        return None

    def recall(self, config: Mapping[str, Any]) -> None:
        self.known.add(plain.dumps(config))

    def is_new(self, config: Mapping[str, Any]) -> bool:
        """Whether it was not asked for before."""
        return plain.dumps(config) not in self.known
