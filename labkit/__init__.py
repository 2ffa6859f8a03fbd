"""labkit: a laboratory for neural networks that fits on a laptop.

The usual import is `import labkit as lk`. Names load when they are first used, so that the import itself stays quick.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from labkit.errors import BuildError

try:
    from labkit import (
        native as native,  # first, so that a missing build is said before anything fails in a stranger way
    )
except BuildError as error:
    if sys.argv[:1] == ["-m"]:  # `python -m labkit`: a program says it without a traceback
        sys.exit(f"Error: {error}")
    raise

from labkit.public import MODULES, NAMES, OPERATIONS, RENAMED

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in MODULES:
        value: Any = importlib.import_module(f"labkit.{MODULES[name]}")
    elif name in NAMES or name in RENAMED:
        module, attribute = RENAMED.get(name) or (NAMES[name], name)
        if module.startswith("core"):
            for operations in OPERATIONS:  # the core knows none; its users do
                importlib.import_module(f"labkit.{operations}")
        value = getattr(importlib.import_module(f"labkit.{module}"), attribute)
    else:
        from labkit.missing_names import missing  # where something is missing

        raise missing(name, known=__dir__())
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*MODULES, *NAMES, *RENAMED, "__version__"})
