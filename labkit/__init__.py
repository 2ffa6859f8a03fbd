"""labkit: a laboratory for neural networks that fits on a laptop.

The usual import is `import labkit as lk`. Names load when they are first used, so that the import itself stays quick.
"""

from __future__ import annotations

import importlib
from typing import Any

from labkit import native  # fails with the way to build, before anything else can fail in a stranger way
from labkit.public import MODULES, NAMES

__version__ = native.version()


def __getattr__(name: str) -> Any:
    if name in MODULES:
        value: Any = importlib.import_module(f"labkit.{MODULES[name]}")
    elif name in NAMES:
        value = getattr(importlib.import_module(f"labkit.{NAMES[name]}"), name)
    else:
        raise AttributeError(f"module 'labkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES, *NAMES})
