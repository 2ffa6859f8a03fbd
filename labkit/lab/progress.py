"""What a run shows while it runs: a live line per trial on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from labkit.lab.rows import TrialRow
from labkit.report.shown import shown

EVERY = 10.0
"""Seconds between two plain lines of one trial."""


class Progress:
    """Interface, and the progress that shows nothing."""

    @classmethod
    def silent(cls) -> Progress:
        return cls()

    def begin(self, trials: int, swept: list[str]) -> None:
        """`trials` are to run; `swept` are the keys in which their configurations differ."""

    def say(self, text: str, trial: TrialRow | None = None) -> None:
        """One line that must be seen."""

    def started(self, trial: TrialRow, attempt: int) -> None: ...

    def update(self, trial: TrialRow, values: Mapping[str, Any]) -> None:
        """`values`: step, steps (or None), phase, and the latest figures by name."""

    def waits(self, trial: TrialRow) -> None:
        """A started trial goes back to those that wait."""

    def finished(
        self, trial: TrialRow, state: str, seconds: float, reason: str | None, metrics: Mapping[str, float] | None
    ) -> None: ...

    def close(self) -> None: ...


class Deferred(Progress):
    """Holds back what is to be shown until `release`: until what it tells of is durable."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._held: list[Callable[[], None]] = []

    def release(self) -> None:
        held, self._held = self._held, []
        for show in held:
            show()

    def begin(self, trials: int, swept: list[str]) -> None:
        self._shown.begin(trials, swept)

    def say(self, text: str, trial: TrialRow | None = None) -> None:
        self._held.append(lambda: self._shown.say(text, trial))

    def started(self, trial: TrialRow, attempt: int) -> None:
        self._held.append(lambda: self._shown.started(trial, attempt))

    def update(self, trial: TrialRow, values: Mapping[str, Any]) -> None:
        self._held.append(lambda: self._shown.update(trial, values))

    def waits(self, trial: TrialRow) -> None:
        self._held.append(lambda: self._shown.waits(trial))

    def finished(
        self, trial: TrialRow, state: str, seconds: float, reason: str | None, metrics: Mapping[str, float] | None
    ) -> None:
        self._held.append(lambda: self._shown.finished(trial, state, seconds, reason, metrics))


class PlainProgress(Progress):
    """Lines through `echo`: when a trial starts and ends, and every ten seconds between."""

    def __init__(self, echo: Any) -> None:
        self._echo = echo
        self._swept: list[str] = []
        self._shown: dict[int, float] = {}
        self._rates: dict[int, Rate] = {}

    def begin(self, trials: int, swept: list[str]) -> None:
        self._swept = swept

    def say(self, text: str, trial: TrialRow | None = None) -> None:
        self._echo(f"{trial.folder}: {text}" if trial else text)

    def started(self, trial: TrialRow, attempt: int) -> None:
        self._shown[trial.number] = time.monotonic()
        self._rates[trial.number] = Rate()
        self._echo(f"{label(trial, self._swept)}: {'started' if attempt == 1 else f'continues, attempt {attempt}'}")

    def update(self, trial: TrialRow, values: Mapping[str, Any]) -> None:
        rate = self._rates[trial.number]
        rate.update(values)
        if time.monotonic() - self._shown[trial.number] >= EVERY:
            self._shown[trial.number] = time.monotonic()
            self._echo(f"{trial.folder}: {describe(values, rate)}")

    def finished(
        self, trial: TrialRow, state: str, seconds: float, reason: str | None, metrics: Mapping[str, float] | None
    ) -> None:
        self._echo(f"{label(trial, self._swept)}: {ending(state, seconds, reason, metrics)}")


