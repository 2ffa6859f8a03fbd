"""Time: durations from the monotonic clock, labels from the wall clock. Nothing is ever ordered by wall time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The system's clocks."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes backwards."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970; may jump either way."""
        return time.time()

    def label(self) -> str:
        """The wall time for people, in UTC: "2026-01-31T12:00:00Z"."""
        return datetime.fromtimestamp(self.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ManualClock(Clock):
    """A clock that moves only when told, for tests.

    Args:
        wall: the wall time it starts at, in seconds since 1970.
    """

    def __init__(self, wall: float = 0.0) -> None:
        self._monotonic, self._wall = 0.0, wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Lets that much time pass on both clocks."""
        self._monotonic += seconds
        self._wall += seconds

    def set_wall(self, wall: float) -> None:
        """Moves the wall clock alone, as an administrator or NTP does."""
        self._wall = wall


SYSTEM = Clock()
