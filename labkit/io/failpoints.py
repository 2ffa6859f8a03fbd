"""Fail points: places where a test makes an operation on files fail, or the process die.

`LABKIT_FAIL=op:n:action` fails the n-th (from 1) passage of the point `op`; several are separated by commas. `op` is
one of open, write, fsync, replace, remove, mkdir, truncate, or `any` for all of them together; the action is the name
of an errno ("ENOSPC") or "kill" (SIGKILL to this process). A write is torn: half of its bytes reach the file before it
fails.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from labkit.errors import ConfigError

POINTS = ("open", "write", "fsync", "replace", "remove", "mkdir", "truncate")
"""The points that labkit.io passes; other packages may pass points of their own names."""


@dataclass
class _Point:
    op: str
    left: int
    action: str


armed: list[_Point] = []
"""The fail points still to come; empty in normal life, which is all that `reach` then looks at."""


def reach(op: str, before: Callable[[], object] | None = None) -> None:
    """Passes the point `op`; `before` does the half of the operation that still happens when it fails here.

    Raises:
        OSError: the point was armed with an errno.
    """
    if armed:
        _reach(op, before)


def _reach(op: str, before: Callable[[], object] | None) -> None:
    for point in armed:
        if point.op not in (op, "any"):
            continue
        point.left -= 1
        if point.left == 0:
            armed.remove(point)
            if before is not None:
                before()
            if point.action == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            number = getattr(errno, point.action)
            raise OSError(number, f"{os.strerror(number)} (fail point {op})")


def parse(text: str) -> list[_Point]:
    """The fail points that a value of LABKIT_FAIL names.

    Raises:
        ConfigError: it is malformed.
    """
    points = []
    for part in filter(None, text.split(",")):
        op, _, rest = part.partition(":")
        number, _, action = rest.partition(":")
        if not op or not number.isascii() or not number.isdigit() or int(number) < 1:
            raise _malformed(text)
        if action != "kill" and not (action.isupper() and isinstance(getattr(errno, action, None), int)):
            raise _malformed(text)
        points.append(_Point(op, int(number), action))
    return points


def _malformed(text: str) -> ConfigError:
    return ConfigError(
        "LABKIT_FAIL is malformed",
        rule="It is a list of op:n:action, with n from 1 and the name of an errno or 'kill' as action",
        received=repr(text),
        fix="Write for example LABKIT_FAIL=write:3:ENOSPC, or unset it.",
    )


@contextmanager
def failing(text: str) -> Iterator[None]:
    """Arms the fail points of `text` inside the block."""
    before = armed.copy()
    armed[:] = parse(text)
    try:
        yield
    finally:
        armed[:] = before


armed.extend(parse(os.environ.get("LABKIT_FAIL", "")))
