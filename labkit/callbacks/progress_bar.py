"""ProgressBar: what fit shows while it trains."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

import numpy as np

from labkit.callbacks.base import Callback, Logs
from labkit.callbacks.texts import count, duration, shown
from labkit.errors import InvalidArgumentError
from labkit.io import SYSTEM, Clock

EVERY = 0.1
"""Seconds between two drawings of the bar at least; one takes about 0.3 ms."""

CLEAR = "\r\x1b[2K"  # goes to the beginning of the terminal's line, and empties it


class ProgressBar(Callback):
    """Shows how far a fit is: a bar over all its steps, with steps and examples per second, the time left and the values of
    the epoch so far; and a line for each epoch that has ended. Where the output is no terminal there are the lines alone.

    `fit(verbose=...)` brings one. It draws between native stretches of steps, at most ten times a second, and changes no bit.

    Args:
        verbose: 1 for bar and lines, 2 for the lines alone.
        file: where to, a text stream; None for what is `sys.stdout` then.
        clock: for tests.

    Raises:
        InvalidArgumentError: another `verbose`.
    """

    def __init__(self, verbose: int = 1, file: TextIO | None = None, clock: Clock = SYSTEM) -> None:
        if verbose not in (1, 2):
            raise InvalidArgumentError(
                "ProgressBar does not know what to show",
                rule="verbose is 1 for a bar, 2 for one line for each epoch",
                received=repr(verbose),
            )
        self.verbose, self.file, self.clock = verbose, file, clock
        self._bar: Any = None

    def on_train_begin(self, logs: Logs) -> None:
        self._stream = self.file or sys.stdout
        self._began = self._drawn = self.clock.monotonic()
        self._done = 0
        if self.verbose == 1 and self._stream.isatty():
            self._start()

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        epochs = self.params["epochs"]
        self._title = f"Epoch {epoch + 1}" if epochs is None else f"Epoch {epoch + 1}/{epochs}"
        self._epoch_began, self._steps = self.clock.monotonic(), 0
        self._trained = 0.0

    def on_train_stretch_end(self, batch: int, logs: Logs, series: Mapping[str, np.ndarray]) -> None:
        now = self.clock.monotonic()
        self._done += batch + 1 - self._steps
        self._steps, self._trained = batch + 1, now - self._epoch_began
        if self._bar is not None and now - self._drawn >= EVERY:
            self._draw(now, f"{self._rates()} - {shown(logs)}")

    def on_test_begin(self, logs: Logs) -> None:
        now = self.clock.monotonic()
        if self._bar is not None and now - self._drawn >= EVERY:
            self._draw(now, f"{self._rates()} - validation")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        took = duration(self.clock.monotonic() - self._epoch_began)
        line = f"{self._title} - {self._steps:,} steps - {took} - {self._rates()} - {shown(logs)}\n"
        # in the bar's place, which the next drawing makes up for: cheaper than asking rich to print above it
        self._stream.write(line if self._bar is None else f"{CLEAR}{line}")
        self._stream.flush()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start(self) -> None:
        import rich.console
        import rich.progress

        console = rich.console.Console(file=self._stream)
        if console.is_dumb_terminal:
            return
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}", markup=False),
            rich.progress.BarColumn(bar_width=20),
            rich.progress.TextColumn("{task.fields[text]}", markup=False),
            console=console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("Begins", total=self.params["steps"], text="")
        self._bar.start()

    def _draw(self, now: float, text: str) -> None:
        steps = self.params["steps"]
        if steps is None:  # only the data tell
            text = f"{self._done:,} steps - {text}"
        else:
            left = (now - self._began) / self._done * (steps - self._done)
            text = f"{self._done:,}/{steps:,} - {duration(left)} left - {text}"
        self._bar.update(self._task, description=self._title, completed=self._done, text=text)
        self._bar.refresh()
        self._drawn = now

    def _rates(self) -> str:
        """Over the steps of the epoch so far, without validation."""
        if not self._trained:
            return "- steps/s"
        rate = self._steps / self._trained
        return f"{count(rate)} steps/s - {count(rate * self.params['batch_size'])} examples/s"
