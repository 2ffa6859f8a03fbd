"""Random search (Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, 2012)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from labkit.data.draws import key_of, philox
from labkit.lab.search.streams import StreamSearcher
from labkit.lab.space.conditions import count
from labkit.lab.space.domains import Domain


def draw(space: Mapping[str, Domain], seed: int, number: int) -> dict[str, Any]:
    """A random configuration. The value of a key is a function of the seed, the key and the number alone, so that neither
    other keys nor more trials change it."""
    chosen: dict[str, Any] = {}
    for name, domain in space.items():
        if domain.active(chosen):
            chosen[name] = domain.at(int(philox(key_of(seed, f"search/{name}"), 0, number).random_raw()))
    return chosen


class RandomSearcher(StreamSearcher):
    """Independent draws, none twice; of a space with an end it asks for all configurations.

    Args:
        seed: of the draws; another one gives other configurations.

    Attributes:
        count: how many configurations there are; infinity where there is no end of them.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def begin(self, space: Mapping[str, Domain]) -> None:
        super().begin(space)
        self.count = count(space)

    def stream(self, space: Mapping[str, Domain]) -> Iterator[dict[str, Any]]:
        for number in itertools.count():
            if len(self.known) >= self.count:
                return
            yield draw(space, self.seed, number)
