"""`labkit compare`: trials or sweeps side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from labkit.cli.ls import logs_option, space, states
from labkit.cli.main import debug_option
from labkit.cli.text import columns

if TYPE_CHECKING:
    from labkit.lab.rows import SweepRow, TrialRow
    from labkit.lab.store import Store
    from labkit.report.statistics import Estimate


@click.command()
@click.argument("names", metavar="A B ...", nargs=-1, required=True)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Compare this figure; may be repeated.")
@logs_option
@debug_option
def compare(names: tuple[str, ...], metrics: tuple[str, ...], logs: str) -> None:
    """Show in what trials or sweeps differ: configurations, code, data, and figures.

    Of sweeps each configuration that two of them have is compared with that of A, as the mean over the seeds that both have of
    the difference, and half the width of its 95% interval. Without --metric: all figures of trials, the metric of sweeps.
    """
    from labkit.errors import ConfigError
    from labkit.lab.find import find, open_store

    if len(names) < 2:
        raise ConfigError("There is nothing to compare with", rule="compare takes two trials or sweeps, or more")
    store = open_store(logs)
    try:
        found = [find(store, name) for name in names]
        trials = [(row, trial) for row, trial in found if trial is not None]
        if trials and len(trials) < len(found):
            raise ConfigError(
                "A trial and a sweep cannot be compared",
                rule="all are trials (SWEEP/t0003), or all are sweeps",
                received=", ".join(names),
            )
        if trials:
            _trials(store, trials, metrics)
        else:
            _sweeps(store, [row for row, _ in found], metrics)
    finally:
        store.close()


def _trials(store: Store, found: list[tuple[SweepRow, TrialRow]], metrics: tuple[str, ...]) -> None:
    from labkit.lab.progress import duration
    from labkit.report.side_by_side import differing

    configs = differing([{**trial.config, "seed": trial.seed} for _, trial in found])
    about = [
        {
            "experiment": row.experiment,
            "code": row.code[:10],
            "quick": row.settings.get("quick"),
            "data": ", ".join(f"{entry['name']} {entry['checksum'][:10]}" for entry in trial.data),
            **{f"made by {name}": value for name, value in trial.made.items()},
        }
        for row, trial in found
    ]
    figures = [store.final(trial) for _, trial in found]
    names = _chosen(metrics, list(dict.fromkeys(name for each in figures for name in each)))
    lines = [("", *(f"{row.id}/{trial.folder}" for row, trial in found))]
    lines += [(key, *map(_text, values)) for key, values in {**configs, **differing(about)}.items()]
    lines.append(("state", *(trial.state for _, trial in found)))
    lines.append(("time", *(duration(trial.seconds) for _, trial in found)))
    lines += [(name, *(f"{each[name]:.6g}" if name in each else "-" for each in figures)) for name in names]
    if not configs:
        click.echo("Same configuration and seed.")
    click.echo(columns(lines))


def _sweeps(store: Store, rows: list[SweepRow], metrics: tuple[str, ...]) -> None:
    from labkit.lab.results import results_of
    from labkit.report.side_by_side import differing, side_by_side

    counts = store.counts()
    varied = list(dict.fromkeys(key for row in rows for key in row.space))
    about = [
        {
            "experiment": row.experiment,
            "code": row.code[:10],
            "quick": row.settings.get("quick"),
            "search": row.settings.get("search", "grid"),
            "space": space(row.space),
            "metric": row.metric,
            **{key: value for key, value in row.settings.get("config", {}).items() if key not in varied},
        }
        for row in rows
    ]
    lines = [("", *(row.id for row in rows))]
    lines += [(key, *map(_text, values)) for key, values in differing(about).items()]
    lines.append(("trials", *(states(counts.get(row.id, {})) for row in rows)))
    click.echo(columns(lines) + "\n")
    results = [results_of(store.trials(row.id), store.metrics(row.id)) for row in rows]
    names = _chosen(metrics, list(dict.fromkeys(n for each in results for result in each for n in result.metrics)))
    names = names if metrics else list(dict.fromkeys(row.metric for row in rows))
    found = side_by_side(results, varied, names)
    if not found:
        click.echo("No configuration is in two of them: there is nothing to pair.")
        return
    lines = [(*varied, "figure", *(row.id for row in rows), *(f"{row.id} - {rows[0].id}" for row in rows[1:]), "")]
    for line in found:
        lines.append(
            (
                *(_text(line.config.get(key, "-")) for key in varied),
                line.figure,
                *map(str, line.values),
                *(str(difference) if line.comparable else "-" for difference in line.differences),
                ", ".join(map(_verdict, line.differences)) if line.comparable else "on different data",
            )
        )
    click.echo(columns(lines))


def _chosen(metrics: tuple[str, ...], known: list[str]) -> list[str]:
    """The figures asked for; all where none is."""
    from labkit.errors import NotFoundError
    from labkit.near import quoted_near_names

    for name in metrics:
        if name not in known:
            near = quoted_near_names(name, known)
            raise NotFoundError(
                f"None of these has a figure {name!r}",
                received=", ".join(known) or "no figures",
                fix=f"Did you mean {near}?" if near else "",
            )
    return list(metrics) or known


def _verdict(difference: Estimate) -> str:
    if difference.differs_from_zero:
        return "lower" if difference.mean < 0 else "higher"
    return "within the noise" if difference.n > 1 and difference.half_width >= 0 else "not known"


def _text(value: Any) -> str:
    from labkit.report.shown import shown

    return "-" if value is None else shown(value)
