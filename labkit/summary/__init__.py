"""Event files that TensorBoard opens."""

from labkit.summary.histogram import Histogram
from labkit.summary.image import filters, grid
from labkit.summary.writer import EventFileWarning, EventWriter

__all__ = ["EventFileWarning", "EventWriter", "Histogram", "filters", "grid"]
