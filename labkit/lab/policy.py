"""What a run does about failures, and how long it may take."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Literal

from labkit.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Policy:
    """How a run goes about what goes wrong.

    Attributes:
        on_error: whether the trials that are left run when one has failed.
        retries: how many more attempts a trial that fails gets in this run; one that diverged gets none, as the same bits would
            diverge again.
        max_seconds: when to stop the run; the trials that run then save and leave, and the same command continues.
    """

    on_error: Literal["continue", "stop"] = "continue"
    retries: int = 0
    max_seconds: float = math.inf


def on_error(text: str) -> tuple[Literal["continue", "stop"], int]:
    """(on_error, retries) of continue, stop or retry:N.

    Raises:
        ConfigError: it is none of these.
    """
    if text == "stop":
        return "stop", 0
    if text == "continue":
        return "continue", 0
    found = re.fullmatch(r"retry:(\d{1,4})", text)
    if not found or int(found[1]) < 1:
        raise ConfigError(
            "--on-error says what happens when a trial fails",
            rule="it is continue, stop or retry:N, N being 1 or more",
            received=repr(text),
        )
    return "continue", int(found[1])
