"""Configurations that somebody wrote down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labkit.errors import ConfigError
from labkit.lab.search.streams import StreamSearcher
from labkit.lab.space.domains import Domain


class ListSearcher(StreamSearcher):
    """These configurations, in this order.

    Args:
        configs: for each a value for every key of the space.

    Raises:
        ConfigError: (when it begins) one of them is no configuration of the space.
    """

    def __init__(self, configs: Sequence[Mapping[str, Any]]) -> None:
        self.configs = [dict(config) for config in configs]

    def begin(self, space: Mapping[str, Domain]) -> None:
        for place, config in enumerate(self.configs, start=1):
            strange = set(config) ^ set(space) or {
                name for name, value in config.items() if not space[name].contains(value)
            }
            if strange:
                raise ConfigError(
                    f"Configuration {place} of the list is none of this space",
                    rule="it has a value of the space for each of its keys",
                    received=", ".join(sorted(strange)),
                )
        super().begin(space)

    def stream(self, space: Mapping[str, Domain]) -> Iterator[dict[str, Any]]:
        return iter([dict(config) for config in self.configs])
