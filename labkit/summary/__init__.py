"""Event files that TensorBoard opens, and summaries that a graph computes for them."""

from labkit.summary.graph_summaries import histogram, image, merge, merge_all, scalar, text
from labkit.summary.histograms import Histogram
from labkit.summary.images import filters, grid
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
