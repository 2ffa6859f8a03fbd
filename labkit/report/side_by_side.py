"""Trials and sweeps side by side: in what they differ, and by how much, paired by seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.report.statistics import Estimate, estimate, paired_difference
from labkit.report.table import Group, Result, groups


@dataclasses.dataclass(frozen=True)
class Line:
    """One figure of one configuration, in several sweeps.

    Attributes:
        config: the keys that vary in any of the sweeps, with their values.
        values: the mean over the seeds of each sweep; of n = 0 where a sweep does not have that configuration.
        differences: of each sweep but the first: the mean of its value less the first one's, over the seeds that both have.
        comparable: whether all were run on the same data; else no difference means anything.
    """

    config: dict[str, Any]
    figure: str
    values: list[Estimate]
    differences: list[Estimate]
    comparable: bool


def differing(mappings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The keys whose values are not the same in all, with the value in each; None where one does not have the key."""
    keys = dict.fromkeys(key for mapping in mappings for key in mapping)
    found = {key: [mapping.get(key) for mapping in mappings] for key in keys}
    present = {key: [key in mapping for mapping in mappings] for key in keys}
    return {
        key: values
        for key, values in found.items()
        if any(not _same(value, values[0]) for value in values) or not all(present[key])
    }


def side_by_side(sweeps: Sequence[Sequence[Result]], keys: Sequence[str], figures: Sequence[str]) -> list[Line]:
    """A line for each configuration (what `keys` are in it) that two of the sweeps have, and each figure.

    Args:
        keys: the keys that vary in any of the sweeps. What the sweeps differ in beside them is what is compared.
    """
    found = [_by_choice(results, keys) for results in sweeps]
    choices = {text: group for each in found for text, group in each.items()}
    lines = []
    for text, group in choices.items():
        having = [each.get(text) for each in found]
        if sum(other is not None for other in having) < 2:
            continue
        for figure in figures:
            values = [other.values(figure) if other else {} for other in having]
            lines.append(
                Line(
                    {key: group.config.get(key) for key in keys},
                    figure,
                    [estimate(list(each.values())) for each in values],
                    [paired_difference(each, values[0]) for each in values[1:]],
                    len({other.data for other in having if other and other.completed}) < 2,
                )
            )
    return lines


def _by_choice(results: Sequence[Result], keys: Sequence[str]) -> dict[str, Group]:
    found: dict[str, Group] = {}
    for group in groups(results):
        text = repr([group.config.get(key) for key in keys])
        if text not in found or not found[text].completed:
            found[text] = group
    return found


def _same(one: Any, other: Any) -> bool:
    return one == other or repr(one) == repr(other)  # NaN is not equal to itself
