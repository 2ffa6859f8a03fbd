"""labkit: a laboratory for neural networks that fits on a laptop.

The usual import is `import labkit as lk`. Names load when they are first used, so that the import itself stays quick.
"""

from __future__ import annotations

import importlib
from typing import Any

from labkit import native as native  # fails with the way to build, before anything can fail in a stranger way
from labkit.public import MODULES, NAMES, RENAMED

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in MODULES:
        value: Any = importlib.import_module(f"labkit.{MODULES[name]}")
    elif name in NAMES or name in RENAMED:
        module, attribute = RENAMED.get(name) or (NAMES[name], name)
        if module.startswith("core"):
            importlib.import_module("labkit.ops")  # the core knows no operation; its users do
        value = getattr(importlib.import_module(f"labkit.{module}"), attribute)
    else:
        raise AttributeError(f"module 'labkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES, *NAMES, *RENAMED})
