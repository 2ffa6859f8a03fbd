"""Data sets. `load(name)` returns one; each registered name is also a function here, such as `lk.datasets.mnist()`.

A plugin's data set is a function that returns a `labkit.datasets.base.DataSet`. Its module must have another name than
the function, or it would take the function's place as an attribute of the package.
"""

from __future__ import annotations

from typing import Any

from labkit.datasets.load import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    from labkit.errors import NotFoundError
    from labkit.plugins import current_lab

    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return current_lab().registry("datasets").get(name)
    except NotFoundError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    from labkit.plugins import current_lab

    return sorted({*globals(), *current_lab().registry("datasets").names()})
