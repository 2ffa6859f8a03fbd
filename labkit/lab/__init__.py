"""Experiments: typed configurations, sweeps, trials as processes, and the store of what became of them."""

from __future__ import annotations

from typing import Any

from labkit.missing_names import missing

_HOMES = {
    "ComponentOf": "values",
    "Experiment": "experiments",
    "experiment": "experiments",
    "run": "results",
    "Store": "store",
    "Trial": "worker.trial",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise missing(name, "lab", _HOMES)
    import importlib

    return getattr(importlib.import_module(f"labkit.lab.{_HOMES[name]}"), name)
