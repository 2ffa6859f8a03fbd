"""Names that look like one that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterable


def near_names(name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.6) -> list[str]:
    """Up to `most` known names that look like `name`, the nearest first; `cutoff`: how much alike, 1 is the same.

    Case and underscores do not count. Numbers are meant and not misspelt: what differs by nothing else is nearest, without
    a number sooner than with another one, so that for "max_pool2d" it is "max_pool" and then "max_pool1d".
    """
    import difflib  # where something is missing; importing labkit does without

    different: dict[str, str] = {}
    for candidate in known:
        different.setdefault(_folded(candidate), candidate)
    by_stem: dict[str, list[str]] = {}
    for candidate in different.values():
        by_stem.setdefault(_stem(candidate), []).append(candidate)
    wanted = _stem(name)
    stems = [wanted] if wanted in by_stem else difflib.get_close_matches(wanted, by_stem, n=most, cutoff=cutoff)

    def strange(candidate: str) -> int:
        numbers = _NUMBER.findall(candidate)
        return 0 if numbers == _NUMBER.findall(name) else 2 if numbers else 1

    return [candidate for stem in stems for candidate in sorted(by_stem[stem], key=strange)][:most]


def quoted_near_names(name: str, known: Iterable[str]) -> str:
    """The same as a phrase: "'relu' or 'selu'", or ""."""
    return " or ".join(map(repr, near_names(name, known)))


_NUMBER = re.compile(r"\d+")
_DIMENSIONS = re.compile(r"\d+(?:d(?![a-z]))?")  # the 2d of conv2d_transpose, the 64 of float64


def _stem(name: str) -> str:
    return _folded(_DIMENSIONS.sub("", name.lower())) or name


def _folded(name: str) -> str:
    return name.lower().replace("_", "")
