"""Event files that TensorBoard opens."""

from labkit.summary.histograms import Histogram
from labkit.summary.images import filters, grid
from labkit.summary.queue import EventFileWarning
from labkit.summary.writer import EventWriter

__all__ = ["EventFileWarning", "EventWriter", "Histogram", "filters", "grid"]
