"""The actor between the runner and its trials: it keeps what either has to say until the other takes it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

FULL = 64 * 2**20
"""Bytes of files that wait for the runner; whoever brings more waits until it has taken them."""


class Hub:
    """An asynchronous actor. Messages are pairs (kind, value)."""

    def __init__(self) -> None:
        self._said: list[tuple[int, Any]] = []
        self._bytes = 0
        self._changed = asyncio.Condition()
        self._mail: dict[int, list[Any]] = defaultdict(list)

    async def say(self, ticket: int, messages: list[Any], size: int = 0) -> None:
        """From a trial; returns when the runner's side has it in keeping."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes <= FULL)
            self._said += [(ticket, message) for message in messages]
            self._bytes += size
            self._changed.notify_all()

    async def take(self, timeout: float) -> list[tuple[int, Any]]:
        """For the runner: (ticket, message) of all trials; waits up to `timeout` seconds for the first."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: self._said), timeout)
            except TimeoutError:
                return []
            found, self._said, self._bytes = self._said, [], 0
            self._changed.notify_all()
        return found

    async def post(self, ticket: int, message: Any) -> None:
        """From the runner to a trial, which may not have begun yet."""
        async with self._changed:
            self._mail[ticket].append(message)
            self._changed.notify_all()

    async def mail(self, ticket: int) -> list[Any]:
        """For a trial: waits for the runner's messages."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._mail[ticket])
            found, self._mail[ticket] = self._mail[ticket], []
        return found
