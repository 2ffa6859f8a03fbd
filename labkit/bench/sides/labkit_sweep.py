"""labkit's side of the sweep benchmark: `lk.run`, with all that a trial writes down."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import labkit as lk
from labkit.bench.sides.batches import Batches
from labkit.bench.works import SMALL


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.01
    steps: int = 500


@lk.experiment(metric="loss")
def small_network(config: Config, trial: lk.Trial) -> None:
    """How fast should the 2-20-1 network learn?"""
    batches = Batches(dataclasses.asdict(SMALL))
    (_, hidden), (_, outputs) = SMALL.layers
    model = lk.Sequential([lk.Input(SMALL.input), lk.layers.Dense(hidden, activation="relu"), lk.layers.Dense(outputs)])
    model.compile(lk.optimizers.Adam(config.learning_rate), "mse")
    trial.fit(model, (batches.x, batches.y), steps=config.steps, batch_size=batches.batch)


def sweep(task: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    from trials import RATES

    logs = Path(task["folder"]) / "logs"
    lk.run(
        __file__,
        set={"steps": task["steps"]},
        sweep={"learning_rate": lk.space.log_uniform(*RATES)},
        max_trials=task["trials"],
        jobs=task["jobs"],
        logs=logs,
    )

    def told() -> dict[str, Any]:
        from labkit.core.target import active_target

        store = sqlite3.connect(logs / "labkit.sqlite")
        ends = store.execute("SELECT started + seconds FROM attempts WHERE state = 'COMPLETED'").fetchall()
        costs = store.execute("SELECT value FROM metrics WHERE step IS NULL AND name = 'train/loss'").fetchall()
        return {
            "version": f"{lk.__version__} ({active_target()})",
            "ends": [end for (end,) in ends],
            "costs": [float(cost) for (cost,) in costs],
        }

    return told


if __name__ == "__main__":
    from trials import answer

    answer(sweep)
