"""Reports: statistics over seeds, bias and variance, tables. Computed from the store, which is the truth."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name not in ("report", "run"):
        raise AttributeError(f"module 'labkit.report' has no attribute {name!r}")
    from labkit.report import runs

    return getattr(runs, name)
