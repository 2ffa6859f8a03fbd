"""What a run does about failures, and how much it and its trials may take."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Literal

from labkit.errors import ConfigError

_SECONDS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}


@dataclasses.dataclass(frozen=True)
class Policy:
    """How a run goes about what goes wrong, and its limits.

    Attributes:
        on_error: whether the trials that are left run when one has failed.
        retries: how many more attempts a trial that fails gets in this run; one that diverged gets none, as the same bits would
            diverge again.
        max_seconds: when to stop the run; the trials that run then save and leave, and the same command continues.
        trial_seconds: how long an attempt at a trial may take; one that takes longer saves, leaves and has failed.
        trial_memory: bytes that a trial may use, with the processes it starts; None for any number. It is measured several
            times a second; one that uses more is ended and has failed.
        checkpoint_every, checkpoint_seconds: how many steps, or seconds, lie between two checkpoints of `trial.fit`; None
            leaves that to the experiment. It changes no bit of the results.
    """

    on_error: Literal["continue", "stop"] = "continue"
    retries: int = 0
    max_seconds: float = math.inf
    trial_seconds: float = math.inf
    trial_memory: int | None = None
    checkpoint_every: int | None = None
    checkpoint_seconds: float | None = None


def read(
    rule: str = "continue",
    *,
    max_time: str | float | None = None,
    trial_time: str | float | None = None,
    trial_memory: str | int | None = None,
    checkpoint_every: int | None = None,
    checkpoint_time: str | float | None = None,
) -> Policy:
    """A policy as people write it: `rule` is continue, stop or retry:N, times are seconds or as 2h, sizes bytes or as 2GB.

    Raises:
        ConfigError: one of them is none of these.
    """
    stop, retries = on_error(rule)
    if checkpoint_every is not None and (type(checkpoint_every) is not int or checkpoint_every < 1):
        raise ConfigError("--checkpoint-every takes a number of steps, 1 or more", received=repr(checkpoint_every))
    return Policy(
        stop,
        retries,
        max_seconds=math.inf if max_time is None else seconds(max_time, "--max-time"),
        trial_seconds=math.inf if trial_time is None else seconds(trial_time, "--trial-time"),
        trial_memory=None if trial_memory is None else size(trial_memory, "--trial-memory"),
        checkpoint_every=checkpoint_every,
        checkpoint_seconds=None if checkpoint_time is None else seconds(checkpoint_time, "--checkpoint-time"),
    )


def on_error(text: str) -> tuple[Literal["continue", "stop"], int]:
    """(on_error, retries) of continue, stop or retry:N.

    Raises:
        ConfigError: it is none of these.
    """
    if text == "stop":
        return "stop", 0
    if text == "continue":
        return "continue", 0
    found = re.fullmatch(r"retry:(\d{1,4})", str(text))
    if not found or int(found[1]) < 1:
        raise ConfigError(
            "--on-error says what happens when a trial fails",
            rule="it is continue, stop or retry:N, N being 1 or more",
            received=repr(text),
        )
    return "continue", int(found[1])


def seconds(text: str | float, option: str) -> float:
    """A time such as 90, 90s, 15min, 2h or 1d, in seconds; or a number of them.

    Raises:
        ConfigError: it is none above 0.
    """
    return _amount(text, option, "a time above 0, such as 90s, 15min, 2h or 1d", {"": 1.0, **_SECONDS})


def size(text: str | int, option: str) -> int:
    """A number of bytes such as 500MB, 2GB or 2GiB; or as a number.

    Raises:
        ConfigError: it is none above 0.
    """
    text = text.upper() if isinstance(text, str) else text
    return int(_amount(text, option, "a number of bytes, such as 500MB, 2GB or 2GiB", _BYTES))


def _amount(text: str | float, option: str, rule: str, units: dict[str, float] | dict[str, int]) -> float:
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 < text < math.inf:
        return text
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(text).strip())
    if not found or found[2] not in units or float(found[1]) <= 0:
        raise ConfigError(f"{option} takes {rule}", received=repr(text))
    return float(found[1]) * units[found[2]]