class LiveProgress(Progress):
    """A rich display: one line for each running trial, finished ones scroll away above."""

    def __init__(self, console: Any) -> None:
        import rich.progress

        self._swept: list[str] = []
        self._rates: dict[int, Rate] = {}
        self._tasks: dict[int, Any] = {}
        self._bars = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}", markup=False),
            rich.progress.BarColumn(bar_width=20),
            rich.progress.TextColumn("{task.fields[text]}", markup=False),
            console=console,
            transient=True,
            refresh_per_second=5,
        )

    def begin(self, trials: int, swept: list[str]) -> None:
        self._swept = swept
        self._bars.start()
        self._all = self._bars.add_task(f"{trials} trials", total=trials, text="", visible=trials > 1)

    def say(self, text: str, trial: TrialRow | None = None) -> None:
        self._print(f"{trial.folder}: {text}" if trial else text, style="bold yellow")

    def started(self, trial: TrialRow, attempt: int) -> None:
        self._rates[trial.number] = Rate()
        text = "starts" if attempt == 1 else f"continues, attempt {attempt}"
        self._tasks[trial.number] = self._bars.add_task(label(trial, self._swept), total=None, text=text)

    def update(self, trial: TrialRow, values: Mapping[str, Any]) -> None:
        rate = self._rates[trial.number]
        rate.update(values)
        self._bars.update(
            self._tasks[trial.number], completed=values["step"], total=values.get("steps"), text=describe(values, rate)
        )

    def waits(self, trial: TrialRow) -> None:
        self._bars.remove_task(self._tasks.pop(trial.number))

    def finished(
        self, trial: TrialRow, state: str, seconds: float, reason: str | None, metrics: Mapping[str, float] | None
    ) -> None:
        self._bars.remove_task(self._tasks.pop(trial.number))
        self._bars.advance(self._all)
        style = {"COMPLETED": "green", "FAILED": "bold red"}.get(state, "yellow")
        self._print(f"{label(trial, self._swept)}: {ending(state, seconds, reason, metrics)}", style=style)

    def close(self) -> None:
        self._bars.stop()

    def _print(self, text: str, style: str) -> None:
        self._bars.console.print(text, style=style, markup=False, highlight=False)


class Rate:
    """Steps per second of one trial in this attempt, from the first progress it reported on."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self.per_second = 0.0

    def update(self, values: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now, values["step"]
        elif now > self._first[0]:
            self.per_second = (values["step"] - self._first[1]) / (now - self._first[0])


def label(trial: TrialRow, swept: list[str]) -> str:
    """A trial in a few words: its folder, the keys that vary, its seed."""
    keys = [f"{key}={shown(trial.config[key])}" for key in swept if key in trial.config]
    return " ".join([trial.folder, *keys, f"seed={trial.seed}"])


def describe(values: Mapping[str, Any], rate: Rate) -> str:
    """Where a running trial is: `step 120/1000  loss 0.231  1.6 steps/s  9 min left`."""
    step, steps = values["step"], values.get("steps")
    parts = [f"{values.get('phase') or 'step'} {step}" + (f"/{steps}" if steps else "")]
    parts += [f"{name} {value:.4g}" for name, value in values.get("metrics", {}).items()]
    if rate.per_second > 0 and not values.get("phase"):
        parts.append(f"{rate.per_second:.3g} steps/s")
        if steps:
            parts.append(f"{duration((steps - step) / rate.per_second)} left")
    return "  ".join(parts)


def ending(state: str, seconds: float, reason: str | None, metrics: Mapping[str, float] | None) -> str:
    text = f"{state if state == 'FAILED' else state.lower()} after {duration(seconds)}"
    if state == "INTERRUPTED":
        text += "; the same command continues it"
    if state == "COMPLETED" and metrics:
        shown = [name for name in ("train/accuracy", "validation/accuracy", "test/accuracy") if name in metrics]
        shown = shown or list(metrics)[:3]
        text += "  " + "  ".join(f"{name} {metrics[name]:.4g}" for name in shown)
    return f"{text}: {reason}" if reason and state == "FAILED" else text


def duration(seconds: float) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
