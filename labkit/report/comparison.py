"""Which configuration of a sweep is best, and how surely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from labkit.report.shown import shown
from labkit.report.statistics import more_needed, paired_difference
from labkit.report.table import Group, Question, Result, groups

_Candidate: TypeAlias = tuple[Group, dict[int, float]]
"""A configuration, and the metric's value by seed."""


def comparison(results: Sequence[Result], question: Question) -> str:
    """The best configuration by the metric and how surely it beats the others, in a sentence or two; "" for one row.

    Configurations are ranked, as they are tested, over the seeds that all of them have in common.
    """
    metric, found = question.metric, groups(results)
    completed = [group for group in found if group.completed]
    if len(completed) < 2:
        return ""
    candidates, remarks = [], []
    for group in completed:
        values = group.values(metric)
        lost = [f"{value} with seed {seed}" for seed, value in values.items() if not math.isfinite(value)]
        if values and not lost:
            candidates.append((group, values))
        else:
            why = f"its {metric} is {', '.join(lost)}" if lost else f"no trial of it reported {metric}"
            remarks.append(f"{_name(group, question)} is not compared: {why}.")
    if not any(group.values(metric) for group in completed):
        names = dict.fromkeys(name for group in completed for trial in group.completed for name in trial.metrics)
        return f"No trial reported {metric}, by which they should be compared, but {', '.join(names) or 'nothing'}."
    return " ".join(filter(None, [_ranking(candidates, question), *remarks]))


def best(results: Sequence[Result], question: Question) -> dict[str, Any] | None:
    """The configuration that is best by the metric over the seeds that all of them have in common; None where there is none."""
    found = [(group, group.values(question.metric)) for group in groups(results)]
    ranked = _ranked([entry for entry in found if entry[1] and all(map(math.isfinite, entry[1].values()))], question)
    return ranked[0][0].config if ranked else None


def _ranked(candidates: list[_Candidate], question: Question) -> list[_Candidate]:
    """The best first, with values of which the smaller one is better, of the seeds in common; [] where there is none."""
    common = set.intersection(*(set(values) for _, values in candidates)) if candidates else set()
    sign = -1.0 if question.direction == "maximize" else 1.0
    costs = [(group, {seed: sign * values[seed] for seed in sorted(common)}) for group, values in candidates]
    return sorted(costs, key=lambda entry: math.fsum(entry[1].values())) if common else []


def _ranking(candidates: list[_Candidate], question: Question) -> str:
    if len(candidates) < 2:
        return ""
    metric = question.metric
    ranked = _ranked(candidates, question)
    if not ranked:
        return f"The configurations have no seed in common: their {metric} cannot be compared."
    (best, first), *others = ranked
    extreme = f"{'Highest' if question.direction == 'maximize' else 'Lowest'} {metric}"
    name = _name(best, question)
    gaps = []
    for other, values in others:
        if other.data != best.data:
            return f"{name} and {_name(other, question)} were run on different data: their {metric} cannot be compared."
        gaps.append((_name(other, question), paired_difference(values, first)))
    if len(first) < 2:
        return f"{extreme}: {name}; with 1 seed in common nothing says whether that is noise."
    near = [entry for entry in gaps if not entry[1].low > 0.0]
    other_name, gap = (near or gaps)[0]
    difference = f"{gap.mean:.4g} ± {gap.half_width:.2g}, paired over {gap.n} seeds"
    if not near:
        return f"{extreme}: {name}, by {difference}, before {other_name}."
    more = more_needed(gap)
    needed = f"; about {more} more seed{'s' * (more != 1)} needed" if more else ""
    return f"{extreme}: {name}, but {other_name} is within noise ({difference}{needed})."


def _name(group: Group, question: Question) -> str:
    return " ".join(f"{key}={shown(group.config[key])}" for key in question.keys if key in group.config) or group.data
