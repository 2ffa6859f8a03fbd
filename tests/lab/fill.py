"""Stores with many trials, made without running any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.lab.experiments import load
from labkit.lab.store import Store
from labkit.lab.sweep import plan

WALK = Path(__file__).parent / "programs" / "walk.py"


def fill(
    logs: Path,
    trials: int,
    *,
    figures: Sequence[dict[str, float]] = (),
    config: dict[str, Any] | None = None,
    reason: str | None = None,
) -> str:
    """A sweep of so many completed trials (failed ones with a `reason`), and its id. `figures`: the final ones of each."""
    made = plan(load(WALK), sweeps={"rate": [0.1, 0.2]}, sets=config or {})
    row = made.row(0)
    store = Store(logs)
    store.add_sweep(row)
    with store.transaction():
        planned = [made.trial(made.config({"rate": 0.1 if n % 2 else 0.2}), n // 2) for n in range(trials)]
        for n, trial in enumerate(store.add_trials(row.id, planned)):
            attempt = store.start(trial)
            final = figures[n] if figures else {"loss": 1.0 / (n + 1)}
            store.add_metrics(trial, 1, final)
            store.add_metrics(trial, 2, {"loss": 1.0})
            state = "FAILED" if reason else "COMPLETED"
            store.finish(trial, attempt, state, seconds=1.0, metrics=final, reason=reason, artefacts={"a": "0" * 64})
    store.close()
    (logs / row.folder).mkdir(parents=True)
    return row.id
