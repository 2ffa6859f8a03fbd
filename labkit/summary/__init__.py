"""Event files that TensorBoard opens, and summaries that a graph computes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.missing_names import missing
from labkit.summary.graph_summaries import histogram, image, merge, merge_all, scalar, text
from labkit.summary.histograms import Histogram
from labkit.summary.images import filters, grid

if TYPE_CHECKING:
    from labkit.summary.queue import EventFileWarning
    from labkit.summary.writer import EventWriter

__all__ = [
    "EventFileWarning",
    "EventWriter",
    "Histogram",
    "filters",
    "grid",
    "histogram",
    "image",
    "merge",
    "merge_all",
    "scalar",
    "text",
]


def __getattr__(name: str) -> Any:  # what writes files takes longer to import than all that a graph needs
    if name not in ("EventFileWarning", "EventWriter"):
        raise missing(name, "summary", __all__)
    from labkit.summary import queue, writer

    globals().update(EventFileWarning=queue.EventFileWarning, EventWriter=writer.EventWriter)
    return globals()[name]
