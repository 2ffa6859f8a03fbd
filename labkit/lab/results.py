"""From the store to the table: what `lk.run` and `labkit run` end with."""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import ConfigError, StoreError
from labkit.lab.experiments import Experiment, load, refuse_while_loading
from labkit.lab.policy import read as read_policy
from labkit.lab.progress import Progress
from labkit.lab.rows import TrialRow
from labkit.lab.runner import Outcome, run_apart
from labkit.lab.store import Store
from labkit.lab.sweep import plan
from labkit.report import comparison, table as _table

if TYPE_CHECKING:
    import pandas


def run(
    experiment: Experiment | str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    sweep: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    search: str | Mapping[str, Any] | None = None,
    max_trials: int | None = None,
    seeds: int | Sequence[int] | None = None,
    jobs: int = 1,
    executor: str | Mapping[str, Any] = "local",
    logs: str | os.PathLike[str] = "logs",
    quick: bool = False,
    again: bool = False,
    progress: Progress | None = None,
    on_error: str = "continue",
    max_time: str | float | None = None,
    trial_time: str | float | None = None,
    trial_memory: str | int | None = None,
) -> Results:
    """Run an experiment over configurations and seeds.

    Args:
        experiment: an experiment, or the file that defines it. Trials are processes that load this file anew.
        set: key -> value, fixed for all configurations.
        sweep: key -> a list of values, or a domain of `lk.space`; or a list of configurations, key -> value.
        search: what chooses configurations, such as "random" or {"name": "asha", "min_steps": 100}; None: every combination of
            the values where all are listed, random draws elsewhere.
        max_trials: how many trials the sweep may have; None: all, where they have an end.
        seeds: repeats of each configuration, with seeds 0, 1, ...; or the seeds themselves; None: as the experiment declares.
        jobs: trials at the same time.
        executor: where they run, such as "local" (processes of this machine) or {"name": "ray", "address": "auto"}.
        logs: where the store and the trials' folders are.
        quick: use the experiment's quick settings.
        again: repeat a sweep that is finished.
        on_error: what follows when a trial fails: "continue", "stop" or "retry:N".
        max_time: when to stop; the same call continues. Seconds, or as "2h".
        trial_time: how long an attempt at a trial may take.
        trial_memory: how much memory a trial may use: bytes, or as "2GB".

    Returns:
        The results: in a notebook they show the table.

    Raises:
        ConfigError: this is no experiment, unknown key, value of another type, a search that does not fit the space, or without
            an end.
        StoreError: the store cannot be used, or another runner works on the same sweep.
        KeyboardInterrupt: a signal stopped it; what its trials came to is saved, and the same call continues.
    """
    if not isinstance(experiment, Experiment | str | os.PathLike):
        raise ConfigError(
            "This is no experiment",
            rule="it is a function under @lk.experiment, or its file",
            received=repr(experiment),
        )
    found = experiment if isinstance(experiment, Experiment) else load(experiment)
    refuse_while_loading(found.path)
    configs = sweep if isinstance(sweep, list | tuple) else ()
    for name, given in (("set", set), *(("sweep", each) for each in configs or (sweep,))):
        if given is not None and not isinstance(given, Mapping):
            raise ConfigError(
                f"{name} is no mapping", rule=f'write {name}={{"key": ...}}, as a dict', received=repr(given)
            )
    policy = read_policy(on_error, max_time=max_time, trial_time=trial_time, trial_memory=trial_memory)
    planned = plan(found, sets=set or {}, sweeps=sweep or {}, quick=quick, search=search)
    seeds = found.seeds if seeds is None else seeds
    return report(
        run_apart(
            planned,
            seeds=seeds,
            jobs=jobs,
            max_trials=max_trials,
            logs=logs,
            again=again,
            executor=executor,
            policy=policy,
            progress=progress,
        )
    )


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Results:
    """What a sweep found.

    Attributes:
        table: a pandas frame with a row for each configuration: see `labkit.report.table.table`.
        remarks: the sentences below it.
        outcome: the sweep's and its trials' rows in the store, and how this run ended.
    """

    table: pandas.DataFrame
    remarks: list[str]
    outcome: Outcome
    _results: list[_table.Result]
    _question: _table.Question

    @property
    def folder(self) -> Path:
        """The sweep's folder: sweep.json, a folder for each trial, report/."""
        return self.outcome.logs / self.outcome.sweep.folder

    @property
    def best(self) -> dict[str, Any] | None:
        """The best configuration by the experiment's metric, its mean over the seeds that all have in common; None where no
        trial has one. How surely it is better the remarks say."""
        return comparison.best(self._results, self._question)

    def trials(self) -> pandas.DataFrame:
        """A row for each trial: its folder, configuration, seed, state, attempts, seconds, reason, and final figures; a key
        that is named as one of these is `config.KEY`."""
        import pandas

        rest = [
            {
                "seed": row.seed,
                "state": row.state,
                "attempts": row.attempt,
                "seconds": row.seconds,
                "reason": row.reason or "",
                **result.metrics,
            }
            for row, result in zip(self.outcome.trials, self._results, strict=True)
        ]
        keys = dict.fromkeys(key for row in self.outcome.trials for key in row.config)
        headings = _table.headings_of(keys, {"trial", *(name for own in rest for name in own)})
        return pandas.DataFrame(
            {
                "trial": row.folder,
                **{headings[key]: value for key, value in row.config.items()},
                **own,
            }
            for row, own in zip(self.outcome.trials, rest, strict=True)
        )

    def series(self, name: str) -> pandas.DataFrame:
        """A figure over the steps, such as "validation/loss": columns trial, the keys swept over, seed, step, value.

        It has the validation points of `trial.fit`; every step is in the trials' metrics.jsonl.
        """
        import pandas

        headings = _table.headings_of(self._question.keys, ("trial", "seed", "step", "value"))
        store = Store(self.outcome.logs)
        try:
            rows = [
                {
                    "trial": row.folder,
                    **{heading: row.config.get(key) for key, heading in headings.items()},
                    "seed": row.seed,
                    "step": s,
                    "value": v,
                }
                for row in self.outcome.trials
                for s, v in store.series(row.sweep, row.number, name)
            ]
        finally:
            store.close()
        return pandas.DataFrame(rows, columns=["trial", *headings.values(), "seed", "step", "value"])

    def __repr__(self) -> str:
        headings, rows = _table.text_table(self.table)
        lines = ["  ".join(line) for line in _aligned([headings, *rows])]
        return "\n".join([*lines, *self.remarks])

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in self.remarks)
        return f"{self.table.to_html()}{remarks}"


