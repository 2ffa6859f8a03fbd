"""Goes on with a sweep that is named by its id: `labkit resume SWEEP`."""

from __future__ import annotations

import math
from typing import Any

from labkit.errors import ConfigError
from labkit.lab.experiments import load
from labkit.lab.policy import Policy
from labkit.lab.rows import SweepRow
from labkit.lab.runner import Outcome, run_sweep
from labkit.lab.space.conditions import count
from labkit.lab.space.reading import from_spec
from labkit.lab.store import Store
from labkit.lab.sweep import Sweep, plan


def sweep_of(row: SweepRow) -> Sweep:
    """The sweep that a row of the store tells of, with its experiment as it is now.

    Raises:
        ConfigError: the experiment's file is gone, or its configuration has other keys now.
    """
    space = {name: from_spec(spec) for name, spec in row.space.items()}
    settings = row.settings
    return plan(
        load(row.file),
        sets=settings["config"],
        sweeps=space,
        quick=settings["quick"],
        search=settings.get("search", "grid"),
    )


def resume(
    store: Store, row: SweepRow, *, seeds: int | None = None, allow_changed: bool = False, **how: Any
) -> Outcome:
    """Runs what is left of a sweep.

    Args:
        seeds: repeats of each configuration; None for as many as it has already: then random draws without an end need no
            max_trials, and those go on that were drawn.
        allow_changed: go on also where the code is another now; what has completed stays as it is.
        how: the other arguments of `run_sweep`.

    Raises:
        ConfigError: the code is another, and that is not allowed.
        StoreError: as of `run_sweep`.
    """
    sweep = sweep_of(row)
    if sweep.id != row.identity:
        if not allow_changed:
            raise ConfigError(
                f"Sweep {row.id} was begun by other code",
                rule="the experiment's code, and the versions of labkit and plugins, are the same in all of its trials",
                received=f"code {sweep.code[:10]} now, {row.code[:10]} then",
                fix="Begin a new sweep with labkit run, or mix the two: --allow-changed.",
            )
        store.add_event(row.id, None, f"Continued by other code ({sweep.code[:10]}), as --allow-changed said.")
    if seeds is None:
        trials = store.trials(row.id)
        seeds = 1 + max((trial.seed for trial in trials), default=0)
        searcher, policy = sweep.searcher(), how.get("policy") or Policy()
        drawn = not searcher.adaptive and not searcher.rungs and count(sweep.space) == math.inf
        if drawn and how.get("max_trials") is None and policy.max_seconds == math.inf:
            how["max_trials"] = len(trials) or None  # all of them were planned before the first one began
    return run_sweep(sweep, seeds=seeds, logs=store.path.parent, row=row, **how)
