"""The grid: every combination of the values of each key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.errors import ConfigError
from labkit.lab.search.streams import StreamSearcher
from labkit.lab.space.domains import Domain


class GridSearcher(StreamSearcher):
    """Every combination, the last key varying fastest; of an empty space one, without any key."""

    def begin(self, space: Mapping[str, Domain]) -> None:
        for name, domain in space.items():
            if domain.listed() is None:
                raise ConfigError(
                    f"A grid needs values, and {name} has none to list",
                    received=str(domain),
                    fix=f"List them, as in --sweep {name}=a,b,c, or draw: --search random --max-trials N.",
                )
        super().begin(space)

    def stream(self, space: Mapping[str, Domain]) -> Iterator[dict[str, Any]]:
        return _combinations(list(space.items()), {})


def _combinations(items: list[tuple[str, Domain]], chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not items:
        yield chosen
        return
    (name, domain), *rest = items
    if not domain.active(chosen):
        yield from _combinations(rest, chosen)
        return
    for value in domain.listed() or ():
        yield from _combinations(rest, {**chosen, name: value})
