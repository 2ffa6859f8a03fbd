"""tensorflow.python.client.timeline: a profiled run for chrome://tracing."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.compat.lookup import names_of
from labkit.errors import InvalidArgumentError

__getattr__, __dir__ = names_of(__name__)


class Timeline:
    """What `run_metadata.step_stats` tells, as a Chrome trace.

    Args:
        step_stats: of an `lk.RunMetadata` that a run has filled.
        graph: taken as TF1 takes it; the records know their operations.

    Raises:
        InvalidArgumentError: these are no step_stats.
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        run_metadata = getattr(step_stats, "run_metadata", None)
        if not isinstance(run_metadata, lk.RunMetadata):
            raise InvalidArgumentError("Timeline takes run_metadata.step_stats", received=repr(step_stats)[:80])
        self._run_metadata = run_metadata

    def generate_chrome_trace_format(self, show_dataflow: bool = True, show_memory: bool = False) -> str:
        """The trace as JSON. Data flow is not drawn, and each event holds the bytes of its results whatever is asked."""
        return self._run_metadata.to_chrome_trace()
