"""Telling an error with its place: the operation, and the line of the user's program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.core.shapes import show
from labkit.errors import LabkitError

if TYPE_CHECKING:
    from labkit.core.tensor import Tensor

_PACKAGE = str(Path(__file__).resolve().parents[1])


def explain(error: LabkitError, what: str, inputs: Sequence[Tensor] = ()) -> LabkitError:
    """The same error with its subject put in front, and the inputs when the rule did not show what it received."""
    received = error.received or ", ".join(f"{x.name} {show(x.dims)} {x.dtype.name}" for x in inputs)
    return type(error)(error.what or what, rule=error.rule, received=received, fix=error.fix)


def user_line() -> str:
    """The "file:number" of the innermost caller outside labkit."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "<unknown>:0"
