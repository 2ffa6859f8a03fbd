"""How a process ended that could not say so itself."""

from __future__ import annotations

import signal
from pathlib import Path

LAST_LINES = 5
"""Lines of a failed trial's stderr that its reason quotes."""


def fate(status: int) -> str:
    """An exit status in words: an exit code, or minus the signal that ended the process."""
    if status >= 0:
        return f"its process left with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    hint = ", perhaps by the kernel for lack of memory" if -status == signal.SIGKILL else ""
    return f"its process was killed by signal {-status} ({name}){hint}"


def last_words(path: Path) -> str:
    """The lines of a stderr.log that say most: its last ones, or where native code failed."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16384))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if line.strip()]
    fatal = [place for place, line in enumerate(lines) if line.startswith("Fatal Python error")]
    if fatal:  # the fault handler writes the stack of each thread, innermost frame first
        current = next((n for n in range(fatal[-1], len(lines)) if lines[n].startswith("Current thread")), fatal[-1])
        return "\n".join([lines[fatal[-1]], *lines[current + 1 : current + LAST_LINES]])
    return "\n".join(lines[-LAST_LINES:])
