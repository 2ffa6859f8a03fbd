"""The grid: every combination of the values of each key."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from labkit.errors import ConfigError
from labkit.lab import plain
from labkit.lab.search.base import Searcher
from labkit.lab.space.domains import Domain, Values


class GridSearcher(Searcher):
    """Every combination, the last key varying fastest; of an empty space one, without any key."""

    adaptive = False

    def begin(self, space: Mapping[str, Domain]) -> None:
        listed: list[tuple[Any, ...]] = []
        for name, domain in space.items():
            if not isinstance(domain, Values):
                raise ConfigError(
                    f"A grid needs values, and {name} has none to list",
                    received=str(domain),
                    fix=f"List them, as in --sweep {name}=a,b,c, or draw: --search random --max-trials N.",
                )
            listed.append(domain.values)
        choices = (dict(zip(space, choice, strict=True)) for choice in itertools.product(*listed))
        self._left = {plain.dumps(choice): choice for choice in choices}

    def ask(self) -> dict[str, Any] | None:
        return self._left.pop(next(iter(self._left))) if self._left else None

    def recall(self, config: Mapping[str, Any]) -> None:
        self._left.pop(plain.dumps(config), None)
