"""Device names, as programs write them around operations; labkit computes on the CPU and keeps them as a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from labkit.errors import InvalidArgumentError

if TYPE_CHECKING:
    from labkit.core.operation import Operation

Placement: TypeAlias = "str | Callable[[Operation], str] | None"
"""A device's name, a function of the operation that gives one, or None: no device from the scopes around."""

_ORDER = ("job", "replica", "task", "device")
_KINDS = ("CPU", "GPU", "TPU")


def parse(name: str) -> dict[str, str]:
    """The parts of a device's name: "/job:a/cpu:0" is {"job": "a", "device": "CPU:0"}.

    Raises:
        InvalidArgumentError: it names no device.
    """
    parts = {}
    for part in filter(None, name.split("/")):
        key, _, value = part.partition(":")
        if key.upper() in _KINDS:
            key, value = "device", part
        if key == "device":
            kind, _, number = value.partition(":")
            value = f"{kind.upper()}:{number or '*'}"
            good = number in ("", "*") or number.isdigit()
        else:
            good = key == "job" if not value.isdigit() else key in _ORDER
        if not good or not value:
            raise InvalidArgumentError(
                f"{name!r} names no device",
                rule="A device is named like '/cpu:0', '/gpu:1' or '/job:worker/task:0/device:CPU:0'",
                received=repr(part),
            )
        parts[key] = value
    return parts


def join(parts: dict[str, str]) -> str:
    """The full name of what `parse` gives."""
    return "".join(f"/{key}:{parts[key]}" for key in _ORDER if key in parts)


def check_placement(placement: Placement) -> Placement:
    """`placement`, which says where operations go.

    Raises:
        InvalidArgumentError: it does not.
    """
    if isinstance(placement, str):
        return join(parse(placement))
    if placement is not None and not callable(placement):
        raise InvalidArgumentError("A device is a name, a function of the operation, or None", received=repr(placement))
    return placement


def place(op: Operation, placements: Sequence[Placement]) -> None:
    """Sets `op.device` as the scopes around it say, the outermost first: a name fills in what the ones inside left open, a
    function decides anew."""
    for placement in reversed(placements):
        if placement is None:
            return
        if callable(placement):
            op.device = placement(op) or ""
        else:
            op.device = join({**parse(placement), **parse(op.device)})
