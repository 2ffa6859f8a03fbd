"""What `--search` means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.lab import values
from labkit.lab.space.domains import Domain, Values


def read_search(given: str | Mapping[str, Any] | None, space: Mapping[str, Domain]) -> dict[str, Any]:
    """The searcher's name and settings, as `resolve("searchers", ...)` takes them.

    Args:
        given: `random` or `asha(min_steps=100, reduction_factor=3)`, a mapping, or None for the default: the grid where every
            domain is a list, random draws elsewhere.

    Raises:
        ConfigError: the text is none of this form.
    """
    if given is None:
        return {"name": "grid" if all(isinstance(domain, Values) for domain in space.values()) else "random"}
    return values.named(given, "A search")
