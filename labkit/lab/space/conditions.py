"""Spaces whose keys depend on each other: in which order, which of them vary in a configuration, how many there are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from labkit.errors import ConfigError
from labkit.lab.space.domains import Domain

Space = dict[str, Domain]

MOST_PARENTS = 10_000
"""Values of a key that conditions speak of: each is gone through."""


def settled(space: Mapping[str, Domain], base: Mapping[str, Any], may_drop: Collection[str] = ()) -> Space:
    """The space as searchers see it: every key behind those that it depends on, else in their order; without conditions on
    keys that no sweep varies.

    Args:
        base: the values of those.
        may_drop: keys that are left out where their conditions never hold; of others that is an error.

    Raises:
        ConfigError: conditions that never hold, go round in a circle, or speak of a key without single values.
    """
    found = Space()
    for name, domain in _parents_first(space).items():
        kept, holds = [], True
        for other, values in domain.conditions:
            possible = tuple(value for value in values if _possible(name, other, value, found, base))
            holds = holds and bool(possible) and (len(possible) == len(values) or name in may_drop)
            kept += [(other, possible)] if other in found else []
        if holds:
            found[name] = dataclasses.replace(domain, conditions=tuple(kept))
        elif name not in may_drop:
            others = {other: found.get(other, base.get(other)) for other, _ in domain.conditions}
            raise ConfigError(
                f"The condition of {name} can never hold",
                rule="a condition names values that the other key has in this sweep",
                received=f"{domain}, with {', '.join(f'{other}={values}' for other, values in others.items())}",
                fix="Set or sweep the other key, or leave the condition out.",
            )
    return found


def choice_of(space: Mapping[str, Domain], config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the space that vary in a configuration, with their values: what a searcher chose."""
    chosen: dict[str, Any] = {}
    for name, domain in space.items():
        if domain.active(chosen):
            chosen[name] = config[name]
    return chosen


def corners(space: Mapping[str, Domain]) -> Iterator[dict[str, Any]]:
    """A choice for every combination of values of the keys that conditions speak of; the other keys have some value."""
    parents = _parents(space)

    def extended(items: list[tuple[str, Domain]], chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not items:
            yield chosen
            return
        (name, domain), *rest = items
        values = domain.listed() or (domain.at(0),)
        active = domain.active(chosen)
        for value in (values if name in parents else values[:1]) if active else (None,):
            yield from extended(rest, {**chosen, name: value} if active else chosen)

    return extended(list(space.items()), {})


def count(space: Mapping[str, Domain]) -> float:
    """How many configurations there are; infinity where there is no end of them."""
    parents = _parents(space)
    return sum(math.prod(space[name].size for name in chosen if name not in parents) for chosen in corners(space))


def _parents(space: Mapping[str, Domain]) -> set[str]:
    return {key for domain in space.values() for key, _ in domain.conditions}


def _parents_first(space: Mapping[str, Domain]) -> Space:
    left, found = dict(space), Space()
    while left:
        free = next((name for name in left if not any(key in left for key, _ in left[name].conditions)), None)
        if free is None:
            raise ConfigError(
                f"The conditions of {' and '.join(left)} go round in a circle",
                rule="a key depends on keys that do not depend on it",
            )
        found[free] = left.pop(free)
    return found


def _possible(name: str, other: str, value: Any, space: Space, base: Mapping[str, Any]) -> bool:
    if other not in space:
        return other in base and base[other] == value
    if space[other].size > MOST_PARENTS:
        raise ConfigError(
            f"The condition of {name} speaks of {other}, which is {space[other]}",
            rule=f"a condition is on single values: of a list, or of at most {MOST_PARENTS:,} integers",
        )
    return space[other].contains(value)
