"""The names of one TF1 module, found when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from labkit.compat.aliases import Alias, table
from labkit.compat.missing import missing_name

ROOT = "labkit.compat.v1"


def has_module(dotted: str) -> bool:
    """Whether there is a file v1/<dotted>.py, or a folder with its __init__.py."""
    path, name = [str(Path(__file__).parent / "v1")], ROOT
    for part in dotted.split("."):
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return False
        path = list(spec.submodule_search_locations or ())
    return True


def names_of(module: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of the module with this name in Python: what the file itself defines comes first, then
    the tables, then TF1's own sub-modules; anything else is missing, and the error says what to use."""
    prefix = module.removeprefix(ROOT).removeprefix(".")
    dotted = prefix + "." if prefix else ""

    def __getattr__(name: str) -> Any:
        line = table().get(dotted + name)
        if line is not None:
            value = Alias.parse(line).resolve()
        elif not name.startswith("_") and has_module(dotted + name):
            return importlib.import_module(f"{module}.{name}")
        elif name.startswith("__"):  # what Python asks of every module, such as __path__
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        else:
            raise missing_name(dotted + name)
        setattr(sys.modules[module], name, value)
        return value

    def __dir__() -> list[str]:
        own = [name for name in vars(sys.modules[module]) if not name.startswith("_") and name != "annotations"]
        listed = [name.removeprefix(dotted).partition(".")[0] for name in table() if name.startswith(dotted)]
        return sorted({*own, *listed})

    return __getattr__, __dir__