def _aligned(lines: list[list[str]]) -> list[list[str]]:
    wide = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return [[cell.rjust(width) for cell, width in zip(line, wide, strict=True)] for line in lines]


def results_of(trials: Sequence[TrialRow], figures: Mapping[int, Mapping[str, float]]) -> list[_table.Result]:
    """Trials as a report takes them; `figures`: number -> name -> final figure."""
    return [
        _table.Result(
            config=trial.config,
            seed=trial.seed,
            state=trial.state,
            reason=trial.reason or "",
            seconds=trial.seconds,
            data=tuple(dict.fromkeys(entry["name"] for entry in trial.data)),
            metrics=dict(figures.get(trial.number, {})),
        )
        for trial in trials
    ]


def report(outcome: Outcome) -> Results:
    """What a sweep found, from the store; also written to report/ in the sweep's folder."""
    sweep = outcome.sweep
    store = Store(outcome.logs)
    try:
        figures = store.metrics(sweep.id)
    finally:
        store.close()
    results = results_of(outcome.trials, figures)
    question = _table.Question(tuple(sweep.space), sweep.metric, sweep.reference_error, sweep.direction)
    frame = _table.table(results, question)
    remarks = [text for text in (comparison.comparison(results, question), *_remarks(outcome)) if text]
    folder = outcome.logs / sweep.folder / "report"
    try:
        _table.write(frame, folder, f"{sweep.experiment}, sweep {sweep.id}", [sweep.doc, *remarks])
    except OSError as error:
        raise StoreError(
            f"The report cannot be written to {folder} ({error.strerror})",
            fix="The trials are safe in the store: free some space and run the same command again.",
        ) from error
    return Results(frame, remarks, outcome, results, question)


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
