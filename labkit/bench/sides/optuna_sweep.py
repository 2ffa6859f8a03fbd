"""Optuna's side of the sweep benchmark: processes that share its SQLite storage, each with PyTorch."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trials import RATES, answer

STUDY = "small_network"


def _address(task: dict[str, Any]) -> str:
    return f"sqlite:///{Path(task['folder']) / 'optuna.sqlite'}"


def _work(task: dict[str, Any], count: int, seed: int) -> None:
    """One of the processes, which runs its share of the trials."""
    import optuna
    import torch
    from torch_trial import train

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def trial(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", *RATES, log=True)
        return train(task["network"], task["steps"], rate)

    sampler = optuna.samplers.RandomSampler(seed=seed)
    optuna.load_study(study_name=STUDY, storage=_address(task), sampler=sampler).optimize(trial, n_trials=count)


def sweep(task: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(study_name=STUDY, storage=_address(task))
    jobs, trials = task["jobs"], task["trials"]
    spawn = multiprocessing.get_context("spawn")
    workers = [
        spawn.Process(target=_work, args=(task, trials // jobs + (place < trials % jobs), place))
        for place in range(jobs)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            sys.exit(worker.exitcode)

    def told() -> dict[str, Any]:
        import torch

        done = [trial for trial in study.get_trials() if trial.state == optuna.trial.TrialState.COMPLETE]
        return {
            "version": f"{optuna.__version__}, torch {torch.__version__}",
            "ends": [trial.datetime_complete.timestamp() for trial in done if trial.datetime_complete],
            "costs": [trial.value for trial in done],
        }

    return told


if __name__ == "__main__":
    answer(sweep)
