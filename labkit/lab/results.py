"""From the store to the table: what `lk.run` and `labkit run` end with."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.errors import StoreError
from labkit.lab.experiments import Experiment, load, refuse_while_loading
from labkit.lab.progress import Progress
from labkit.lab.runner import Outcome, run_sweep
from labkit.lab.store import Store
from labkit.lab.sweep import plan
from labkit.report import table as _table

if TYPE_CHECKING:
    import pandas


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
    refuse_while_loading(found.path)
    planned = plan(found, sets=set or {}, sweeps=sweep or {}, quick=quick)
    return report(run_sweep(planned, seeds=seeds, jobs=jobs, logs=logs, again=again, progress=progress)).table


@dataclasses.dataclass(frozen=True)
class Report:
    """The table of a sweep and the sentences below it."""

    table: pandas.DataFrame
    remarks: list[str]


def report(outcome: Outcome) -> Report:
    """The table of a sweep from the store; also written to report/ in the sweep's folder."""
    sweep = outcome.sweep
    store = Store(outcome.logs)
    try:
        figures = store.metrics(sweep.id)
        trials = store.trials(sweep.id)
    finally:
        store.close()
    results = [
        _table.Result(
            config=trial.config,
            seed=trial.seed,
            state=trial.state,
            reason=trial.reason or "",
            seconds=trial.seconds,
            data=tuple(entry["name"] for entry in trial.data),
            metrics=figures.get(trial.number, {}),
        )
        for trial in trials
    ]
    question = _table.Question(tuple(sweep.space), sweep.metric, sweep.reference_error)
    frame = _table.table(results, question)
    remarks = [text for text in (_table.comparison(results, question), *_remarks(outcome)) if text]
    folder = outcome.logs / sweep.folder / "report"
    try:
        _table.write(frame, folder, f"{sweep.experiment}, sweep {sweep.id}", [sweep.doc, *remarks])
    except OSError as error:
        raise StoreError(
            f"The report cannot be written to {folder} ({error.strerror})",
            fix="The trials are safe in the store: free some space and run the same command again.",
        ) from error
    return Report(frame, remarks)


def _remarks(outcome: Outcome) -> list[str]:
    entries = [entry for trial in outcome.trials for entry in trial.data]
    replaced = {entry["requested"]: entry["name"] for entry in entries if entry["name"] != entry["requested"]}
    remarks = [
        f"NOT {wanted.upper()}: the trials ran on {used}, as {wanted} was not to be had. The figures say nothing about it."
        for wanted, used in replaced.items()
    ]
    targets: dict[str, list[str]] = {}
    for trial in outcome.trials:
        if trial.state == "COMPLETED":
            targets.setdefault(trial.made.get("target", "unknown"), []).append(trial.folder)
    if len(targets) > 1:
        shares = "; ".join(f"{target}: {', '.join(names)}" for target, names in sorted(targets.items()))
        remarks.append(f"The trials were computed by different kernels, whose last bits differ ({shares}).")
    if outcome.sweep.settings["quick"]:
        remarks.append("A quick run: it shows that the experiment works, not how well.")
    return remarks
