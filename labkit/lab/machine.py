"""What the bits of a result depend on beside code, configuration, seed and data."""

from __future__ import annotations

import platform
from pathlib import Path

import labkit
from labkit.core.target import active_target
from labkit.plugins import installed


def made_by() -> dict[str, str]:
    """`target` (the kernels in use), `processor` (its name) and `labkit` (the version) of this process."""
    return {"target": active_target(), "processor": _processor(), "labkit": labkit.__version__}


def plugin_versions() -> dict[str, str]:
    """Distribution -> version, of labkit and of every package whose plugins this process would load."""
    return {source.distribution: source.version for source in installed()}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
