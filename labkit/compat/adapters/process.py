"""TF1's switches of the whole process."""

from __future__ import annotations

import logging


def accepted() -> None:
    """A switch that is in this position already: graphs and sessions, no eager execution."""


def executing_eagerly() -> bool:
    """False: operations build a graph, and sessions run it."""
    return False


def get_logger() -> logging.Logger:
    """The logger that tf.logging writes to."""
    return logging.getLogger("tensorflow")
