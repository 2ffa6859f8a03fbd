"""Names that a public module does not have: the error says which is meant."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from labkit.errors import MissingNameError
from labkit.near import near_names
from labkit.public import GROUPS, MODULES, NAMES, RENAMED


def functions() -> Iterator[str]:
    """Every public name of a graph's functions and classes behind `labkit.`: "matmul", "nn.conv2d"."""
    yield from (*NAMES, *RENAMED)
    for group in GROUPS:
        yield from (f"{group}.{name}" for name in importlib.import_module(f"labkit.{MODULES[group]}").__all__)


def missing(name: str, group: str = "", known: Iterable[str] = ()) -> AttributeError:
    """The error for a name that `labkit`, or its module `group`, does not have.

    Args:
        known: the names that the module has.
    """
    what = f"module {'labkit.' + group if group else 'labkit'!r} has no attribute {name!r}"
    if name.startswith("_") or _is_module(name, group):  # Python itself asks for __path__, and for what it then imports
        return AttributeError(what)
    prefix = f"lk.{group}." if group else "lk."
    here = near_names(name, known, cutoff=0.75)
    others: dict[str, str] = {}
    for dotted in functions():  # the first one counts: lk.matmul before lk.linalg.matmul
        others.setdefault(dotted.rpartition(".")[2], f"lk.{dotted}")
    elsewhere = [others[found] for found in near_names(name, others, cutoff=0.9) if found not in here]
    near = [*(prefix + found for found in here), *elsewhere]
    return MissingNameError(what, name=name, fix=f"Did you mean {' or '.join(near)}?" if near else "")


def _is_module(name: str, group: str) -> bool:
    """Whether it is a module inside `labkit.group`: `from labkit.group import name` asks for the attribute first."""
    package = f"labkit.{group}" if group else "labkit"
    found = name.isidentifier() and hasattr(sys.modules.get(package), "__path__")
    return found and importlib.util.find_spec(f"{package}.{name}") is not None


def missing_in(group: str, known: Iterable[str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names are all there already: what is asked for is missing."""

    def __getattr__(name: str) -> Any:
        raise missing(name, group, known)

    return __getattr__
