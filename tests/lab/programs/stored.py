"""A run as the store sees it, for strace: says on descriptor 2 what is done."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from labkit.lab.experiments import load
from labkit.lab.removal import remove
from labkit.lab.store import Store
from labkit.lab.sweep import plan


def main(logs: Path, journal: str, trials: int) -> None:
    made = plan(load(Path(__file__).parent / "walk.py"))
    row = made.row(0)
    say("begin")
    store = Store(logs)
    store._db.execute(f"PRAGMA journal_mode = {journal}")
    store.add_sweep(row)
    planned = store.add_trials(row.id, [made.trial(made.config({}), seed) for seed in range(trials)])
    say("planned")
    for trial in planned:
        attempt = store.start(trial)
        with store.batch():
            store.add_metrics(trial, 1, {"loss": float("nan")})
            store.finish(trial, attempt, "COMPLETED", seconds=1.0, metrics={"loss": trial.number / 7})
        say(f"completed {trial.number}")
    (logs / row.folder / "t0001").mkdir(parents=True)
    remove(store, logs, row, store.trials(row.id)[:1])
    say("removed 1")
    store.close()


def say(text: str) -> None:
    os.write(2, text.encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
