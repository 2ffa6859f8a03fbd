"""default_name: what an object is called that was given no name."""

from __future__ import annotations

import re


def default_name(kind: type) -> str:
    """A class's name in Keras's lower case: Dense -> dense, Conv2D -> conv2d, MeanSquaredError -> mean_squared_error."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind.__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower().lstrip("_")
