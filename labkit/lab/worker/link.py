"""A worker's link to its runner: what it says, and the two things it listens for, a stop and the runner's death."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from queue import SimpleQueue
from typing import Any

from labkit.lab.executor import PRUNED
from labkit.lab.messages import Channel

PROGRESS_EVERY = 0.1
"""Seconds between two progress messages."""


class Interrupted(BaseException):
    """The trial was asked to leave. Not an Exception: a program's `except Exception` must not keep it."""


class Link:
    """The worker's end of its socket.

    A thread waits for messages, so that a stop is heard while native code runs, and so that the worker ends when its
    runner does, wherever parent-death signals do not exist.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._channel = Channel(sock)
        self._lock = threading.Lock()
        self._progress_at = 0.0
        self.stop_reason: str | None = None
        self._heard: SimpleQueue[None] = SimpleQueue()  # which a signal's handler may use, too

    def listen(self) -> None:
        """Start listening to the runner, and to SIGINT and SIGTERM. For the worker's main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        threading.Thread(target=self._listen, name="labkit-link", daemon=True).start()

    def send(self, kind: str, **values: Any) -> None:
        with self._lock:
            self._channel.send({"kind": kind, **values})

    def progress(self, step: int, steps: int | None, metrics: dict[str, float], phase: str = "") -> bool:
        """Tell where the trial is; most calls say nothing, as the last one was just now. Whether this one did."""
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_EVERY:
            return False
        self._progress_at = now
        self.send("progress", step=step, steps=steps, metrics=metrics, phase=phase)
        return True

    @property
    def stopping(self) -> bool:
        return self.stop_reason is not None

    @property
    def pruned(self) -> bool:
        """Whether the trial was asked to leave for good, so that nothing has to be saved."""
        return self.stop_reason == PRUNED

    def wait(self) -> None:
        """Waits for the runner's verdict about what was just sent: to go on, or to stop."""
        if not self.stopping:
            self._heard.get()

    def check(self) -> None:
        """Raises Interrupted when the trial was asked to leave."""
        if self.stop_reason is not None:
            raise Interrupted(self.stop_reason)

    def _on_signal(self, number: int, _: Any) -> None:
        self.stop_reason = self.stop_reason or f"received {signal.Signals(number).name}"
        self._heard.put(None)

    def _listen(self) -> None:
        while (message := self._channel.receive()) is not None:
            if message["kind"] == "stop":
                self.stop_reason = message["reason"]
            self._heard.put(None)
        os.killpg(0, signal.SIGKILL)  # the runner is gone; nobody would record what this group does
