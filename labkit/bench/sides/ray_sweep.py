"""Ray Tune's side of the sweep benchmark, with PyTorch in its trials."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trials import RATES, answer

HERE = str(Path(__file__).parent)


def sweep(task: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    import ray
    from ray import tune

    network, steps = task["network"], task["steps"]

    def trial(config: dict[str, Any]) -> None:
        import torch
        from torch_trial import train

        torch.set_num_threads(1)
        tune.report({"loss": train(network, steps, config["learning_rate"]), "end": time.time()})

    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    ray.init(
        num_cpus=task["jobs"],
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH")]))}},
    )
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={"learning_rate": tune.loguniform(*RATES)},
        tune_config=tune.TuneConfig(num_samples=task["trials"], metric="loss", mode="min"),
        run_config=tune.RunConfig(storage_path=str(Path(task["folder"]).resolve()), name="small_network", verbose=0),
    )
    results = tuner.fit()

    def told() -> dict[str, Any]:
        found = [result.metrics for result in results if result.error is None and result.metrics]
        version = ray.__version__
        ray.shutdown()
        import torch

        return {
            "version": f"{version}, torch {torch.__version__}",
            "ends": [metrics["end"] for metrics in found],
            "costs": [metrics["loss"] for metrics in found],
        }

    return told


if __name__ == "__main__":
    answer(sweep)
