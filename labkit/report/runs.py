"""Run a sweep and report on it: what `lk.run` and `labkit run` do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.errors import StoreError
from labkit.lab.experiments import Experiment, load
from labkit.lab.progress import Progress
from labkit.lab.runner import Outcome, run_sweep
from labkit.lab.store import Store
from labkit.lab.sweep import plan
from labkit.report import table as _table

if TYPE_CHECKING:
    import pandas


@dataclasses.dataclass(frozen=True)
class Report:
    """The table of a sweep and the sentences below it."""

    table: pandas.DataFrame
    remarks: list[str]
    folder: str


def run(
    experiment: Experiment | str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    seeds: int = 1,
    jobs: int = 1,
    logs: str | os.PathLike[str] = "logs",
    quick: bool = False,
    again: bool = False,
    progress: Progress | None = None,
) -> pandas.DataFrame:
    """Run an experiment over configurations and seeds and return its table, one row per configuration.

    Args:
        experiment: an experiment, or the file that defines it. Trials are processes that load this file anew.
        set: key -> value, fixed for all configurations.
        sweep: key -> values; every combination is a configuration.
        seeds: repeats of each configuration, with seeds 0, 1, ...
        jobs: trials at the same time.
        logs: where the store and the trials' folders are.
        quick: use the experiment's quick settings.
        again: repeat a sweep that is finished.

    Raises:
        ConfigError: unknown key, value of another type.
        StoreError: the store cannot be used, or another runner works on the same sweep.
    """
    found = experiment if isinstance(experiment, Experiment) else load(experiment)
    planned = plan(found, sets=set or {}, sweeps=sweep or {}, quick=quick)
    return report(run_sweep(planned, seeds=seeds, jobs=jobs, logs=logs, again=again, progress=progress)).table


def report(outcome: Outcome) -> Report:
    """The table of a sweep from the store; also written to report/ in the sweep's folder."""
    store = Store(outcome.logs)
    try:
        frame = _table.table(store, outcome.sweep)
        remarks = _remarks(store, outcome)
    finally:
        store.close()
    folder = outcome.logs / outcome.sweep.folder / "report"
    title = f"{outcome.sweep.experiment}, sweep {outcome.sweep.id}"
    try:
        _table.write(frame, folder, title, [outcome.sweep.doc, *remarks])
    except OSError as error:
        raise StoreError(
            f"The report cannot be written to {folder} ({error.strerror})",
            fix="The trials are safe in the store: free some space and run the same command again.",
        ) from error
    return Report(frame, remarks, str(folder))


def _remarks(store: Store, outcome: Outcome) -> list[str]:
    remarks = [_table.comparison(store, outcome.sweep)]
    replaced: dict[str, str] = {}
    for trial in outcome.trials:
        for entry in trial.data:
            if entry["name"] != entry["requested"]:
                replaced[entry["requested"]] = entry["name"]
    remarks += [
        f"Not run on {wanted}, which was not to be had, but on {used}: the figures say nothing about {wanted}."
        for wanted, used in replaced.items()
    ]
    if outcome.sweep.settings["quick"]:
        remarks.append("A quick run: it shows that the experiment works, not how well.")
    return [remark for remark in remarks if remark]



